"""Do two campaigns agree on a machine that something else uses? Passes in turn beside the same time spent in order.

Thirty architectures of SuperShaper, spread over sizes, are measured twice while another process loads one core in seeded
bursts: once in randomised rounds, and once in order with one long visit each, for the same budget. Shown is how far the two
runs of each way are apart, and whether they rank the architectures alike.

Run: ``python benchmarks/campaign.py [--budget 6m] [--folder runs/campaign]``; it takes four budgets. A campaign that has
finished is read from the folder, so an interrupted run goes on where it was. ``--backend null`` is a dry run.

``--overhead`` shows instead what a campaign itself costs: CPU time of parent and worker per visit on the null backend, which
measures nothing, from the difference of a short and a long campaign, so that starting processes is not in it.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from scipy import stats

from hwcost.campaign import run as campaign
from hwcost.campaign.estimates.estimate import measurements, visits_of
from hwcost.campaign.plans.canaries import choose
from hwcost.campaign.plans.plan import Plan, items
from hwcost.spaces import space
from hwcost.stores import open_store
from hwcost.timing.protocol import Protocol, protocol
from hwcost.units import parse_duration
from hwcost.workloads import models

SEEDS = (0, 1)
DESIGN_SEED = 0
BUSY_S = (3.0, 20.0)
IDLE_S = (5.0, 30.0)
MATRIX = 256
SETTLE_S = 1.0
"""Seconds of a long visit's share that go into starting it, beside building the model."""

SHORT, VISITS = 20, 500
"""Visits of the short campaign for the overhead, and further ones of the long campaign."""

FINISHED = ("done", "stopped")
BARS = "bars: median <= 2 %, p95 <= 5 %, tau >= 0.93"


def load_core(seed: int) -> None:
    """Multiplies matrices on one core in bursts until the parent is gone."""
    rng, parent = np.random.default_rng(seed), os.getppid()
    matrix = rng.standard_normal((MATRIX, MATRIX))
    while os.getppid() == parent:
        end = time.monotonic() + rng.uniform(*BUSY_S)
        while time.monotonic() < end:
            matrix = np.tanh(matrix @ matrix)
        time.sleep(rng.uniform(*IDLE_S))


@contextmanager
def loaded_machine(seed: int) -> Iterator[None]:
    """Runs the load beside what is done within; equal seeds give equal bursts."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, __file__, "--load", str(seed)], env=environment)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def plan_of(number: int, backend: str, seed: int, how: Protocol, has_canaries: bool = False) -> Plan:
    """Plans a campaign of architectures that are the same for every seed and way, with the canaries that measure() adds."""
    searched = space("supershaper")
    archs = searched.sample(number, seed=DESIGN_SEED, design="spread")
    wanted = tuple(items(models(searched, archs, batch_size=1, seq_len=128)))
    options = {"seed": seed} if backend == "null" else {}
    canaries = choose(wanted, backend) if has_canaries else ()
    return Plan(wanted, "cpu", backend, how, backend_options=options, seed=seed, canaries=canaries)


def measure(path: Path, plan: Plan, budget_s: float | None) -> None:
    """Measures a plan into a store, unless that is done; goes on with what was interrupted."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open_store(path) as store:
        same = [one for one in store.campaigns() if Plan.from_dict(one.plan).is_same(plan)]
        if same and same[-1].status in FINISHED:
            print(f"{path}: there already", file=sys.stderr)
            return
        started = same[-1].campaign_id if same else campaign.start(plan, store)
        print(f"{path}: measuring", file=sys.stderr, flush=True)
        campaign.run(store, started, budget_s=budget_s)


def measure_in_order(path: Path, plan: Plan) -> None:
    """Measures the workloads of a plan one after another, a campaign of one visit each."""
    for item in plan.items:
        measure(path, replace(plan, items=(item,)), None)


def long_visits(store_path: Path, budget_s: float, number: int) -> Protocol:
    """Returns the protocol that spends a budget on one visit each, less what starting a visit took in another campaign."""
    with open_store(store_path, create=False) as store:
        latest = store.latest_campaign()
        assert latest is not None
        visits = [visit for visit in visits_of(store, latest.campaign_id) if visit.is_usable]
    starting_s = statistics.median((visit.prepare_s or 0.0) + (visit.first_run_s or 0.0) for visit in visits) + SETTLE_S
    share_s = max(1.0, budget_s / number - starting_s)
    return replace(
        protocol("standard", rounds=1), min_visit_s=share_s, max_visit_s=share_s, steady_cap_s=share_s, max_blocks=100_000
    )


