"""Flash and regular distillation of AutoDistill's students: whether they rank alike."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from scipy import stats
from trainings.bench import SEED, Bench, reporter, show_learnt

from hwcost.spaces.autodistill import AutoDistill
from hwcost.supernets.distillation import SCHEDULES, Distillation, Schedule, TeacherTraining
from hwcost.supernets.masked_lm import perplexity
from hwcost.supernets.student import student, teacher
from hwcost.supernets.training import Phase, train

PAPER_BLOCKS = 24
"""Blocks of the paper's teacher and students."""


def flash(bench: Bench) -> dict[str, Any]:
    """Distils students both ways from one teacher and compares the rankings by held-out perplexity."""
    space = AutoDistill(scale="mini")
    batches, judged = bench.text(next_sentence=True)
    own = teacher(space, SEED)
    pretraining = TeacherTraining(own, space.sizes.teacher[0], batches.batch)
    how = bench.recipe(bench.effort.flash_teacher, learning_rate=1e-3)
    folder = bench.folder / "flash"
    train(pretraining, [Phase("teacher", pretraining, how)], folder / "teacher", bench.about("teacher"), 500, reporter(200))
    students, steps = {}, {"flash": bench.effort.flash, "regular": bench.effort.ratio * bench.effort.flash}
    for arch in space.sample(bench.effort.students, seed=SEED, design="spread"):
        row = {}
        for way, count in steps.items():
            net = student(space, arch, seed=SEED)
            pair = Distillation(net, own, SEED)
            phases = pair.phases(batches.batch, schedule(space, count), bench.recipe(1))
            train(pair, phases, folder / f"{space.key(arch)}-{way}", bench.about(space.key(arch)), 10**9)
            row[way] = perplexity(net, judged)
        students[space.key(arch)] = row | {"params": space.params(arch)}
        print(f"  {space.key(arch)}: flash {row['flash']:.1f}, regular {row['regular']:.1f}", flush=True)
    flashed, regular, sizes = ([row[name] for row in students.values()] for name in ("flash", "regular", "params"))
    return {
        "teacher_perplexity": perplexity(own, judged), "teacher": bench.learnt(own, judged), "students": students,
        "tau": float(stats.kendalltau(flashed, regular).statistic),
        "tau_by_params": float(stats.kendalltau([-size for size in sizes], regular).statistic),
    }  # fmt: skip


def schedule(space: AutoDistill, steps: int) -> Schedule:
    """Returns the paper's schedule of flash distillation, scaled to so many steps and to the space's blocks."""
    paper = SCHEDULES["flash"]
    total = PAPER_BLOCKS * paper.block_steps + paper.pretraining_steps
    own = replace(paper, block_steps=PAPER_BLOCKS * paper.block_steps // space.sizes.blocks)
    return own.scaled(steps / total)


def show_flash(four: dict[str, Any]) -> None:
    """Prints how well flash distillation ranks."""
    show_learnt(four["teacher"])
    for name, row in four["students"].items():
        print(f"  {name}: {row['params']} parameters, flash {row['flash']:.1f}, regular {row['regular']:.1f}")
    print(f"flash against regular: tau {four['tau']:.3f}; by parameters alone {four['tau_by_params']:.3f}")
