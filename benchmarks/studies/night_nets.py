"""The repository whose nights are measured: nets of two spaces, some of which can be made slower, and a suite of them."""

from __future__ import annotations

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
budget = "24s"

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
    return Slowed(made.module, slow.get(f"{name} {list(genes.values())}", 0)), tuple(made.args)


def supershaper(batch_size, seq_len, **genes):
    return built("supershaper", genes, batch_size, seq_len)


def autodistil(batch_size, seq_len, **genes):
    return built("autodistil", genes, batch_size, seq_len)
'''

STRETCHES = 40
"""Stretches of calls, of which the quickest counts."""


def slowable(suite: Suite, n: int) -> list[dict[str, Any]]:
    """Returns the first nets of a suite, each with its key in ``slow.json`` and how many products are 6 % of its time.

    Args:
        suite: The suite, declared in the present folder.
        n: Number of nets.
    """
    import torch

    torch.set_num_threads(1)
    matrix, found = torch.eye(64), []
    with torch.inference_mode():
        product_s = best_s(lambda: torch.mm(matrix, matrix), 1000)
        for item in [item for part in expand(suite) for item in part.plan().items][:n]:
            work: Any = item.workload
            built = work.built()
            net_s = best_s(lambda built=built: built.module(*built.args, **built.kwargs), 20)  # type: ignore[misc]
            products = max(1, round(SLOWER * net_s / product_s))
            found.append({"name": work.name, "key": f"{work.space} {list(work.genes)}", "products": products})
    return found


def best_s(call: Callable[[], object], calls: int) -> float:
    """Returns the seconds of a call in the quickest of many stretches."""
    seconds = []
    for _ in range(STRETCHES):
        watch = stopwatch()
        for _ in range(calls):
            call()
        seconds.append(watch() / calls)
    return min(seconds)
