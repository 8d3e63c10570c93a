"""AutoDistil's three SuperLMs: the relation loss of all subnets before and after distillation, and their ranking."""

from __future__ import annotations

from typing import Any

import numpy as np
from trainings.bench import SEED, WORDS, Bench, reporter, spearman

from hwcost.spaces import space as make_space
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
    sizes = make_space("autodistil", scale="mini").sizes
    own = TransformerModel(
        [(sizes.width, 4 * sizes.width, 12, sizes.width)] * 12, sizes.width, "mlm", sizes.vocabulary, sizes.positions,
        TOKEN_TYPES,
    )  # fmt: skip
    initialise(own, SEED, std_at(sizes.width))
    how = bench.recipe(bench.effort.relation_teacher, learning_rate=1e-3)
    train(own, [Phase("teacher", NetLm(own, bench.batches.batch), how)], progress=reporter(100))
    result: dict[str, Any] = {"teacher_perplexity": perplexity(own, bench.judged), "subspaces": {}}
    ranked = []
    for subspace in ("tiny", "small", "base"):
        net = supernet("autodistil", subspace=subspace, scale="mini")
        net.weights.load_state_dict(own.state_dict(), strict=False)
        objective = RelationDistillation(net, own, 12, bench.batches.batch, Sandwich(net, 2, SEED))
        targets = objective.targets(bench.judged[: bench.effort.relation_batches])
        archs = list(net.space.architectures())

        before = np.array([objective.loss(arch, targets) for arch in archs])
        how = bench.recipe(bench.effort.relations, learning_rate=5e-4, epsilon=RELATION_EPSILON, random=2)
        train(net, [Phase(subspace, objective, how)], progress=reporter(50))
        after = np.array([objective.loss(arch, targets) for arch in archs])
        macs = [net.space.flops(arch, WORDS.seq_len) // 2 for arch in archs]
        keys = [net.space.key(arch) for arch in archs]
        ranked += list(zip(after.tolist(), macs, [subspace] * len(archs), keys, strict=True))
        result["subspaces"][subspace] = {
            "before": _spread(before), "after": _spread(after), "lowered": int((after < before).sum()), "of": len(archs),
            "spearman_with_macs": spearman(macs, (-after).tolist()),
        }  # fmt: skip
    whole = make_space("autodistil", subspace="reference", scale="mini")
    limit = whole.flops(whole.architecture((12, sizes.width, 4, 12)), WORDS.seq_len) // 4
    allowed = sorted(row for row in ranked if row[1] <= limit)
    result["agnostic"] = {"limit_macs": limit, "allowed": len(allowed), "best": allowed[:5]}
    return result


def _spread(values: Any) -> dict[str, float]:
    return {"least": float(values.min()), "median": float(np.median(values)), "most": float(values.max())}


def show_relations(three: dict[str, Any]) -> None:
    """Prints what relation distillation lowered."""
    for name, row in three["subspaces"].items():
        print(f"relations {name}: lowered for {row['lowered']} of {row['of']}; before {row['before']}, after {row['after']}")
    print(f"agnostic choice: {three['agnostic']}")
