"""Do supernets do what the papers say of them? Trained from nothing on the prose of Python's standard library, on two cores.

Four stages, each kept in the folder when it is finished, so that an interrupted run goes on where it was:

- ``sandwich``: SuperShaper's supernet; perplexity of fixed subnets while it trains, its bottlenecks (Figure 4), a predictor
  of perplexity with what it goes by (Figure 7a), templates (Table 6), and shape difference against quality (Table 7).
- ``scratch``: nets chosen by seed before any training, trained by themselves: does inherited quality rank them alike?
- ``relations``: AutoDistil's three SuperLMs: the relation loss of all 768 subnets before and after, and their ranking.
- ``flash``: does flash distillation rank AutoDistill's students as regular distillation does (Figure 6)?

Run: ``python benchmarks/supernets.py [--quick] [--only STAGE]``: up to 90 minutes on two idle cores, ``--quick`` up to 15.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import stats

from hwcost.corpora import ClassificationTask, MlmBatches, Tokenizer, corpus
from hwcost.cost_models.quality import fit_quality
from hwcost.report import supernet_figures
from hwcost.report.figures import importance, new_figure, save
from hwcost.spaces import space as make_space
from hwcost.spaces.autodistill import AutoDistill
from hwcost.spaces.base import Architecture
from hwcost.spaces.transformer import TOKEN_TYPES
from hwcost.supernets.base import initialise, std_at
from hwcost.supernets.diagnostics import bottleneck_diagonals, choose, perplexities, shape_differences
from hwcost.supernets.distillation import SCHEDULES, Distillation, TeacherTraining
from hwcost.supernets.finetuning import STARTS, Classification, Classifier, accuracy, prepare
from hwcost.supernets.masked_lm import NetLm, SupernetLm, perplexity
from hwcost.supernets.recipe import Recipe
from hwcost.supernets.registry import supernet
from hwcost.supernets.relations import RelationDistillation
from hwcost.supernets.sampling import Sandwich
from hwcost.supernets.student import student, teacher
from hwcost.supernets.subnet import read_tensors, write_tensors
from hwcost.supernets.training import Phase, Progress, train
from hwcost.workloads.transformer_model import TransformerModel

SEED = 11
"""Chooses nets, batches and weights; fixed before any of them was trained."""

WORDS = Recipe(steps=1, batch_size=64, seq_len=32, learning_rate=2e-3, clip=1.0)
SHAPER, TRAINED = "supershaper:scale=mini", "sandwich.safetensors"


@dataclass(frozen=True)
class Effort:
    """How much of everything is done.

    Attributes:
        sandwich: Steps of the supernet.
        scratch: Nets trained by themselves.
        sampled: Subnets that the predictor of perplexity is fitted on.
        relation_teacher: Steps of AutoDistil's teacher.
        relations: Steps of each SuperLM.
        relation_batches: Held-out batches that relation losses are found on.
        flash_teacher: Steps of AutoDistill's teacher.
        flash: Steps of flash distillation in all; regular distillation has ``ratio`` times as many.
        ratio: Ratio of regular to flash distillation; 20 in the paper.
        students: Students that are distilled both ways.
        finetuned: Nets that are fine-tuned from all three starts.
    """

    sandwich: int = 3000
    scratch: int = 12
    sampled: int = 300
    relation_teacher: int = 600
    relations: int = 120
    relation_batches: int = 2
    flash_teacher: int = 2000
    flash: int = 250
    ratio: int = 6
    students: int = 6
    finetuned: int = 3


QUICK = Effort(600, 4, 60, 100, 30, 1, 300, 60, 5, 4, 1)


class Bench:
    """The text, the effort, and the folder that results are kept in."""

    def __init__(self, folder: Path, effort: Effort) -> None:
        self.folder, self.effort = folder, effort
        folder.mkdir(parents=True, exist_ok=True)
        self.training, self.held_out = corpus("stdlib").split(0.1)
        self.tokenizer = Tokenizer.train(self.training, make_space("supershaper", scale="mini").sizes.vocabulary)
        self.batches, self.judged = self.text(next_sentence=False)

    def text(self, next_sentence: bool) -> tuple[MlmBatches, list[dict[str, Any]]]:
        """Returns batches to train on, and held-out ones to judge by."""
        shape = (self.tokenizer, WORDS.seq_len, WORDS.batch_size)
        held_out = MlmBatches(self.held_out, *shape, seed=1, next_sentence=next_sentence)
        return MlmBatches(self.training, *shape, seed=SEED, next_sentence=next_sentence), held_out.fixed(12)

    def recipe(self, steps: int, **changes: Any) -> Recipe:
        """Returns the benchmark's recipe with a number of steps, a tenth of them to warm up."""
        return replace(WORDS, steps=steps, warmup_steps=steps // 10, **changes)

    def stage(self, name: str, run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Returns a stage's results, from the folder where the same work is finished."""
        path = self.folder / f"{name}.json"
        same = {"effort": asdict(self.effort), "corpus": self.training.digest, "seed": SEED}
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        if found.get("same") != same:
            print(f"{name}:", flush=True)
            started = time.monotonic()
            found = run() | {"seconds": round(time.monotonic() - started, 1), "same": same}
            path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        print(f"{name}: {found['seconds']} s, kept in {path}", flush=True)
        return found

    def about(self, what: str) -> dict[str, Any]:
        """Describes a training for its checkpoint."""
        return {"what": what, "corpus": self.training.digest, "seed": SEED}


def reporter(every: int) -> Callable[[Progress], None]:
    """Prints a line every so many steps."""

    def tell(state: Progress) -> None:
        if state.done % every == 0 or state.done == state.total:
            losses = ", ".join(f"{name} {loss:.3f}" for name, loss in state.losses.items())
            print(f"  {state.phase} {state.done}/{state.total}: {losses}", flush=True)

    return tell


# -- SuperShaper -------------------------------------------------------------------------------------------------------


def sandwich(bench: Bench) -> dict[str, Any]:
    """Trains the supernet by sandwich sampling and judges what it holds."""
    net = supernet(SHAPER, SEED)
    fixed = {"smallest": net.smallest(), "largest": net.largest()}
    fixed |= {net.space.key(arch): arch for arch in net.space.sample(4, seed=SEED)}
    every = max(1, bench.effort.sandwich // 12)
    steps, curves = [0], {name: perplexities(net, [arch], bench.judged) for name, arch in fixed.items()}

    def watch(state: Progress) -> None:
        reporter(every)(state)
        if state.done % every == 0:
            steps.append(state.done)
            for name, arch in fixed.items():
                curves[name] += perplexities(net, [arch], bench.judged)

    objective = SupernetLm(net, bench.batches.batch, Sandwich(net, 1, SEED))
    train(net, [Phase("sandwich", objective, bench.recipe(bench.effort.sandwich))], progress=watch)
    write_tensors(bench.folder / TRAINED, net.state_dict())
    figure, ax = new_figure(6.4, 4.4)
    supernet_figures.curves(ax, steps, curves, "Perplexity of subnets while the supernet trains")
    save(figure, bench.folder / "curves")
    figure, ax = new_figure(6.4, 3.6)
    widths = net.space.sizes.widths
    supernet_figures.bands(ax, bottleneck_diagonals(net), widths, "Bottleneck diagonals after sliced training (Figure 4)")
    save(figure, bench.folder / "bottlenecks")
    return {"steps": steps, "curves": curves, **shapes(bench, net), "bands": band_steps(net)}


def band_steps(net: Any) -> dict[str, float]:
    """Compares how much neighbouring diagonal entries differ across the ends of bands and within them."""
    rows = bottleneck_diagonals(net).reshape(-1, net.space.sizes.backbone_width)
    jumps = np.abs(np.diff(rows, axis=1)).mean(axis=0)
    ends = np.array(net.space.sizes.widths[:-1]) - 1
    inside = np.delete(jumps, ends)
    return {"across": float(jumps[ends].mean()), "within": float(inside.mean())}


def shapes(bench: Bench, net: Any) -> dict[str, Any]:
    """Judges sampled shapes and templates, fits the predictor, and relates shape to quality within one size."""
    archs = net.space.sample(bench.effort.sampled, seed=SEED + 1)
    quality = perplexities(net, archs, bench.judged)
    fits = {}
    for model in ("xgboost", "auto"):
        fit = fit_quality(net.space, archs, quality, model)
        fits[model] = {**dict(fit.metrics), "importance": fit.model.importance()}
        figure, ax = new_figure(5.2, 3.6)
        importance(ax, fit.model.importance(), f"What perplexity depends on ({model})")
        save(figure, bench.folder / f"importance-{model}")
    table = {
        name: {"params": net.space.params(arch), "perplexity": perplexities(net, [arch], bench.judged)[0]}
        for name, arch in net.space.templates.items()
    }
    return {"predictors": fits, "templates": table, "table_7": table_7(net.space, archs, quality)}


def table_7(space: Any, archs: list[Architecture], quality: list[float]) -> dict[str, Any]:
    """Correlates, among shapes of about one size, distance from the best shape with distance from its perplexity."""
    sizes = np.array([space.params(arch) for arch in archs])
    found = {}
    for middle in np.quantile(sizes, [0.25, 0.5, 0.75]):
        rows = np.flatnonzero(np.abs(sizes / middle - 1) < 0.05)
        best = rows[int(np.argmin([quality[i] for i in rows]))]
        others = [i for i in rows if i != best]
        apart = shape_differences(space, [archs[i] for i in others], archs[best])
        worse = [quality[i] - quality[best] for i in others]
        found[f"{middle / 1e3:.0f} k"] = {
            "nets": len(others), "spearman": float(stats.spearmanr(apart, worse).statistic),
            "pearson": float(stats.pearsonr(apart, worse).statistic),
        }  # fmt: skip
    return found


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
        "spearman": _spearman(inherited, separate),
        "spearman_within_band": _spearman(inherited[:count], separate[:count]),
        "spearman_by_params": _spearman([-size for size in sizes], separate),
        "spearman_by_params_within_band": _spearman([-size for size in sizes[:count]], separate[:count]),
        "fine_tuned": fine_tuned(bench, net, chosen[: bench.effort.finetuned]),
    }  # fmt: skip


def prepared(bench: Bench, net: Any, arch: Architecture, start: str) -> Any:
    """Pre-trains a net before it is judged; what was done before is read from the folder."""
    steps = {"direct": 1, "partial": bench.effort.sandwich // 10, "scratch": bench.effort.sandwich // 2}[start]
    folder = bench.folder / start / net.space.key(arch)
    return prepare(net, arch, start, bench.batches.batch, bench.recipe(steps), folder)


def fine_tuned(bench: Bench, net: Any, archs: list[Architecture]) -> dict[str, dict[str, float]]:
    """Fine-tunes nets on the classification task: as inherited, after some more pre-training, and from scratch."""
    task = ClassificationTask.from_corpus(bench.training, bench.tokenizer, seq_len=WORDS.seq_len, seed=SEED)
    test = task.test.rows(np.arange(len(task.test)))
    found: dict[str, dict[str, float]] = {}
    for arch in archs:
        found[net.space.key(arch)] = {}
        for start in STARTS:
            own = prepared(bench, net, arch, start)
            classifier = Classifier(own, net.space.sizes.backbone_width, len(task.labels), SEED)
            how = bench.recipe(max(20, bench.effort.sandwich // 20), learning_rate=1e-3)
            batches = _task_batches(task)
            train(classifier, [Phase("fine-tuning", Classification(classifier, batches), how)])
            found[net.space.key(arch)][start] = accuracy(classifier, test)
    return found


def _task_batches(task: ClassificationTask) -> Callable[[int], dict[str, Any]]:
    return lambda step: task.batch(step, WORDS.batch_size)


# -- AutoDistil --------------------------------------------------------------------------------------------------------


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
        how = bench.recipe(bench.effort.relations, learning_rate=5e-4, random=2)
        train(net, [Phase(subspace, objective, how)], progress=reporter(50))
        after = np.array([objective.loss(arch, targets) for arch in archs])
        macs = [net.space.flops(arch, WORDS.seq_len) // 2 for arch in archs]
        keys = [net.space.key(arch) for arch in archs]
        ranked += list(zip(after.tolist(), macs, [subspace] * len(archs), keys, strict=True))
        result["subspaces"][subspace] = {
            "before": _spread(before), "after": _spread(after), "lowered": int((after < before).sum()), "of": len(archs),
            "spearman_with_macs": _spearman(macs, (-after).tolist()),
        }  # fmt: skip
    whole = make_space("autodistil", subspace="reference", scale="mini")
    limit = whole.flops(whole.architecture((12, sizes.width, 4, 12)), WORDS.seq_len) // 4
    allowed = sorted(row for row in ranked if row[1] <= limit)
    result["agnostic"] = {"limit_macs": limit, "allowed": len(allowed), "best": allowed[:5]}
    return result


# -- AutoDistill -------------------------------------------------------------------------------------------------------


def flash(bench: Bench) -> dict[str, Any]:
    """Distils students both ways from one teacher and compares the rankings by held-out perplexity."""
    space = AutoDistill(scale="mini")
    batches, judged = bench.text(next_sentence=True)
    own = teacher(space, SEED)
    pretraining = TeacherTraining(own, space.sizes.teacher[0], batches.batch)
    how = bench.recipe(bench.effort.flash_teacher, learning_rate=1e-3)
    folder = bench.folder / "flash"
    train(pretraining, [Phase("teacher", pretraining, how)], folder / "teacher", bench.about("teacher"), 500, reporter(200))
    result: dict[str, Any] = {"teacher_perplexity": perplexity(own, judged), "students": {}}
    paper = SCHEDULES["flash"]
    total = 24 * paper.block_steps + paper.pretraining_steps
    for arch in space.sample(bench.effort.students, seed=SEED, design="spread"):
        row = {}
        for way, steps in (("flash", bench.effort.flash), ("regular", bench.effort.ratio * bench.effort.flash)):
            net = student(space, arch, seed=SEED)
            pair = Distillation(net, own, SEED)
            plan = replace(paper, block_steps=24 * paper.block_steps // space.sizes.blocks).scaled(steps / total)
            phases = pair.phases(batches.batch, plan, bench.recipe(1))
            train(pair, phases, folder / f"{space.key(arch)}-{way}", bench.about(space.key(arch)), 10**9)
            row[way] = perplexity(net, judged)
        result["students"][space.key(arch)] = row | {"params": space.params(arch)}
        print(f"  {space.key(arch)}: flash {row['flash']:.1f}, regular {row['regular']:.1f}", flush=True)
    rows = list(result["students"].values())
    result["tau"] = float(stats.kendalltau([row["flash"] for row in rows], [row["regular"] for row in rows]).statistic)
    result["tau_by_params"] = float(
        stats.kendalltau([-row["params"] for row in rows], [row["regular"] for row in rows]).statistic
    )
    return result


# -- what is shown -----------------------------------------------------------------------------------------------------


def _spearman(one: list[float], other: list[float]) -> float:
    return float(stats.spearmanr(one, other).statistic)


def _spread(values: Any) -> dict[str, float]:
    return {"least": float(values.min()), "median": float(np.median(values)), "most": float(values.max())}


def show_sandwich(one: dict[str, Any]) -> None:
    """Prints what the supernet holds."""
    print("perplexity before and after")
    for name, values in one["curves"].items():
        print(f"  {name:>14}: {values[0]:8.1f} {values[-1]:8.1f}")
    print(f"bands: steps of the diagonal across widths {one['bands']['across']:.2e}, within {one['bands']['within']:.2e}")
    for name, fit in one["predictors"].items():
        print(f"predictor {name}: R2 {fit['r2']:.3f}, MAPE {fit['mape']:.2f} %, importance {fit['importance']}")
    for name, row in sorted(one["templates"].items(), key=lambda item: item[1]["perplexity"]):
        print(f"  {name:>16} {row['params']:>8} parameters: {row['perplexity']:.1f}")
    print(f"Table 7: {one['table_7']}")


def show_scratch(two: dict[str, Any]) -> None:
    """Prints how well inherited quality ranks."""
    print(
        f"inherited against scratch, {len(two['nets'])} nets: Spearman {two['spearman']:.3f} (bar 0.7), within the band "
        f"{two['spearman_within_band']:.3f}; by parameters alone {two['spearman_by_params']:.3f}, within the band "
        f"{two['spearman_by_params_within_band']:.3f}"
    )
    print(f"fine-tuned accuracy: {two['fine_tuned']}")


def show_relations(three: dict[str, Any]) -> None:
    """Prints what relation distillation lowered."""
    for name, row in three["subspaces"].items():
        print(f"relations {name}: lowered for {row['lowered']} of {row['of']}; before {row['before']}, after {row['after']}")
    print(f"agnostic choice: {three['agnostic']}")


def show_flash(four: dict[str, Any]) -> None:
    """Prints how well flash distillation ranks."""
    for name, row in four["students"].items():
        print(f"  {name}: {row['params']} parameters, flash {row['flash']:.1f}, regular {row['regular']:.1f}")
    print(f"flash against regular: tau {four['tau']:.3f} (bar 0.6); by parameters alone {four['tau_by_params']:.3f}")


STAGES = {
    "sandwich": (sandwich, show_sandwich), "scratch": (scratch, show_scratch),
    "relations": (relations, show_relations), "flash": (flash, show_flash),
}  # fmt: skip


def main() -> None:
    """Runs all stages, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer nets and steps")
    parser.add_argument("--folder", type=Path, default=Path("runs/supernets"))
    parser.add_argument("--only", choices=STAGES, help="one stage; scratch needs sandwich")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    folder = arguments.folder / ("quick" if arguments.quick else "full")
    bench = Bench(folder, QUICK if arguments.quick else Effort())
    for name in [arguments.only] if arguments.only else STAGES:
        run, show = STAGES[name]
        show(bench.stage(name, lambda run=run: run(bench)))


if __name__ == "__main__":
    sys.exit(main())
