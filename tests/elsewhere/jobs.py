"""Job folders for tests: synthetic work on the law of the backend ``null``, run by this Python."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from hwcost.campaign.options import JobOptions
from hwcost.elsewhere import JobFolder, write_folder
from hwcost.workloads import SyntheticWorkload
from tests.conftest import PATIENCE_S

WORKS = tuple(SyntheticWorkload(f"w{i}", flops=int(2e8 * (1 + i))) for i in range(5))


def job(path: Path, **options: Any) -> JobFolder:
    """Writes a job of five workloads in two rounds."""
    how = JobOptions(**{"backend": "null", "rounds": 2, **options})
    return write_folder(path, how.plan(WORKS))


def run(folder: JobFolder, *arguments: str, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
    """Runs a job to its end."""
    command = [python, str(folder.path / "run.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


def events(folder: JobFolder) -> list[dict[str, Any]]:
    """Returns the events of a job's results."""
    return [json.loads(line)["event"] for line in folder.results.read_text(encoding="utf-8").splitlines()]
