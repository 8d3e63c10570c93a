"""The nets that every tool measures: the same modules with the same weights and inputs, built by hwcost."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from peer_tools.asked import Asked
from peer_tools.setting import BATCH_SIZE, SEED, SPACE, THREADS

import hwcost as hc
from hwcost.campaign.plans.selection import select
from hwcost.spaces import Architecture, SearchSpace
from hwcost.workloads import ModelWorkload, models


def space(asked: Asked) -> SearchSpace:
    """Returns the search space of all nets."""
    return hc.space(SPACE, scale=asked.scale)


def measured(asked: Asked) -> list[ModelWorkload]:
    """Returns the nets to measure, spread over sizes: those that ``hwcost measure -n NUMBER --seed 0`` draws."""
    return workloads([arch for arch, _ in select(space(asked), asked.nets, seed=SEED)], asked)


def tested(asked: Asked) -> list[Architecture]:
    """Returns uniformly drawn architectures for tests of models, none of them among those that models are fitted on."""
    drawn = select(space(asked), asked.nets, uniform=asked.tested, seed=SEED)
    return [arch for arch, role in drawn if role == "uniform"]


def workloads(archs: list[Architecture], asked: Asked) -> list[ModelWorkload]:
    """Returns the workloads of architectures at the shape that is asked for."""
    return models(space(asked), archs, batch_size=BATCH_SIZE, seq_len=asked.seq_len)


def call_of(workload: ModelWorkload) -> Callable[[], Any]:
    """Returns a function that runs a workload once in eager torch; to be called in inference mode."""
    built = workload.built()
    return partial(built.module, *built.args, **built.kwargs)


def calls(asked: Asked) -> dict[str, Callable[[], Any]]:
    """Returns such functions of all measured nets by key, for one thread."""
    import torch

    torch.set_num_threads(THREADS)
    return {workload.key: call_of(workload) for workload in measured(asked)}
