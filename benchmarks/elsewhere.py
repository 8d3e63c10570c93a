"""Does the runner of a job folder measure what a campaign here measures?

Run: ``python benchmarks/elsewhere.py [--groups N] [--backend torch] [--python PATH] [--store FILE]``.

Ten architectures of ``supershaper`` at batch 1 and 32 tokens, by hwcost's own process and by a job folder that the same
Python runs, a round each, in the order here, elsewhere, elsewhere, here: so a level of the machine that moves slowly meets
both alike. Each call adds ``--groups`` such groups of four rounds, a minute and a half each, to the store, so that a machine
can be had for a few minutes at a time, and prints the table of all groups so far. The ratio of an architecture is that of
the geometric means of its latencies. The median of the absolute differences should be 1 % at the most, and the audits of
both alike.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections import defaultdict

import hwcost as hc
from hwcost.errors import DataError
from hwcost.stores.base import Store

NUMBER, SEQ_LEN = 10, 32


def measure(kind: str, options: argparse.Namespace, seed: int) -> None:
    """Measures the architectures in one round, here or through a job folder."""
    on = None if kind == "here" else f"local:///tmp/hwcost-elsewhere?python={options.python}"
    archs = hc.space("supershaper").sample(NUMBER, seed=0, design="spread")
    hc.measure(archs, backend=options.backend, seq_len=SEQ_LEN, rounds=1, seed=seed, store=options.store, on=on)


def campaigns(store: Store) -> dict[str, list[str]]:
    """Returns the campaigns of each kind; those of a job folder say so in the facts of their records."""
    found: dict[str, list[str]] = {"here": [], "elsewhere": []}
    for campaign in store.campaigns():
        first = next(store.records(campaign.campaign_id), None)
        if first is not None:
            found["elsewhere" if first.visit.facts.get("runner") == "agent" else "here"].append(campaign.campaign_id)
    return found


def latencies(store: Store, ids: list[str]) -> dict[str, float]:
    """Returns the geometric mean of every architecture's latencies over campaigns, in seconds."""
    from hwcost.campaign.estimates import estimate
    from hwcost.campaign.plans.plan import Plan

    found = defaultdict(list)
    for campaign_id in ids:
        plan = Plan.from_dict(store.campaign(campaign_id).plan)
        for one in estimate.fit_campaign(plan, estimate.visits_of(store, campaign_id)).measurements:
            if one.latency_s is not None:
                found[one.workload.name].append(one.latency_s)
    return {name: statistics.geometric_mean(values) for name, values in found.items()}


def report(options: argparse.Namespace) -> None:
    """Prints the table, the median difference, and the audits."""
    with hc.open_store(options.store) as store:
        ids = campaigns(store)
        here, there = latencies(store, ids["here"]), latencies(store, ids["elsewhere"])
        ratios = {name: there[name] / here[name] - 1 for name in here if name in there}
        for name, ratio in ratios.items():
            print(f"{name:58} {1e3 * here[name]:9.3f} ms {1e3 * there[name]:9.3f} ms {100 * ratio:+6.2f} %")
        if ratios:
            median = 100 * statistics.median(map(abs, ratios.values()))
            print(f"{len(ids['here'])} campaigns here, {len(ids['elsewhere'])} elsewhere: median difference {median:.2f} %")
    for kind, last in ((kind, found[-1]) for kind, found in ids.items() if found):
        try:
            print(f"audit of {kind} ({last}): {hc.audit(options.store, campaign_id=last).verdict}")
        except DataError as error:  # a round in which a visit was not usable
            print(f"audit of {kind} ({last}): none, {error}")


def main() -> int:
    """Adds groups of rounds, and prints what there is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--groups", type=int, default=1)
    parser.add_argument("--backend", default="torch")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--store", default="elsewhere.db")
    options = parser.parse_args()
    for _ in range(options.groups):
        for kind in ("here", "elsewhere", "elsewhere", "here"):
            with hc.open_store(options.store) as store:
                made = len(campaigns(store)[kind])
            measure(kind, options, seed=made)
    report(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
