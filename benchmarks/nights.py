"""Forty nights of a small suite on this machine, back to back under simulated dates, with slow-downs put into the code.

Run: ``python benchmarks/nights.py FOLDER [--nights N] [--tier TIER] [--again SECONDS] [--only-report]``: about an hour. It
goes on where it was stopped, also within a night, and ``--only-report`` prints the table of the nights that are over.

The suite is ``smoke`` with its nets built by a module in a git repository of FOLDER. Every night is a commit. Five nets are
slowed by 6 % for at least five nights each, one after another, and mended again. After every night the suite is checked and
alarms are measured again, from working trees of both commits, until they are known. The report says when each slow-down was
alarmed and confirmed, which alarms were false before and after measuring again, and how many estimates are unconfirmed.
False is what is not of a slow-down: on an untouched net or on all of a device, before a slow-down or more than four nights
after it, or for the better, since nothing ever becomes faster than it was.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from hwcost._io import write_text
from hwcost.history.check import Check, check
from hwcost.history.judgement import DeviceJudgement
from hwcost.history.policy import Policy
from hwcost.history.remeasure import BUDGET_S, measure_again
from hwcost.history.selection import select_runs
from hwcost.stores import open_store
from hwcost.stores.base import Store
from hwcost.stores.entries import Confirmation
from hwcost.stores.ids import utc
from hwcost.stores.series import STATUSES
from hwcost.suites import RunOptions, load_suite, run_suite
from hwcost.suites.code import code_under_test
from hwcost.timing.timer import stopwatch

try:
    from benchmarks.studies.night_nets import NETS, SUITE, slowable
except ImportError:  # run as a script
    from studies.night_nets import NETS, SUITE, slowable

SPANS = ((8, 6), (14, 7), (20, 5), (26, 6), (32, 8))
"""First night and number of nights of each slow-down."""

LATE = 4
"""Nights within which a change is to be found, also that a slow-down is over."""

FIRST = datetime(2026, 1, 1, 3, tzinfo=timezone.utc)
UNCONFIRMED = STATUSES.index("unconfirmed")


@dataclass
class Night:
    """What one night said.

    Attributes:
        number: Number of the night, from 0.
        seconds: Seconds of the suite.
        again_s: Seconds of measuring alarms again.
        alarms: Verdict by workload, or by device for common changes, of what was not measured again before.
        confirmed: Verdict likewise of changes that were measured again and were there.
        devices: Sentences about common changes.
        remarks: Remarks on what was not measured again.
        again: Sentences on what measuring again said.
        estimates: Number of estimates of the night.
        unconfirmed: Number of them that are unconfirmed.
    """

    number: int
    seconds: float
    again_s: float
    alarms: dict[str, str]
    confirmed: dict[str, str]
    devices: list[str]
    remarks: list[str]
    again: list[str] = field(default_factory=list)
    estimates: int = 0
    unconfirmed: int = 0


@dataclass(frozen=True)
class Kept:
    """The results in a folder.

    Attributes:
        folder: The folder.
    """

    folder: Path

    @property
    def nights(self) -> list[Night]:
        """The nights that are over."""
        return [Night(**one) for one in self.read("nights.json") or []]

    @property
    def slowed(self) -> list[dict[str, Any]]:
        """The workloads that are slowed, in the order of their slow-downs; empty before the first night."""
        return self.read("slowed.json") or []

    def read(self, name: str) -> Any:
        """Returns what a file holds; None without it."""
        path = self.folder / name
        return json.loads(path.read_text()) if path.exists() else None

    def write(self, name: str, value: Any) -> None:
        """Writes a file whole, so that a report may read it at any time."""
        write_text(self.folder / name, json.dumps(value, indent=1))


class Nights:
    """The nights in a folder.

    Args:
        kept: Results of the nights that are over; the folder takes the repository and the store too.
        tier: Precision of the suite.
        again_s: Most seconds for measuring an alarm again.
    """

    def __init__(self, kept: Kept, tier: str, again_s: float) -> None:
        self.kept, self.tier, self.again_s = kept, tier, again_s
        self.repository = kept.folder / "repository"
        if not (self.repository / ".git").exists():
            self.repository.mkdir(parents=True, exist_ok=True)
            files = {".gitignore": "__pycache__/\n", "nets.py": NETS, "smoke.toml": SUITE, "slow.json": "{}"}
            for name, text in files.items():
                (self.repository / name).write_text(text)
            self._git("init", "--quiet", "--initial-branch", "main")
        os.chdir(self.repository)
        self.suite = load_suite("smoke.toml")
        if not kept.slowed:
            kept.write("slowed.json", slowable(self.suite, len(SPANS), kept.folder))

    def run(self, number: int) -> Night:
        """Runs a night: a commit, the suite, the check, and alarms measured again."""
        self._commit(number)
        watch = stopwatch()
        with open_store(self.kept.folder / "nights.db") as store:
            run_id = self._measured(store, number)
            seconds, watch = watch(), stopwatch()
            policy, runs = Policy.of(self.suite.rules()), select_runs(store.runs())
            before, known = check(store, runs, policy=policy), {one.entry_id for one in store.entries(Confirmation)}
            remarks = measure_again(store, before, budget_s=self.again_s)
            after = check(store, runs, policy=policy)
            again = [_said(after, one) for one in store.entries(Confirmation) if one.entry_id not in known]
            status = store.estimates(run_ids=[run_id]).status
        shared, unconfirmed = [one.reason for one in after.changed_devices], int((status == UNCONFIRMED).sum())
        night = Night(
            number, seconds, watch(), _alarms(before), _confirmed(after), shared, remarks, again, len(status), unconfirmed
        )
        self.kept.write("nights.json", [asdict(one) for one in [*self.kept.nights, night]])
        return night

    def _commit(self, number: int) -> None:
        """Makes the code of a night the latest commit, unless a night that was stopped made it."""
        slow = {
            one["key"]: one["turns"]
            for one, (start, length) in zip(self.kept.slowed, SPANS, strict=True)
            if start <= number < start + length
        }
        (self.repository / "slow.json").write_text(json.dumps(slow))
        if number == self._commits() - 1:
            return
        self._git("add", ".")
        self._git("-c", "user.name=n", "-c", "user.email=n@n.n", "commit", "-qm", f"night {number}", "--allow-empty")

    def _commits(self) -> int:
        """Returns the number of commits, one a night."""
        command = ["git", "rev-list", "--count", "--all"]
        return int(subprocess.run(command, cwd=self.repository, check=True, capture_output=True, text=True).stdout)

    def _measured(self, store: Store, number: int) -> str:
        """Measures the suite, unless that was done before the night was stopped, and returns the run's id."""
        started_at = utc((FIRST + timedelta(days=number)).isoformat())
        over = [run.run_id for run in store.runs() if run.started_at == started_at and run.status == "done"]
        if over:
            return over[-1]
        options = RunOptions(tier=self.tier, code=code_under_test(), started_at=started_at)
        return run_suite(self.suite, store, options).run.run_id

    def _git(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=self.repository, check=True)


