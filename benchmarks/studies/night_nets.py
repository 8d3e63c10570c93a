"""The repository whose nights are measured: nets of two spaces, some of which can be made slower, and a suite of them."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

from hwcost.suites.expansion import expand
from hwcost.suites.suite import Suite
from hwcost.timing.timer import stopwatch

SLOWER = 0.06

SUITE = """
title = "The nets of smoke, as this repository builds them"
devices = ["cpu"]
tier = "standard"
shapes = [{ batch_size = 1, seq_len = 64 }]
budget = "32s"

[[workloads]]
name = "supershaper"
space = "supershaper:scale=mini"
model = "nets:supershaper"
n = 4

[[workloads]]
name = "autodistil"
space = "autodistil:scale=mini"
model = "nets:autodistil"
n = 4
"""

NETS = '''
"""Nets of two spaces, some of them slower than they could be: slow.json says by how many products of matrices."""

import json
from pathlib import Path

import torch

from hwcost import space
from hwcost.workloads import ModelWorkload


class Slowed(torch.nn.Module):
    def __init__(self, net, products):
        super().__init__()
        self.net, self.products, self.matrix = net, products, torch.eye(64)

    def forward(self, *inputs):
        for _ in range(self.products):
            torch.mm(self.matrix, self.matrix)
        return self.net(*inputs)


def built(name, genes, batch_size, seq_len):
    of = space(name, scale="mini")
    arch = of.architecture([genes[gene.name] for gene in of.genes])
    work = ModelWorkload.of(of, arch, batch_size=batch_size, seq_len=seq_len)
    made = work.built()
    slow = json.loads((Path(__file__).parent / "slow.json").read_text())
    return Slowed(made.module, slow.get(f"{name} {list(arch.genes)}", 0)), tuple(made.args)


def supershaper(batch_size, seq_len, **genes):
    return built("supershaper", genes, batch_size, seq_len)


def autodistil(batch_size, seq_len, **genes):
    return built("autodistil", genes, batch_size, seq_len)
'''

STRETCHES = 300
"""Stretches of calls of the net and of the slowed one, in turn."""

CALLS = 3

FEW, MANY = 4, 40
"""Products of slowed nets that are timed beside the net itself: the first product of a call costs more than the others."""


def slowable(suite: Suite, n: int) -> list[dict[str, Any]]:
    """Returns the first nets of a suite, each with its key in ``slow.json`` and how many products slow it by 6 %.

    A product takes another time within a net than by itself, so the net is timed without any, with few and with many.

    Args:
        suite: The suite, declared in the present folder.
        n: Number of nets.
    """
    import torch

    torch.set_num_threads(1)
    found = []
    with torch.inference_mode():
        for item in [item for part in expand(suite) for item in part.plan().items][:n]:
            work: Any = item.workload
            built = work.built()
            few, many = (ratio(called(built, 0), called(built, products)) - 1.0 for products in (FEW, MANY))
            products = max(1, round(FEW + (SLOWER - few) * (MANY - FEW) / (many - few)))
            name, key = (f"{work.space} {one}" for one in (work.name, list(work.genes)))
            found.append({"name": name, "key": key, "products": products})
    return found


def called(built: Any, products: int) -> Callable[[], object]:
    """Returns a call of a built net with so many products.

    Args:
        built: The net, of a module of this repository, and its inputs.
        products: Number of products of a call.
    """

    def call() -> object:
        built.module.products = products
        return built.module(*built.args, **built.kwargs)

    return call


def ratio(first: Callable[[], object], second: Callable[[], object]) -> float:
    """Returns the time of the second call over that of the first, as the median of many stretches one beside the other.

    Args:
        first: A call.
        second: Another one.
    """
    found = []
    for _ in range(STRETCHES):
        seconds = []
        for call in (first, second):
            call()
            watch = stopwatch()
            for _ in range(CALLS):
                call()
            seconds.append(watch())
        found.append(seconds[1] / seconds[0])
    return statistics.median(found)
