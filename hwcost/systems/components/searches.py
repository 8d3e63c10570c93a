"""DO and SDO of a run: trainings under a name, whose weights stay in the run's folder.

Source: Tsai et al., "Finding Fast Transformers", sections 4.1 (DO) and 4.2 (SDO), and appendix A.2 (their settings).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from hwcost.objectives import Constraint, Minimize
from hwcost.searchers import Problem
from hwcost.searchers.direct import Direct as DirectSearch
from hwcost.searchers.sampling import Sampling
from hwcost.spaces.components import Components
from hwcost.supernets.folding import folded
from hwcost.supernets.objective import Phase
from hwcost.supernets.recipe import Recipe
from hwcost.systems.components.gate_costs import GateCosts
from hwcost.systems.components.gate_training import DirectTraining, Gated, SampledTraining
from hwcost.systems.components.lengths import batches_of
from hwcost.systems.components.model_costs import ModelCosts
from hwcost.systems.components.presets import ComponentsPreset
from hwcost.systems.components.results import Direct, Sampled
from hwcost.systems.processes import together
from hwcost.systems.training import train_phase

if TYPE_CHECKING:
    from hwcost.systems.components.pipeline import ComponentsPipeline

SCALES = "gates_kept_as_scales"
"""Name of the gates beside the weights that they are folded into, where connectors and means stay scales."""


def is_of_weights(name: str) -> bool:
    """Says whether a parameter of a gated supernet is a weight; gates move by a rule of their own."""
    return name.startswith("supernet.")


def gated(pipeline: ComponentsPipeline, penalty: float, start: str | None) -> Gated:
    """Returns a supernet with its gates as the base net has them.

    Args:
        pipeline: The run.
        penalty: Weight of the cost (lambda), in the preset's unit.
        start: Name of the weights to start from; None for fresh ones.
    """
    return Gated(pipeline.supernet(start), gates_of(pipeline.preset, pipeline.space, pipeline.cost, penalty))


def gates_of(
    preset: ComponentsPreset, space: Components, cost: GateCosts | ModelCosts, penalty: float
) -> DirectSearch:
    """Returns the gates of a space as its base net has them, and what they pay.

    Args:
        preset: The preset, which says in what unit, and how.
        space: The space.
        cost: Cost of its gates.
        penalty: Weight of the cost (lambda), in the preset's unit.
    """
    blocks = space.grid.layers
    open_ = np.array(space.base().genes, dtype=np.float64).reshape(blocks, -1)
    return DirectSearch(
        cost.of_gates().reshape(blocks, -1), penalty * preset.direct_whole_cost, preset.direct_mode, open_
    )


def direct_training(pipeline: ComponentsPipeline, net: Gated) -> DirectTraining:
    """Returns the training of DO."""
    preset = pipeline.preset
    batches = batches_of(pipeline.text, preset.direct, preset)
    prices = pipeline.cost.of_gates if pipeline.costs else None
    return DirectTraining(net, batches, preset.direct, preset.direct_rate, prices)


@together
def direct(pipeline: ComponentsPipeline, name: str, penalty: float) -> Direct:
    """Trains gates with the weights, and folds them into the weights; connectors and means stay scales where asked.

    Args:
        pipeline: The run.
        name: Name of the training and of its weights.
        penalty: Weight of the cost (lambda).
    """
    preset = pipeline.preset
    net = gated(pipeline, penalty, pipeline.searched_from)
    about = {"penalty": net.direct.weight, "rate": preset.direct_rate, "mode": preset.direct_mode, **_schedule(pipeline)}
    phase = Phase("do", direct_training(pipeline, net), preset.direct, is_of_weights, about)
    curves = train_phase(pipeline, net, phase, pipeline.text, name)
    gates, weighed = net.direct.gates.detach().clone(), pipeline.quality(net)
    arch = folded(net.supernet, gates, is_scaled=preset.direct_scaled)
    pipeline.keep_weights(name, net.supernet, {SCALES: gates} if preset.direct_scaled else {})
    found = pipeline.quality(net.supernet.set(arch, "mlm"))
    about_net = pipeline.described(arch)
    return Direct(curves=curves, gates=_plain(gates), weighed_perplexity=weighed, perplexity=found, **about_net)


def sampled_training(
    pipeline: ComponentsPipeline, name: str, policy: Sampling, start: str | None, rate: float
) -> SampledTraining:
    """Returns the training of SDO.

    Args:
        pipeline: The run.
        name: Name of the training.
        policy: Searcher that draws nets.
        start: Name of the weights to start from; None for fresh ones.
        rate: Step size of the policy (nu).
    """
    preset = pipeline.preset
    return SampledTraining(
        pipeline.supernet(start), policy, pipeline.cost, batches_of(pipeline.text, preset.sampled, preset),
        pipeline.folder / f"{name}-training", rates(preset.sampled, rate) if preset.sampled_decay else None,
    )  # fmt: skip


def rates(recipe: Recipe, rate: float) -> Callable[[int], float]:
    """Returns a function of the step that returns the policy's step size, which follows the schedule of the weights."""
    return lambda step: rate * recipe.rate(step) / recipe.learning_rate


