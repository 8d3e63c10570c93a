"""Students of the base net on tagging tasks: distilled whole, searched by DO and SDO meanwhile, and distilled again ("-R").

Source: Tsai et al., "Finding Fast Transformers", section 5.4, Tables 5 and 6, and appendix A.4. Every student starts from
fresh weights, as the paper does not say what MiniBERT starts from.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from hwcost.spaces import Architecture
from hwcost.supernets.finetuning import scores
from hwcost.supernets.heads import TaskNet
from hwcost.supernets.tuned_folder import save_tuned
from hwcost.systems.components.gated_distillation import DistilledNet, WeighedTagger, distil, distil_do, distil_sdo
from hwcost.systems.components.profiling import profiled
from hwcost.systems.components.results import AGAIN, STUDENT, Distillation, Student, Winners
from hwcost.systems.components.searches import gates_of, policy_of, rates
from hwcost.systems.components.speed import compared, latencies_of
from hwcost.systems.fine_tuning import tune
from hwcost.systems.processes import together
from hwcost.systems.task_scores import TaskUsed
from hwcost.systems.training import reporting
from hwcost.tasks import Task

if TYPE_CHECKING:
    from hwcost.systems.components.pipeline import ComponentsPipeline

METHODS = ("do", "sdo")


def distilled(pipeline: ComponentsPipeline) -> Distillation:
    """Distils the students of every tagging task; nothing where the preset does not ask for it."""
    if not pipeline.preset.distillation.is_on:
        return Distillation()
    taggers = pipeline.taggers
    profile = profiled(pipeline, taggers.space) if taggers.has_own_grid else None
    teachers = pipeline.cached_map("teachers", taggers.tasks, _key, partial(_taught, pipeline))
    shares = {} if profile is None else profile.shares
    rows = [(task.name, name, row) for task in taggers.tasks for name, row in _of_task(pipeline, task, shares).items()]
    return Distillation(
        grid=taggers.space.grid_name, profile=profile, tasks=list(map(TaskUsed.of, taggers.tasks)),
        teachers=dict(zip([task.name for task in taggers.tasks], teachers, strict=True)),
        gates={f"{name} on {task}": row["gates"] for task, name, row in rows if row["gates"]},
        nets=[
            Student(task=task, net=name, **{key: value for key, value in row.items() if key != "gates"})
            for task, name, row in rows
        ],
    )  # fmt: skip


def measured_students(pipeline: ComponentsPipeline) -> Winners:
    """Measures the teacher's encoder, the whole student and those that were selected; nothing where there are none."""
    rows = [row for row in pipeline.distillation.nets if row.net in METHODS]
    if not rows:
        return Winners({}, {}, {})
    space = pipeline.taggers.space
    students = {STUDENT: space.base()} | {f"{row.net} on {row.task}": space.parse(row.arch) for row in rows}
    nets = {"base": pipeline.space.base(), **students}
    return compared(latencies_of(pipeline, nets, dict.fromkeys(students, space)))


def _key(task: Task) -> str:
    return f"{task.name} {task.digest[:16]}"


def _taught(pipeline: ComponentsPipeline, task: Task) -> float:
    """Fine-tunes the base net on a task, keeps it as the teacher, and returns the task's metric."""
    found = tune(pipeline, "the teacher", "base", task.name)
    save_tuned(pipeline.taggers.teacher_folder(task), found.model, {"task": task.name, "scores": found.scores})
    return found.scores[task.split][task.metric]


def _of_task(pipeline: ComponentsPipeline, task: Task, shares: Mapping[str, float]) -> dict[str, dict[str, Any]]:
    """Returns the students of a task by name, plain JSON, each distilled once."""

    def known(name: str, arch: str | None = None) -> dict[str, Any]:
        def work(key: str) -> dict[str, Any]:
            return student(pipeline, task.name, name, arch, dict(shares))

        row: dict[str, Any] = pipeline.cached_map("students", [f"{name} on {_key(task)}"], str, work)[0]
        return row

    space = pipeline.taggers.space
    found = {STUDENT: known(STUDENT, space.key(space.base()))}
    for method in METHODS:
        found[method] = known(method)
        found[f"{method}{AGAIN}"] = known(f"{method}{AGAIN}", found[method]["arch"])
    return found


@together
def student(
    pipeline: ComponentsPipeline, task: str, name: str, arch: str | None, shares: dict[str, float]
) -> dict[str, Any]:
    """Distils a student, keeps it, and returns what is known of it, plain JSON.

    Args:
        pipeline: The run.
        task: Name of the task.
        name: Name of the student.
        arch: Key of the architecture; None where it is searched, by the method that the name says.
        shares: Shares of a student's components, where they are not those of the base net.
    """
    taggers, given = pipeline.taggers, pipeline.taggers.task(task)
    gates: list[list[float]] | None = None
    if arch is None:
        found = _searched(pipeline, given, name, shares)
        own, model, gates = found.arch, found.model, found.gates.tolist()
    else:
        own = taggers.space.parse(arch)
        model = _plain(pipeline, given, name, own)
    every, key = scores(model, taggers.encoded(given)), taggers.space.key(own)
    if pipeline.processes.is_first:
        about = {"task": task, "scores": every, "grid": taggers.space.grid_name, "arch": key, "gates": gates}
        save_tuned(pipeline.folder / "students" / _file(name, given), model, about)
    return {
        "arch": key, "params": taggers.space.params(own), "cost": float(taggers.cost(shares)(own)),
        "score": every[given.split][given.metric], "gates": gates,
    }  # fmt: skip


def _file(name: str, task: Task) -> str:
    return f"{name}-{task.name}".replace(" ", "-")


def _plain(pipeline: ComponentsPipeline, task: Task, name: str, arch: Architecture) -> TaskNet:
    """Distils an architecture from fresh weights."""
    model = pipeline.taggers.elastic(task).extract(arch)
    folder, report = _training(pipeline, task, name)
    distil(model, pipeline.taggers.labels(task), folder, progress=report)
    return model


def _searched(pipeline: ComponentsPipeline, task: Task, method: str, shares: Mapping[str, float]) -> DistilledNet:
    """Distils a student whose gates, or the policy that draws them, learn in the same run."""
    preset, taggers = pipeline.preset, pipeline.taggers
    labels, cost = taggers.labels(task), taggers.cost(shares)
    folder, report = _training(pipeline, task, method)
    if method == "do":
        gates = gates_of(preset, taggers.space, cost, taggers.direct_penalty)
        net = WeighedTagger(taggers.supernet(), task.target, gates, pipeline.settings.seed)
        prices = cost.of_gates if pipeline.costs else None
        return distil_do(
            net, labels, preset.direct_rate, folder, is_scaled=preset.direct_scaled, prices=prices, progress=report
        )
    policy = policy_of(pipeline, cost, [], taggers.sampled_penalty, preset.sampled_rate, taggers.space)
    rate = rates(labels.recipe, preset.sampled_rate) if preset.sampled_decay else None
    return distil_sdo(taggers.elastic(task), labels, policy, cost, folder, rate, progress=report)


def _training(pipeline: ComponentsPipeline, task: Task, name: str) -> tuple[Any, Any]:
    """Returns the folder of a distillation, and what reports its progress."""
    folder = pipeline.folder / f"{_file(name, task)}-distillation"
    return folder, reporting(pipeline, f"distilling {name} on {task.name}")
