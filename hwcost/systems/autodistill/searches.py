"""The searches of a run: the Bayesian one, or the user's, and the random one that it is compared with (section 3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hwcost.objectives import Constraint, Maximize, Minimize, Objective
from hwcost.quantities import LATENCY
from hwcost.searchers import Problem
from hwcost.spaces import Architecture
from hwcost.systems.autodistill.fronts import searched
from hwcost.systems.autodistill.memory import MEMORY
from hwcost.systems.autodistill.results import Evaluated, Search, Searched

if TYPE_CHECKING:
    from hwcost.systems.autodistill.pipeline import AutoDistillPipeline

OWN, CHANCE = "bayesian", "random"
"""Names of the system's searcher, and of the one that it is compared with."""


def search_both(pipeline: AutoDistillPipeline) -> Search:
    """Runs both searches, from the same reference with as many evaluations."""
    own = _search(pipeline, _name(pipeline), **pipeline.search_options(OWN))
    chance = _search(pipeline, CHANCE, searcher=CHANCE)
    preset, reference = pipeline.preset, pipeline.space.key(pipeline.space.mobilebert)
    return Search(
        reference, _name(pipeline), own, chance, preset.quality, preset.measure_in_search, pipeline.is_memory_minimised
    )


def _name(pipeline: AutoDistillPipeline) -> str:
    """Returns the name of the searcher that is compared with chance."""
    name = pipeline.parts.searcher_name or OWN
    return f"{name} (given)" if name == CHANCE else name


def _search(pipeline: AutoDistillPipeline, name: str, **options: Any) -> Searched:
    """Searches for students of low latency and high quality, and of little peak memory where that is an objective.

    A searcher of fewer objectives raises the quality within the latency of the reference, or within the user's
    constraints; its students are then compared in all of them all the same.
    """
    latency, reference = pipeline.latency_model, pipeline.space.mobilebert
    memory = [Minimize(pipeline.search_memory, MEMORY)] if pipeline.is_memory_minimised else []
    has_all = name == CHANCE or pipeline.parts.searcher is None or pipeline.parts.pursues(2 + len(memory))
    limits = pipeline.constraints(pipeline.name, latency, pipeline.memory_model if pipeline.has_memory else None)
    objectives = [_quality(pipeline)]
    if has_all:
        objectives = [Minimize(pipeline.search_latency, LATENCY), *objectives, *memory]
    elif not limits:
        limits = [Constraint(latency, most=latency(reference), probability=0)]
    study = pipeline.run_study(
        name.replace(":", "-"), f"{name} search", Problem(pipeline.space, objectives, limits),
        evaluations=pipeline.preset.evaluations, reference=reference, **options,
    )  # fmt: skip
    trials = [_evaluated(pipeline, one.architecture) for one in study.completed]
    return searched(trials, pipeline.preset.quality, pipeline.is_memory_minimised)


def _quality(pipeline: AutoDistillPipeline) -> Objective:
    name = pipeline.preset.quality
    kind = Minimize if name == "perplexity" else Maximize
    return kind(lambda arch: pipeline.students.flash(arch)[name], name)


def _evaluated(pipeline: AutoDistillPipeline, arch: Architecture) -> Evaluated:
    return Evaluated(
        arch=pipeline.space.key(arch), latency_s=pipeline.search_latency(arch), predicted_s=pipeline.latency_model(arch),
        memory_bytes=pipeline.search_memory(arch) if pipeline.has_memory else None, **pipeline.students.flash(arch),
    )  # fmt: skip