@together
def sampled(pipeline: ComponentsPipeline, name: str, penalty: float, rate: float) -> Sampled:
    """Trains the weights of nets that a policy draws, and the policy by their losses and costs.

    Args:
        pipeline: The run.
        name: Name of the training and of its weights.
        penalty: Weight of the cost (lambda).
        rate: Step size of the policy (nu).
    """
    preset = pipeline.preset
    policy = policy_of(pipeline, pipeline.cost, pipeline.limits(), penalty, rate)
    objective = sampled_training(pipeline, name, policy, pipeline.searched_from, rate)
    about = {
        "penalty": policy.penalty, "rate": rate, "samples": preset.samples, "estimator": policy.estimator,
        "optimizer": policy.optimizer, "decay": preset.sampled_decay, **_schedule(pipeline),
    }  # fmt: skip
    net = objective.supernet
    curves = train_phase(pipeline, net, Phase("sdo", objective, preset.sampled, about=about), pipeline.text, name)
    objective.catch_up(preset.sampled.steps)
    arch = policy.chosen()
    pipeline.keep_weights(name, net)
    return Sampled(
        curves=curves, probabilities=policy.probabilities[:, 1].tolist(),
        perplexity=pipeline.quality(net.set(arch, "mlm")), **pipeline.described(arch),
    )  # fmt: skip


def policy_of(
    pipeline: ComponentsPipeline, cost: Any, limits: list[Constraint], penalty: float, rate: float,
    space: Components | None = None,
) -> Sampling:  # fmt: skip
    """Makes SDO's policy. It is given losses and costs with each trial, so that the objectives are only names.

    Args:
        pipeline: The run.
        cost: Cost of a net.
        limits: Constraints on nets.
        penalty: Weight of the cost (lambda), in the preset's unit.
        rate: Step size of the policy (nu).
        space: Space of the nets; None for the run's own.

    Raises:
        UsageError: When the estimator does not fit the number of samples.
    """
    objectives, preset = [Minimize(lambda arch: 0.0, "loss"), Minimize(cost, "cost")], pipeline.preset
    of = space or pipeline.space
    return Sampling(
        Problem(of, objectives, limits), pipeline.settings.seed, samples=preset.samples,
        penalty=penalty * preset.sampled_whole_cost, rate=rate, start=of.base().genes,
        estimator=pipeline.parts.estimator or preset.estimator, optimizer=preset.sampled_optimizer, scale=1.0,
    )  # fmt: skip


def _schedule(pipeline: ComponentsPipeline) -> dict[str, Any]:
    """Returns the lengths of sequences, which a training resumes with only where they are equal."""
    return {"long_seq_len": pipeline.preset.long_seq_len, "long_share": pipeline.preset.long_share}


def _plain(gates: torch.Tensor) -> list[list[float]]:
    rows: list[list[float]] = gates.tolist()
    return rows
