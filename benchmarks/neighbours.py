"""Campaigns that run at once on one machine, against the same campaign alone.

Each run starts 2, 4 or 8 campaigns of two small nets together; every other turn they wait for CPUs, or only briefly. Each
number must be within its interval of the number alone, or carry a flag about its machine, or have been refused. Campaigns
alone are measured before, between and after the runs, since the machine itself may move. What was done is kept in a folder,
so that a stopped benchmark goes on where it was.

    python benchmarks/neighbours.py --runs 50 --out /tmp/neighbours
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats
from trainings.kept_rows import add_row, read_rows

COUNTS = (2, 4, 8)
WAITS = ("10m", "5s")
ARCHITECTURES = ("64_64_64_64", "32_32_32_32")
EVERY = 10
"""Runs between two campaigns alone."""

NO_EXCUSE = {"W_VIRTUAL", "W_GOVERNOR", "W_IMPRECISE", "I_PCTL_N"}
"""Flags that say nothing about what else ran meanwhile."""


def main() -> int:
    """Does the runs that are left, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=50, help="runs of several campaigns")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each campaign")
    parser.add_argument("--tier", default="quick", help="tier of each campaign")
    parser.add_argument("--out", type=Path, required=True, help="folder of the results; an existing one is resumed")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    kept = given.out / "done.jsonl"
    done = {line["name"] for line in read_rows(kept)}
    for name, count, wait in plan(given.runs):
        if name not in done:
            found = at_once(count, wait, given.rounds, given.tier)
            add_row(kept, {"name": name, "count": count, "wait": wait, "campaigns": found})
            print(f"{name}: {count} at once, --wait {wait}: exit codes {[one['exit_code'] for one in found]}", flush=True)
    return report(read_rows(kept))


def plan(runs: int) -> Iterator[tuple[str, int, str]]:
    """Yields name, number of campaigns and --wait of everything that is run, in order."""
    for run in range(runs):
        if run % EVERY == 0:
            yield f"alone {run // EVERY}", 1, WAITS[0]
        yield f"run {run}", COUNTS[run % len(COUNTS)], WAITS[run // len(COUNTS) % len(WAITS)]
    yield f"alone at the end of {runs}", 1, WAITS[0]


def at_once(count: int, wait: str, rounds: int, tier: str) -> list[dict[str, Any]]:
    """Runs campaigns at the same time, each into a store of its own, and returns what each one said."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda k: one(Path(folder) / f"{k}.db", wait, rounds, tier), range(count)))


def one(store: Path, wait: str, rounds: int, tier: str) -> dict[str, Any]:
    """Runs one campaign by the command line."""
    architectures = [word for text in ARCHITECTURES for word in ("--arch", text)]
    command = [
        sys.executable, "-m", "hwcost", "measure", "--space", "supershaper:scale=mini", *architectures,
        "--rounds", str(rounds), "--tier", tier, "--wait", wait, "--store", str(store), "--json", "-", "--quiet",
    ]  # fmt: skip
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    document = json.loads(ended.stdout) if ended.stdout.strip() else {"flags": [], "measurements": []}
    return {
        "exit_code": ended.returncode,
        "error": ended.stderr[-500:],
        "flags": [flag["code"] for flag in document["flags"]],
        "numbers": [
            {
                "name": m["name"], "latency_s": m["latency_s"], "low_s": m["low_s"], "high_s": m["high_s"],
                "flags": [flag["code"] for flag in m["flags"]],
            }
            for m in document["measurements"]
        ],
    }  # fmt: skip


def report(done: list[dict[str, Any]]) -> int:
    """Prints the table, and returns 1 when a number is silently wrong."""
    alone = bounds([campaign for line in done if line["count"] == 1 for campaign in line["campaigns"]])
    if len(alone) < len(ARCHITECTURES):
        print("not even a campaign alone gave a number: something else uses this machine")
        return 1
    for name, (low_s, high_s) in alone.items():
        print(f"{name} alone: {1e3 * low_s:.3f} to {1e3 * high_s:.3f} ms")
    heads = ("numbers", "within", "flagged", "void", "refused", "silent")
    print(f"{'at once':>8} {'--wait':>7}" + "".join(f"{head:>9}" for head in heads))
    wrong = []
    for count in COUNTS:
        for wait in WAITS:
            lines = [line for line in done if (line["count"], line["wait"]) == (count, wait)]
            counts: Counter[str] = Counter()
            for line in lines:
                for campaign in line["campaigns"]:
                    for verdict, number in verdicts(campaign, alone):
                        counts[verdict] += 1
                        if verdict == "silent":
                            wrong.append(f"{line['name']}: {number}")
            cells = [sum(counts.values()), *(counts[name] for name in ("within", "flagged", "void", "refused", "silent"))]
            print(f"{count:>8} {wait:>7}" + "".join(f"{cell:>9}" for cell in cells))
    print(f"{len(wrong)} silently wrong", *wrong, sep="\n")
    return int(bool(wrong))


def bounds(campaigns: list[dict[str, Any]]) -> dict[str, tuple[float, float]]:
    """Returns, by workload, the 95 % interval of the latency alone, from how the campaigns alone differ among themselves.

    With fewer than three of them it is from where to where their own intervals reach.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for number in (number for campaign in campaigns for number in campaign["numbers"]):
        if number["latency_s"] is not None:
            found.setdefault(number["name"], []).append(number)
    return {name: _interval(numbers) for name, numbers in found.items()}


def _interval(numbers: list[dict[str, Any]]) -> tuple[float, float]:
    if len(numbers) < 3:
        lows, highs = ([one[end] or one["latency_s"] for one in numbers] for end in ("low_s", "high_s"))
        return min(lows), max(highs)
    logs = np.log([one["latency_s"] for one in numbers])
    half = float(stats.t.ppf(0.975, len(logs) - 1) * logs.std(ddof=1) / math.sqrt(len(logs)))
    return math.exp(float(logs.mean()) - half), math.exp(float(logs.mean()) + half)


def verdicts(campaign: dict[str, Any], alone: dict[str, tuple[float, float]]) -> Iterator[tuple[str, str]]:
    """Yields for each number of a campaign what became of it, and a description of the number."""
    if campaign["exit_code"] == 3:
        yield from (("refused", name) for name in ARCHITECTURES)
        return
    if campaign["exit_code"] not in (0, 4):
        yield "silent", f"exit code {campaign['exit_code']}: {campaign['error']}"
        return
    for number in campaign["numbers"]:
        flags = {*campaign["flags"], *number["flags"]} - NO_EXCUSE
        text = f"{number['name']} {number['latency_s']} s ({number['low_s']} to {number['high_s']})"
        if number["latency_s"] is None:
            yield "void" if flags else "silent", text
        elif is_within(number, alone):
            yield "within", text
        else:
            yield "flagged" if flags else "silent", text


def is_within(number: dict[str, Any], alone: dict[str, tuple[float, float]]) -> bool:
    """Says whether a number's interval meets those of the number alone."""
    low_s, high_s = alone.get(number["name"], (math.inf, 0.0))
    own_low_s, own_high_s = number["low_s"] or number["latency_s"], number["high_s"] or number["latency_s"]
    return bool(own_low_s <= high_s and own_high_s >= low_s)


if __name__ == "__main__":
    sys.exit(main())
