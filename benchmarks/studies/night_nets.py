"""The repository whose nights are measured: nets of two spaces, some of which can be made slower, and a suite of them."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

from hwcost.campaign.options import MeasureOptions
from hwcost.campaign.plans.plan import Item
from hwcost.campaign.plans.roles import FIT
from hwcost.campaign.run import run, start
from hwcost.errors import MeasurementError
from hwcost.stores import open_store
from hwcost.suites.expansion import expand
from hwcost.suites.suite import Suite
from hwcost.workloads import FactoryWorkload

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
"""Nets of two spaces, some of them slower than they could be: slow.json says by how many turns of an empty loop."""

import json
from pathlib import Path

import torch

from hwcost import space
from hwcost.workloads import ModelWorkload


class Slowed(torch.nn.Module):
    def __init__(self, net, turns):
        super().__init__()
        self.net, self.turns = net, turns

    def forward(self, *inputs):
        for _ in range(self.turns):
            pass
        return self.net(*inputs)


def slowed(name, genes, batch_size, seq_len, turns):
    of = space(name, scale="mini")
    made = ModelWorkload.of(of, of.architecture(genes), batch_size=batch_size, seq_len=seq_len).built()
    return Slowed(made.module, turns), tuple(made.args)


def built(name, genes, batch_size, seq_len):
    values = [genes[gene.name] for gene in space(name, scale="mini").genes]
    slow = json.loads((Path(__file__).parent / "slow.json").read_text())
    return slowed(name, values, batch_size, seq_len, slow.get(f"{name} {values}", 0))


def supershaper(batch_size, seq_len, **genes):
    return built("supershaper", genes, batch_size, seq_len)


def autodistil(batch_size, seq_len, **genes):
    return built("autodistil", genes, batch_size, seq_len)


def timed(batch_size, seq_len, key, turns):
    name, _, genes = key.partition(" ")
    return slowed(name, json.loads(genes), batch_size, seq_len, turns)
'''

MANY = 20_000
"""Turns of the loop with which a net is measured beside the net itself; what a turn takes hangs on nothing around it."""

BUDGET_S = 60.0


def slowable(suite: Suite, n: int, folder: Path) -> list[dict[str, Any]]:
    """Returns the first nets of a suite, each with its key in ``slow.json`` and how many turns slow it by 6 %.

    Args:
        suite: The suite, declared in the present folder.
        n: Number of nets.
        folder: Folder that takes a store of these measurements.
    """
    found = []
    for item in [item for part in expand(suite) for item in part.plan().items][:n]:
        work: Any = item.workload
        name, key = (f"{work.space} {one}" for one in (work.name, list(work.genes)))
        found.append({"name": name, "key": key})
    works = {
        (one["key"], turns): FactoryWorkload("nets:timed", 1, 64, arguments=(("key", one["key"]), ("turns", turns)))
        for one in found
        for turns in (0, MANY)
    }
    options = MeasureOptions(device="cpu", backend="torch", tier=suite.tier or "standard")
    with open_store(folder / "slowed.db") as store:
        result = run(store, start(options.plan([Item(one, FIT) for one in works.values()]), store), budget_s=BUDGET_S)
    met_s = {(one.workload_key, one.round): one.latency_s for one in result.fit.visits if one.is_usable}
    for one in found:
        plain, slowed = (works[one["key"], turns].key for turns in (0, MANY))
        pairs = [(met_s.get((plain, number)), met_s.get((slowed, number))) for number in {place[1] for place in met_s}]
        ratios = [slowed_s / plain_s for plain_s, slowed_s in pairs if plain_s and slowed_s]
        if not ratios:
            raise MeasurementError(f"{one['name']} could not be measured. Run again.")
        one["turns"] = max(1, round(MANY * SLOWER / (statistics.median(ratios) - 1)))
    return found