def _alarms(found: Check) -> dict[str, str]:
    of_devices = {_device(one): one.verdict for one in found.devices if one.is_alarm}
    return of_devices | {found.series[one.series_key].name: one.verdict for one in found.judgements if one.is_alarm}


def _confirmed(found: Check) -> dict[str, str]:
    of_devices = {_device(one): one.verdict for one in found.changed_devices if one.is_confirmed}
    return of_devices | {found.series[one.series_key].name: one.verdict for one in found.judgements if one.is_confirmed}


def _device(one: DeviceJudgement) -> str:
    """Names all series of a device, for example ``all of cpu with torch``."""
    return f"all of {one.device} with {one.backend}"


def _said(found: Check, one: Confirmation) -> str:
    """Says what measuring again said of an alarm."""
    name = found.series[one.series_key].name if one.series_key in found.series else one.series_key
    size = "" if one.log_ratio is None else f" {100 * math.expm1(one.log_ratio):+.1f} %"
    half = "" if one.half_width is None else f" +- {100 * math.expm1(one.half_width):.1f} %"
    return f"{name} {one.outcome}{size}{half} ({one.how})"


def is_due(number: int, verdict: str, start: int, length: int) -> bool:
    """Says whether an alarm or an alert on a net that is slowed is of its slow-down.

    Args:
        number: Number of the night.
        verdict: Verdict of that night.
        start: First night of the slow-down.
        length: Number of its nights; a few more may pass until it is seen that it is over.
    """
    return verdict != "improved" and start <= number < start + length + LATE


def report(kept: Kept) -> None:
    """Prints what the nights that are over came to: alerts, delays and false alarms.

    Args:
        kept: The results.
    """
    nights, slowed = kept.nights, [one["name"] for one in kept.slowed]
    if not nights:
        print("no night is over yet")
        return
    print(f"\n{len(nights)} nights; the suite took at most {max(one.seconds for one in nights):.0f} s")
    counts = [sum(getattr(one, name) for one in nights) for name in ("unconfirmed", "estimates")]
    print(f"{counts[0]} of {counts[1]} estimates are unconfirmed; measuring again: {sum(n.again_s for n in nights):.0f} s")
    print(f"\n{'slowed':44s}{'nights':>9s}{'alarmed in its night':>22s}{'alerted in its night':>22s}")
    for name, (start, length) in zip(slowed, SPANS, strict=True):
        later = [one for one in nights if start <= one.number]
        alarm = next((one.number - start + 1 for one in later if name in one.alarms), None)
        alert = next((one.number - start + 1 for one in later if one.confirmed.get(name) == "regressed"), None)
        missing = "-" if later else "to come"
        print(f"{name[:43]:44s}{f'{start}-{start + length - 1}':>9s}{alarm or missing!s:>22s}{alert or missing!s:>22s}")
    spans = dict(zip(slowed, SPANS, strict=True))
    for title, kind in (("false alarms before measuring again", "alarms"), ("false alerts", "confirmed")):
        found = [
            f"night {one.number}: {name} {verdict}"
            for one in nights
            for name, verdict in getattr(one, kind).items()
            if name not in spans or not is_due(one.number, verdict, *spans[name])
        ]
        print(f"\n{title}: {len(found)}", *found, sep="\n  ")
    print("\nmeasured again:", *(f"night {one.number}: {text}" for one in nights for text in one.again), sep="\n  ")
    for text in dict.fromkeys(text for one in nights for text in (*one.devices, *one.remarks)):
        print(f"remark: {text}")


def main() -> None:
    """Runs the nights that are left, and reports."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="Folder for the repository, the store and the results.")
    parser.add_argument("--nights", type=int, default=40, help="Number of nights in all.")
    parser.add_argument("--tier", default="standard", help="Precision of the suite.")
    parser.add_argument("--again", type=float, default=BUDGET_S, help="Most seconds for measuring an alarm again.")
    parser.add_argument("--only-report", action="store_true", help="Report on the nights that are over.")
    given = parser.parse_args()
    kept = Kept(given.folder.resolve())
    try:
        if not given.only_report:
            nights = Nights(kept, given.tier, given.again)
            for number in range(len(kept.nights), given.nights):
                one = nights.run(number)
                print(f"night {number}: {one.seconds:.0f} s, {one.again_s:.0f} s; {one.alarms} {one.again}", flush=True)
    finally:
        report(kept)


if __name__ == "__main__":
    main()
