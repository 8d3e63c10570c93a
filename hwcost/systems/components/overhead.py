"""What a step of DO and of SDO takes beside a step of plain training.

Source: Tsai et al., "Finding Fast Transformers", section 1: "small (1.4x) training time overhead".
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from torch import nn

from hwcost.supernets.masked_lm import SupernetLm
from hwcost.supernets.objective import Phase
from hwcost.supernets.recipe import Recipe
from hwcost.supernets.training import Progress, train
from hwcost.systems.components.results import Overhead
from hwcost.systems.components.searches import direct_training, gated, is_of_weights, policy_of, sampled_training
from hwcost.timing.timer import stopwatch

if TYPE_CHECKING:
    from hwcost.systems.components.pipeline import ComponentsPipeline

Made = Callable[[], tuple[nn.Module, Phase]]


def overhead(pipeline: ComponentsPipeline) -> Overhead:
    """Times steps of plain training, DO and SDO in turn; the first step of every turn is left out.

    Args:
        pipeline: The run; the preset says how many steps are timed.
    """
    preset, seconds = pipeline.preset, dict[str, list[float]]()
    turns, steps = preset.timed_turns, preset.timed_steps
    for turn in range(turns):
        for name, make in _makes(pipeline, steps + 1).items():
            seconds.setdefault(name, []).extend(_timed(make)[1:])
            pipeline.say(f"timing steps of {name}", turn + 1, turns)
    medians = {name: statistics.median(found) for name, found in seconds.items()}
    return Overhead(steps=turns * steps, samples=preset.samples, seconds=medians)


def _makes(pipeline: ComponentsPipeline, steps: int) -> dict[str, Made]:
    """Returns what makes each training anew, with so many steps."""
    preset, base = pipeline.preset, pipeline.space.base()

    def short(recipe: Recipe) -> Recipe:
        return replace(recipe, steps=steps, warmup_steps=0)

    def plain() -> tuple[nn.Module, Phase]:
        net = pipeline.supernet("base")
        batches = pipeline.text.batches(preset.base.micro_batch).batch
        return net, Phase("base", SupernetLm(net, batches, lambda step: {"base": base}), short(preset.base))

    def do() -> tuple[nn.Module, Phase]:
        net = gated(pipeline, preset.direct_penalty, "base")
        return net, Phase("do", direct_training(pipeline, net), short(preset.direct), is_of_weights)

    def sdo() -> tuple[nn.Module, Phase]:
        policy = policy_of(pipeline, pipeline.cost, pipeline.limits(), preset.sampled_penalty, preset.sampled_rate)
        objective = sampled_training(pipeline, "overhead", policy, "base", preset.sampled_rate)
        return objective.supernet, Phase("sdo", objective, short(preset.sampled))

    return {"base": plain, "do": do, "sdo": sdo}


def _timed(make: Made) -> list[float]:
    """Returns the seconds of every step."""
    module, phase = make()
    spent, ends = stopwatch(), list[float]()

    def tell(state: Progress) -> None:
        ends.append(spent())

    train(module, [phase], progress=tell)
    return [after - before for before, after in zip([0.0, *ends], ends, strict=False)]
