"""The sweep over the weight of the cost: DO by lambda, SDO by lambda and nu, and the fastest net within a loss of quality.

Source: Tsai et al., "Finding Fast Transformers", section 5.1 ("increase lambda until the drop becomes unacceptable"),
appendix A.2 (the grid, and how quality and parts of the net go, slowly first, then at once) and Table 7.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from functools import partial
from typing import TYPE_CHECKING, Any

from hwcost.spaces import Architecture
from hwcost.systems.components.results import Point, Selected, Sweep
from hwcost.systems.components.searches import direct, sampled
from hwcost.systems.components.series import fastest_within
from hwcost.systems.components.speed import latencies_of, mean_speed_up
from hwcost.systems.task_scores import TaskUsed

if TYPE_CHECKING:
    from hwcost.systems.components.pipeline import ComponentsPipeline
    from hwcost.systems.components.presets import Sweeping

LEAST_COST = 0.01
"""Cost that the speed of a net is no more than the inverse of, where it is predicted: what no gate closes takes time too."""

AS_SEARCHED = " as searched: "
"""Text between the name of weights and the architecture of a net that has them."""

Setting = tuple[str, float, float | None]
"""Method (``do`` or ``sdo``), lambda and nu of a search; nu is None for DO."""


def swept(pipeline: ComponentsPipeline) -> Sweep:
    """Runs the searches of the preset's grid, fine-tunes and measures what they selected, and chooses by method."""
    sweeping = pipeline.preset.sweep
    settings = settings_of(sweeping)
    if not settings:
        return Sweep(task=None, quality=None, drop=sweeping.drop, points=[], chosen={})
    work = partial(_searched, pipeline)
    found = dict(zip(settings, pipeline.cached_map("sweep", settings, lambda one: label(*one), work), strict=True))
    archs = {setting: pipeline.space.parse(row["arch"]) for setting, row in found.items()}
    base, speeds = pipeline.space.base(), _speeds(pipeline, list(archs.values()))
    quality = _quality(pipeline, "base", base)
    points = [
        Point(
            **row, method=setting[0], penalty=setting[1], rate=setting[2], name=name_of(pipeline, setting),
            speed=speeds[archs[setting]], quality=_quality(pipeline, name_of(pipeline, setting), archs[setting]),
        )
        for setting, row in found.items()
    ]  # fmt: skip
    chosen = {
        method: fastest_within([one for one in points if one.method == method], quality, sweeping.drop)
        for method in ("do", "sdo")
    }
    names = {method: None if point is None else point.name for method, point in chosen.items()}
    return Sweep(task=TaskUsed.of(pipeline.tasks[0]), quality=quality, drop=sweeping.drop, points=points, chosen=names)


def name_of(pipeline: ComponentsPipeline, setting: Setting) -> str:
    """Returns the name of a search's training and weights: that of a stage where the stage has the same settings."""
    preset = pipeline.preset
    own: dict[Setting, str] = {
        ("do", preset.direct_penalty, None): "do", ("sdo", preset.sampled_penalty, preset.sampled_rate): "sdo"
    }  # fmt: skip
    return own.get(setting, label(*setting).replace(" ", "-"))


def _searched(pipeline: ComponentsPipeline, setting: Setting) -> dict[str, Any]:
    """Returns what a search selects, plain JSON; the searches of both stages are not repeated."""
    _, penalty, rate = setting
    name = name_of(pipeline, setting)
    found: Selected
    if name in ("do", "sdo"):
        found = getattr(pipeline, name)
    elif rate is None:
        found = direct(pipeline, name, penalty)
    else:
        found = sampled(pipeline, name, penalty, rate)
    plain = asdict(found)
    return {one.name: plain[one.name] for one in fields(Selected)}


def _quality(pipeline: ComponentsPipeline, name: str, arch: Architecture) -> float:
    """Returns the first task's metric of a net with the weights of its search, fine-tuned."""
    net = f"{name}{AS_SEARCHED}{pipeline.space.key(arch)}"
    return pipeline.fine_tuning.score(f"{name} as searched", net, pipeline.tasks[0]).score


def _speeds(pipeline: ComponentsPipeline, archs: Sequence[Architecture]) -> Mapping[Architecture, float]:
    """Returns speeds over the base net by architecture: measured, or else by the costs of gates."""
    nets = {str(place): arch for place, arch in enumerate(dict.fromkeys([pipeline.space.base(), *archs]))}
    latencies = latencies_of(pipeline, nets)
    found = {}
    for name, arch in nets.items():
        measured = mean_speed_up(latencies["0"], latencies[name]).ratio
        found[arch] = 1 / max(pipeline.cost(arch), LEAST_COST) if measured is None else measured
    return found


def settings_of(sweeping: Sweeping) -> list[Setting]:
    """Returns method, lambda and nu of every search, from the least lambda up; nu is None for DO."""
    direct = [("do", penalty, None) for penalty in sorted(sweeping.direct_penalties)]
    rates, penalties = sorted(sweeping.sampled_rates), sorted(sweeping.sampled_penalties)
    return [*direct, *(("sdo", penalty, rate) for rate in rates for penalty in penalties)]


def label(method: str, penalty: float, rate: float | None) -> str:
    """Names a search, for files and figures."""
    return f"{method} {penalty:g}" if rate is None else f"{method} {penalty:g} {rate:g}"
