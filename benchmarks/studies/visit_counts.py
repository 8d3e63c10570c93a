"""How many visits a campaign of some checkout of hwcost makes: a visit is a workload in a process."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

MEASURED_BUT_INVALID = 4
"""Exit code of a campaign that is stored although some of its numbers are void."""


@dataclass(frozen=True)
class Visits:
    """Visits of a campaign.

    Attributes:
        count: Number of them.
        seconds: Seconds of the campaign, as its document has them.
    """

    count: int
    seconds: float

    @property
    def per_minute(self) -> float:
        """Visits in a minute."""
        return 60 * self.count / self.seconds


def visits(root: Path, store: Path, backend: str, space: str, number: int, seq_len: int, budget: str) -> Visits:
    """Runs ``hwcost measure`` with the code of a checkout, and counts the visits that its store holds.

    Args:
        root: Folder of the checkout.
        store: File for the store, which is not there yet.
        backend: Name of the backend.
        space: Search space with its options.
        number: Number of nets.
        seq_len: Tokens of an input.
        budget: Time of the campaign.

    Raises:
        RuntimeError: When the command ends without its document.
    """
    command = [
        sys.executable, "-m", "hwcost", "measure", "--device", "cpu", "--backend", backend, "--space", space,
        "-n", str(number), "--batch-size", "1", "--seq-len", str(seq_len), "--tier", "standard", "--budget", budget,
        "--store", str(store), "--json", "-", "--quiet",
    ]  # fmt: skip
    environment = os.environ | {"PYTHONPATH": str(root)}
    ended = subprocess.run(command, cwd=store.parent, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode not in (0, MEASURED_BUT_INVALID):
        raise RuntimeError(f"hwcost measure of {root} ended with exit code {ended.returncode}: {ended.stderr[-500:]}")
    seconds: float = json.loads(ended.stdout)["seconds"]
    return Visits(stored(store), seconds)


def stored(store: Path) -> int:
    """Returns the visits of a store, which all releases keep as rows of one table."""
    with closing(sqlite3.connect(store)) as opened:
        return int(opened.execute("SELECT count(*) FROM records").fetchone()[0])
