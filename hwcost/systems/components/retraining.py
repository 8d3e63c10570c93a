"""The selected nets with the weights of their search, and trained again ("-R").

Source: Tsai et al., "Finding Fast Transformers", section 5: selected nets are trained again for as many steps as the base
net; DO and SDO without "-R" keep the weights of their search (Tables 2, 3, 5 and 6).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from torch import nn

from hwcost.spaces import Architecture
from hwcost.supernets import subnet
from hwcost.supernets.masked_lm import NetLm
from hwcost.supernets.objective import Phase
from hwcost.systems.components.lengths import batches_of
from hwcost.systems.components.results import AGAIN, Retrained
from hwcost.systems.processes import together
from hwcost.systems.training import save_net, train_phase
from hwcost.workloads.builder import Blueprint

if TYPE_CHECKING:
    from hwcost.systems.components.pipeline import ComponentsPipeline

Made = tuple[nn.Module, Blueprint]
"""A net, and what it is made of."""


def retrained(pipeline: ComponentsPipeline) -> dict[str, Retrained]:
    """Trains selected nets again, keeps all of them as folders, and fine-tunes each on the first task."""
    found: dict[str, Retrained] = {}
    preset = pipeline.preset
    for name, (arch, searched) in pipeline.selected().items():
        key = pipeline.space.key(arch)
        found[name] = _kept(pipeline, name, arch, _base(pipeline) if name == "base" else _taken(pipeline, searched, arch))
        if name != "base":
            start, again = (searched if preset.is_warm else None), f"{name}{AGAIN}"
            found[again] = _kept(pipeline, again, arch, _trained(pipeline, again, start, key, preset.retraining.steps))
    return found


def winner(pipeline: ComponentsPipeline, name: str) -> nn.Module:
    """Returns a net that was kept."""
    return subnet.load(_folder(pipeline, name)).to(pipeline.train_on)


def _taken(pipeline: ComponentsPipeline, after: str | None, arch: Architecture) -> Made:
    """Returns a net with the weights after a training, or with fresh ones, whose connectors are then 0 or 1."""
    supernet = pipeline.supernet(after)
    return supernet.extract(arch, "mlm").to(pipeline.train_on), supernet.blueprint(arch, "mlm")


def _base(pipeline: ComponentsPipeline) -> Made:
    """Returns the base net: as it is, or trained on for as many steps as a search and what follows it."""
    preset, arch = pipeline.preset, pipeline.space.base()
    if not preset.is_warm:
        return _taken(pipeline, "base", arch)
    steps = preset.retraining.steps + preset.sampled.steps
    return _trained(pipeline, "base", "base", pipeline.space.key(arch), steps)


@together
def _trained(pipeline: ComponentsPipeline, name: str, start: str | None, key: str, steps: int) -> Made:
    net, blueprint = _taken(pipeline, start, pipeline.space.parse(key))
    recipe = replace(pipeline.preset.retraining, steps=steps)
    objective = NetLm(net, batches_of(pipeline.text, recipe, pipeline.preset))
    train_phase(pipeline, net, Phase(name, objective, recipe), pipeline.text, f"re-{name}")
    return net, blueprint


def _kept(pipeline: ComponentsPipeline, name: str, arch: Architecture, made: Made) -> Retrained:
    net, blueprint = made
    save_net(_folder(pipeline, name), net, pipeline.space, arch, blueprint)
    score = pipeline.fine_tuning.score(name, name, pipeline.tasks[0]).score
    return Retrained(perplexity=_quality(pipeline, name), score=score, **pipeline.described(arch))


@together
def _quality(pipeline: ComponentsPipeline, name: str) -> float:
    """Returns the perplexity of a net that was kept; processes share the text."""
    return pipeline.quality(winner(pipeline, name))


def _folder(pipeline: ComponentsPipeline, name: str) -> Path:
    return pipeline.folder / "winners" / name