def guarded(path: Path) -> dict[str, float]:
    """Returns latencies in seconds by workload key, as hwcost gives them."""
    with open_store(path, create=False) as store:
        found = [m for one in store.campaigns() for m in measurements(store, one.campaign_id)]
    return {m.workload.key: m.latency_s for m in found if m.latency_s is not None}


def plain(path: Path) -> dict[str, float]:
    """Returns the median of all blocks, whatever happened in them, as a timing loop gives it."""
    found = {}
    with open_store(path, create=False) as store:
        for visit in (visit for one in store.campaigns() for visit in visits_of(store, one.campaign_id)):
            left_out = [block for blocks in visit.conditions.get("left_out_s", {}).values() for block in blocks]
            found[visit.workload_key] = statistics.median([*visit.warmup_s, *visit.samples_s, *left_out])
    return found


def print_agreement(name: str, one: dict[str, float], other: dict[str, float]) -> None:
    """Prints how far two runs are apart."""
    keys = sorted(set(one) & set(other))
    a, b = np.array([one[key] for key in keys]), np.array([other[key] for key in keys])
    apart = 100 * np.abs(np.expm1(np.log(b / a)))
    tau = float(stats.kendalltau(a, b).statistic)
    print(f"{name:34s}{len(keys):6d}{np.median(apart):10.2f}{np.quantile(apart, 0.95):10.2f}{tau:8.3f}")


def cpu_s(who: int) -> float:
    """Returns the CPU seconds of this process, or of its children that have ended."""
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def campaign_cpu_s(number: int) -> tuple[float, float]:
    """Runs one round of null visits and returns the CPU seconds that its parent and its worker took."""
    searched = space("supershaper")
    wanted = tuple(items(models(searched, searched.sample(number, seed=DESIGN_SEED), batch_size=1, seq_len=128)))
    plan = Plan(wanted, "cpu", "null", protocol("standard", rounds=1))
    with TemporaryDirectory() as folder, open_store(Path(folder) / "overhead.db") as store:
        started = campaign.start(plan, store)
        before = cpu_s(resource.RUSAGE_SELF), cpu_s(resource.RUSAGE_CHILDREN)
        campaign.run(store, started)
        return cpu_s(resource.RUSAGE_SELF) - before[0], cpu_s(resource.RUSAGE_CHILDREN) - before[1]


def print_overhead() -> None:
    """Prints the CPU time of parent and worker per visit."""
    campaign_cpu_s(SHORT)  # imports
    short, long = campaign_cpu_s(SHORT), campaign_cpu_s(SHORT + VISITS)
    parent, worker = (1e3 * (after - before) / VISITS for before, after in zip(short, long, strict=True))
    print(f"CPU time per visit over {VISITS} null visits (bar: at most 3 ms together)")
    print(f"parent {parent:.2f}, worker {worker:.2f} (drawing its numbers included), together {parent + worker:.2f} ms")


def main() -> None:
    """Measures what is missing and prints both ways side by side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", default="6m", help="time of each of the four campaigns")
    parser.add_argument("--folder", type=Path, default=Path("runs/campaign"), help="where their stores are kept")
    parser.add_argument("--backend", default="torch")
    parser.add_argument("-n", dest="number", type=int, default=30, help="architectures")
    parser.add_argument("--overhead", action="store_true", help="show the CPU time of a campaign itself, and end")
    parser.add_argument("--load", type=int, metavar="SEED", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.load is not None:
        load_core(given.load)
        return
    if given.overhead:
        print_overhead()
        return
    budget_s = parse_duration(given.budget)
    rounds = [given.folder / f"rounds-{seed}.db" for seed in SEEDS]
    sequential = [given.folder / f"sequential-{seed}.db" for seed in SEEDS]
    for seed, path in zip(SEEDS, rounds, strict=True):
        plan = plan_of(given.number, given.backend, seed, protocol("standard"), has_canaries=True)
        with loaded_machine(seed):
            measure(path, plan, budget_s)
    for seed, path in zip(SEEDS, sequential, strict=True):
        how = long_visits(rounds[seed], budget_s, given.number)
        with loaded_machine(seed):
            measure_in_order(path, plan_of(given.number, given.backend, seed, how))
    print(f"Two runs of {given.number} architectures, {given.budget} each, {given.backend} ({BARS})")
    print(f"{'':34s}{'n':>6s}{'median %':>10s}{'p95 %':>10s}{'tau':>8s}")
    print_agreement("passes in turn", *map(guarded, rounds))
    print_agreement("one long visit, median of blocks", *map(plain, sequential))
    print_agreement("one long visit, guarded", *map(guarded, sequential))


if __name__ == "__main__":
    main()
