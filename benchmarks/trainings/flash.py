"""Flash and regular distillation of AutoDistill's students: whether they rank alike."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from scipy import stats
from trainings.bench import SEED, Bench, reporter

from hwcost.spaces.autodistill import AutoDistill
from hwcost.supernets.distillation import SCHEDULES, Distillation, TeacherTraining
from hwcost.supernets.masked_lm import perplexity
from hwcost.supernets.student import student, teacher
from hwcost.supernets.training import Phase, train


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


def show_flash(four: dict[str, Any]) -> None:
    """Prints how well flash distillation ranks."""
    for name, row in four["students"].items():
        print(f"  {name}: {row['params']} parameters, flash {row['flash']:.1f}, regular {row['regular']:.1f}")
    print(f"flash against regular: tau {four['tau']:.3f} (bar 0.6); by parameters alone {four['tau_by_params']:.3f}")
