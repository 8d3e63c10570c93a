"""The nets that every tool measures: the same modules with the same weights and inputs, built by hwcost."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from peer_tools.setting import BATCH_SIZE, SCALE, SEED, SEQ_LEN, SPACE, THREADS

import hwcost as hc
from hwcost.campaign.plans.selection import select
from hwcost.spaces import Architecture, SearchSpace
from hwcost.workloads import ModelWorkload, models


def space() -> SearchSpace:
    """Returns the search space of all nets."""
    return hc.space(SPACE, scale=SCALE)


def measured(number: int) -> list[ModelWorkload]:
    """Returns the nets to measure, spread over sizes: those that ``hwcost measure -n NUMBER --seed 0`` draws."""
    return workloads([arch for arch, _ in select(space(), number, seed=SEED)])


def tested(number: int, fitted: int) -> list[Architecture]:
    """Returns uniformly drawn architectures for tests of models, none of them among those that models are fitted on."""
    return [arch for arch, role in select(space(), fitted, uniform=number, seed=SEED) if role == "uniform"]


def workloads(archs: list[Architecture]) -> list[ModelWorkload]:
    """Returns the workloads of architectures at the benchmark's shape."""
    return models(space(), archs, batch_size=BATCH_SIZE, seq_len=SEQ_LEN)


def call_of(workload: ModelWorkload) -> Callable[[], Any]:
    """Returns a function that runs a workload once in eager torch; to be called in inference mode."""
    built = workload.built()
    return partial(built.module, *built.args, **built.kwargs)


def calls(number: int) -> dict[str, Callable[[], Any]]:
    """Returns such functions of all measured nets by key, for one thread."""
    import torch

    torch.set_num_threads(THREADS)
    return {workload.key: call_of(workload) for workload in measured(number)}
