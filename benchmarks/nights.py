"""Forty nights of a small suite on this machine, back to back under simulated dates, with slow-downs put into the code.

Run: ``python benchmarks/nights.py FOLDER [--nights N] [--only-report]``: about an hour. It goes on where it was stopped.

The suite is ``smoke`` with its nets built by a module in a git repository of FOLDER. Every night is a commit. Five nets are
slowed by 6 % for at least five nights each, one after another, and mended again. After every night the suite is checked and
alarms are measured again, from working trees of both commits. The report says when each slow-down was alarmed and confirmed,
and which alarms were false, before and after measuring again.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from hwcost.history.check import Check, check
from hwcost.history.policy import Policy
from hwcost.history.remeasure import measure_again
from hwcost.history.selection import select_runs
from hwcost.stores import open_store
from hwcost.suites import RunOptions, load_suite, run_suite
from hwcost.suites.code import code_under_test
from hwcost.timing.timer import stopwatch

try:
    from benchmarks.studies.night_nets import NETS, SUITE, slowable
except ImportError:  # run as a script
    from studies.night_nets import NETS, SUITE, slowable

SPANS = ((8, 6), (14, 7), (20, 5), (26, 6), (32, 8))
"""First night and number of nights of each slow-down."""

FIRST = datetime(2026, 1, 1, 3, tzinfo=timezone.utc)
AGAIN_S = 90.0
"""Seconds of a campaign that measures alarms again."""


@dataclass
class Night:
    """What one night said.

    Attributes:
        number: Number of the night, from 0.
        seconds: Seconds of the suite.
        again_s: Seconds of measuring alarms again.
        alarms: Verdict by workload of changes that were not measured again before.
        confirmed: Verdict by workload of changes that were measured again and were there.
        devices: Sentences about common changes.
        remarks: Remarks on what was not measured again.
    """

    number: int
    seconds: float
    again_s: float
    alarms: dict[str, str]
    confirmed: dict[str, str]
    devices: list[str]
    remarks: list[str]


class Nights:
    """The nights in a folder.

    Args:
        folder: Folder for the repository, the store and the results.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.repository = folder, folder / "repository"
        if not self.repository.exists():
            self.repository.mkdir(parents=True)
            files = {".gitignore": "__pycache__/\n", "nets.py": NETS, "smoke.toml": SUITE, "slow.json": "{}"}
            for name, text in files.items():
                (self.repository / name).write_text(text)
            self._git("init", "--quiet", "--initial-branch", "main")
        os.chdir(self.repository)
        self.suite = load_suite("smoke.toml")
        self.slowed: list[dict[str, Any]] = self._kept("slowed.json") or slowable(self.suite, len(SPANS))
        self._keep("slowed.json", self.slowed)
        self.over = [Night(**one) for one in self._kept("nights.json") or []]

    def run(self, number: int) -> Night:
        """Runs a night: a commit, the suite, the check, and alarms measured again."""
        slow = {
            one["key"]: one["products"]
            for one, (start, length) in zip(self.slowed, SPANS, strict=True)
            if start <= number < start + length
        }
        (self.repository / "slow.json").write_text(json.dumps(slow))
        self._git("add", ".")
        self._git("-c", "user.name=n", "-c", "user.email=n@n.n", "commit", "-qm", f"night {number}", "--allow-empty")
        watch = stopwatch()
        with open_store(self.folder / "nights.db") as store:
            started_at = (FIRST + timedelta(days=number)).isoformat()
            run_suite(self.suite, store, RunOptions(code=code_under_test(), started_at=started_at, resume=False))
            seconds, watch = watch(), stopwatch()
            policy, runs = Policy.of(self.suite.rules()), select_runs(store.runs())
            before = check(store, runs, policy=policy)
            remarks = measure_again(store, before, budget_s=AGAIN_S)
            after = check(store, runs, policy=policy)
        shared = [one.reason for one in after.changed_devices]
        night = Night(number, seconds, watch(), _alarms(before), _confirmed(after), shared, remarks)
        self.over.append(night)
        self._keep("nights.json", [asdict(one) for one in self.over])
        return night

    def _kept(self, name: str) -> Any:
        path = self.folder / name
        return json.loads(path.read_text()) if path.exists() else None

    def _keep(self, name: str, value: Any) -> None:
        (self.folder / name).write_text(json.dumps(value, indent=1))

    def _git(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=self.repository, check=True)


def _alarms(found: Check) -> dict[str, str]:
    return {found.series[one.series_key].name: one.verdict for one in found.judgements if one.is_alarm}


def _confirmed(found: Check) -> dict[str, str]:
    return {found.series[one.series_key].name: one.verdict for one in found.judgements if one.is_confirmed}


def report(nights: Sequence[Night], slowed: Sequence[str]) -> None:
    """Prints alerts, delays and false alarms.

    Args:
        nights: The nights.
        slowed: Names of the workloads that are slowed, in the order of their slow-downs.
    """
    print(f"\n{len(nights)} nights; the suite took at most {max(one.seconds for one in nights):.0f} s")
    for name, (start, length) in zip(slowed, SPANS, strict=True):
        later = [one for one in nights if start <= one.number]
        alarm = next((one.number - start + 1 for one in later if name in one.alarms), None)
        alert = next((one.number - start + 1 for one in later if one.confirmed.get(name) == "regressed"), None)
        print(f"{name}: slower in nights {start} to {start + length - 1}; night of first alarm {alarm}, of alert {alert}")
    begins = dict(zip(slowed, (start for start, _ in SPANS), strict=True))
    for title, kind in (("false alarms before measuring again", "alarms"), ("alerts on untouched workloads", "confirmed")):
        found = [
            f"night {one.number}: {name} {verdict}"
            for one in nights
            for name, verdict in getattr(one, kind).items()
            if one.number < begins.get(name, len(nights))
        ]
        print(f"{title}: {len(found)}", *found, sep="\n  ")
    for text in dict.fromkeys(text for one in nights for text in (*one.devices, *one.remarks)):
        print(f"remark: {text}")


def main() -> None:
    """Runs the nights that are left, and reports."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="Folder for the repository, the store and the results.")
    parser.add_argument("--nights", type=int, default=40, help="Number of nights.")
    parser.add_argument("--only-report", action="store_true", help="Report on the nights that are over.")
    given = parser.parse_args()
    nights = Nights(given.folder.resolve())
    for number in range(len(nights.over), 0 if given.only_report else given.nights):
        one = nights.run(number)
        print(f"night {number}: {one.seconds:.0f} s, {one.again_s:.0f} s; {one.alarms} {one.confirmed}", flush=True)
    report(nights.over, [one["name"] for one in nights.slowed])


if __name__ == "__main__":
    main()
