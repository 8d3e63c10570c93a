"""Nets of SuperShaper trained by themselves, and fine-tuned, beside what they inherit from the supernet."""

from __future__ import annotations

from typing import Any

from trainings.bench import SEED, SHAPER, TRAINED, WORDS, Bench, spearman

from hwcost.report import supernet_figures
from hwcost.report.figures import new_figure, save
from hwcost.spaces.base import Architecture
from hwcost.supernets.diagnostics import choose, perplexities
from hwcost.supernets.finetuning import STARTS, fine_tune, prepare
from hwcost.supernets.heads import TaskNet
from hwcost.supernets.masked_lm import perplexity
from hwcost.supernets.registry import supernet
from hwcost.supernets.subnet import read_tensors
from hwcost.tasks import encode, task


def scratch(bench: Bench) -> dict[str, Any]:
    """Trains chosen nets by themselves, for half of the supernet's steps, and ranks them beside what they inherit.

    They begin with slices of the supernet's own initial weights and see the same batches: what differs is the training.
    """
    net = supernet(SHAPER, SEED)
    near, spread = choose(net.space, bench.effort.scratch, SEED)
    net.load_state_dict(read_tensors(bench.folder / TRAINED))
    chosen = [*near, *spread]
    inherited = perplexities(net, chosen, bench.judged)
    separate = []
    for index, arch in enumerate(chosen):
        own = prepared(bench, net, arch, "scratch")
        separate.append(perplexity(own, bench.judged))
        print(f"  {net.space.key(arch)}: inherited {inherited[index]:.1f}, from scratch {separate[-1]:.1f}", flush=True)
    sizes = [net.space.params(arch) for arch in chosen]
    banded = [index < len(near) for index in range(len(chosen))]
    figure, ax = new_figure(5.2, 4.6)
    labels = ("perplexity inherited", "perplexity from scratch")
    supernet_figures.agreement(ax, inherited, separate, banded, labels, "Inherited and separate training rank alike?")
    save(figure, bench.folder / "agreement")
    count = len(near)
    return {
        "nets": [net.space.key(arch) for arch in chosen], "params": sizes, "inherited": inherited, "scratch": separate,
        "spearman": spearman(inherited, separate),
        "spearman_within_band": spearman(inherited[:count], separate[:count]),
        "spearman_by_params": spearman([-size for size in sizes], separate),
        "spearman_by_params_within_band": spearman([-size for size in sizes[:count]], separate[:count]),
        "fine_tuned": fine_tuned(bench, net, chosen[: bench.effort.finetuned]),
    }  # fmt: skip


def prepared(bench: Bench, net: Any, arch: Architecture, start: str) -> Any:
    """Pre-trains a net before it is judged; what was done before is read from the folder."""
    steps = {"direct": 1, "partial": bench.effort.sandwich // 10, "scratch": bench.effort.sandwich // 2}[start]
    folder = bench.folder / start / net.space.key(arch)
    return prepare(net, arch, start, bench.batches.batch, bench.recipe(steps), folder)


def fine_tuned(bench: Bench, net: Any, archs: list[Architecture]) -> dict[str, dict[str, float]]:
    """Fine-tunes nets on the task ``docstring``: as inherited, after some more pre-training, and from scratch."""
    encoded = encode(task("docstring"), bench.tokenizer, WORDS.seq_len, SEED)
    how = bench.recipe(max(20, bench.effort.sandwich // 20), learning_rate=1e-3)
    found: dict[str, dict[str, float]] = {}
    for arch in archs:
        found[net.space.key(arch)] = {}
        for start in STARTS:
            own = prepared(bench, net, arch, start)
            tuned = fine_tune(lambda own=own: TaskNet(own, encoded.task.target, SEED), encoded, [how])
            found[net.space.key(arch)][start] = tuned.scores["validation"]["accuracy"]
    return found


def show_scratch(two: dict[str, Any]) -> None:
    """Prints how well inherited quality ranks."""
    print(
        f"inherited against scratch, {len(two['nets'])} nets: Spearman {two['spearman']:.3f}, within the band "
        f"{two['spearman_within_band']:.3f}; by parameters alone {two['spearman_by_params']:.3f}, within the band "
        f"{two['spearman_by_params_within_band']:.3f}"
    )
    print(f"fine-tuned accuracy: {two['fine_tuned']}")
