"""AutoDistil's three SuperLMs: the relation loss of all subnets before and after distillation, and their ranking."""

from __future__ import annotations

from typing import Any

import numpy as np
from trainings.bench import SEED, WORDS, Bench, reporter, show_learnt, spearman
from trainings.superlms import SUBSPACES, TEACHER_RATE

from hwcost.spaces import space as make_space
from hwcost.spaces.autodistil import TEACHER_HEADS
from hwcost.spaces.transformer import TOKEN_TYPES
from hwcost.supernets.base import initialise, std_at
from hwcost.supernets.masked_lm import NetLm, perplexity
from hwcost.supernets.recipe import RELATION_EPSILON
from hwcost.supernets.registry import supernet
from hwcost.supernets.relations import RelationDistillation
from hwcost.supernets.sampling import Sandwich
from hwcost.supernets.training import Phase, train
from hwcost.workloads.transformer_model import TransformerModel


def relations(bench: Bench) -> dict[str, Any]:
    """Distils a teacher's relations into the three SuperLMs and ranks their 768 subnets."""
    own = trained_teacher(bench)
    subspaces, ranked = {}, []
    for subspace in SUBSPACES:
        subspaces[subspace], rows = distilled(bench, own, subspace)
        ranked += rows
    whole = make_space("autodistil", subspace="reference", scale="mini")
    limit = whole.flops(whole.architecture((12, whole.sizes.width, 4, TEACHER_HEADS)), WORDS.seq_len) // 4
    allowed = sorted(row for row in ranked if row[1] <= limit)
    return {
        "teacher_perplexity": perplexity(own, bench.judged), "teacher": bench.learnt(own, bench.judged),
        "subspaces": subspaces,
        "agnostic": {"limit_macs": limit, "allowed": len(allowed), "best": allowed[:5]},
    }  # fmt: skip


def trained_teacher(bench: Bench) -> TransformerModel:
    """Trains the teacher, BERT's shape at scale ``mini``, on masked words."""
    sizes = make_space("autodistil", scale="mini").sizes
    net = TransformerModel(
        [(sizes.width, 4 * sizes.width, TEACHER_HEADS, sizes.width)] * 12, sizes.width, "mlm", sizes.vocabulary,
        sizes.positions, TOKEN_TYPES,
    )  # fmt: skip
    initialise(net, SEED, std_at(sizes.width))
    how = bench.recipe(bench.effort.relation_teacher, learning_rate=TEACHER_RATE)
    train(net, [Phase("teacher", NetLm(net, bench.batches.batch), how)], progress=reporter(100))
    return net


def distilled(bench: Bench, own: TransformerModel, subspace: str) -> tuple[dict[str, Any], list[tuple[Any, ...]]]:
    """Distils a teacher's relations into one SuperLM.

    Args:
        bench: The text and the effort.
        own: The teacher.
        subspace: The SuperLM's sub-space.

    Returns:
        Figures of the losses before and after, and for each subnet its loss, its multiply-adds, its sub-space and its key.
    """
    net = supernet("autodistil", subspace=subspace, scale="mini")
    net.weights.load_state_dict(own.state_dict(), strict=False)
    objective = RelationDistillation(net, own, TEACHER_HEADS, bench.batches.batch, Sandwich(net, 2, SEED))
    targets = objective.targets(bench.judged[: bench.effort.relation_batches])
    archs = list(net.space.architectures())
    before = np.array([objective.loss(arch, targets) for arch in archs])
    how = bench.recipe(bench.effort.relations, learning_rate=5e-4, epsilon=RELATION_EPSILON, random=2)
    train(net, [Phase(subspace, objective, how)], progress=reporter(50))
    after = np.array([objective.loss(arch, targets) for arch in archs])
    macs = [net.space.flops(arch, WORDS.seq_len) // 2 for arch in archs]
    figures = {
        "before": _spread(before), "after": _spread(after), "lowered": int((after < before).sum()), "of": len(archs),
        "spearman_with_macs": spearman(macs, (-after).tolist()),
    }  # fmt: skip
    keys = map(net.space.key, archs)
    return figures, list(zip(after.tolist(), macs, [subspace] * len(archs), keys, strict=True))


def _spread(values: Any) -> dict[str, float]:
    return {"least": float(values.min()), "median": float(np.median(values)), "most": float(values.max())}


def show_relations(three: dict[str, Any]) -> None:
    """Prints what relation distillation lowered."""
    show_learnt(three["teacher"])
    for name, row in three["subspaces"].items():
        print(f"relations {name}: lowered for {row['lowered']} of {row['of']}; before {row['before']}, after {row['after']}")
    print(f"agnostic choice: {three['agnostic']}")
