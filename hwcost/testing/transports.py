"""Conformance of transports: what every way to another machine promises, whatever carries it.

A suite is a subclass with a fixture::

    from hwcost.testing.transports import TransportSuite

    class TestMine(TransportSuite):
        @pytest.fixture
        def transport(self, tmp_path):
            return transport(f"mine://host{tmp_path}")

pytest is needed by whoever runs it, not by hwcost. Queues have a suite with more promises, ``QueueSuite``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hwcost.elsewhere.transports import TRANSPORTS, JobEndedError
from hwcost.errors import DeviceError

SCRIPT = """
import sys
sys.stderr.write("to stderr\\n")
for word in sys.argv[1:]:
    print(word, flush=True)
open(__file__.replace("run.py", "results.jsonl"), "a").write("a line\\n")
sys.exit(3 if "fail" in sys.argv else 0)
"""
"""A ``run.py`` that says its arguments, writes a line, and fails when asked to."""

SLEEPER = """
import time
print("running", flush=True)
time.sleep(300)
"""
"""A ``run.py`` that goes on until it is ended."""

JOB = "01a21b0c-1791-7753-b83d-9d2225239a6a"
"""Name of a job's folder, as campaigns have it."""


class TransportSuite:
    """What is promised of a transport; subclasses give the fixture ``transport``."""

    def test_it_is_registered_under_its_scheme(self, transport: Any) -> None:
        """The registry knows it, and it knows its address."""
        assert type(transport).name in TRANSPORTS
        assert transport.url.startswith(f"{type(transport).name}://")

    def test_a_job_is_sent_run_and_fetched(self, transport: Any, tmp_path: Path) -> None:
        """Lines come one by one, the exit status is that of the job, and its results are fetched whole."""
        transport.send(_parts(tmp_path / "here"), JOB)
        heard: list[str] = []
        status, said = transport.run(JOB, ["one", "two"], heard.append)
        assert (status, heard) == (0, ["one", "two"])
        assert "to stderr" in said
        target = tmp_path / "fetched"
        assert transport.fetch(JOB, "results.jsonl", target)
        assert target.read_text(encoding="utf-8") == "a line\n"

    def test_a_failure_is_a_status(self, transport: Any, tmp_path: Path) -> None:
        """The exit status of a job that fails is returned, not raised."""
        transport.send(_parts(tmp_path / "here"), JOB)
        assert transport.run(JOB, ["fail"], lambda line: None)[0] == 3

    def test_what_is_not_there_is_not_fetched(self, transport: Any, tmp_path: Path) -> None:
        """A file that the job did not write is said to be absent."""
        transport.send(_parts(tmp_path / "here"), JOB)
        assert not transport.fetch(JOB, "nothing.jsonl", tmp_path / "fetched")

    def test_sending_again_replaces_and_keeps(self, transport: Any, tmp_path: Path) -> None:
        """Parts are replaced, folders are filled up, and what the job wrote stays."""
        parts = _parts(tmp_path / "here")
        transport.send(parts, JOB)
        transport.run(JOB, [], lambda line: None)
        (tmp_path / "here" / "data" / "more").write_text("2", encoding="utf-8")
        transport.send(parts, JOB)
        transport.run(JOB, [], lambda line: None)
        target = tmp_path / "fetched"
        assert transport.fetch(JOB, "data/more", target)
        assert transport.fetch(JOB, "data/one", target)
        assert transport.fetch(JOB, "results.jsonl", target)
        assert target.read_text(encoding="utf-8") == "a line\n" * 2


class QueueSuite(TransportSuite):
    """What is promised of a queue, beside that."""

    def test_a_job_is_found_while_it_runs_and_can_be_ended(self, transport: Any, tmp_path: Path) -> None:
        """Any process finds it by its name; one that is cancelled says so, and is not found any more."""
        (tmp_path / "run.py").write_text(SLEEPER, encoding="utf-8")
        transport.send([tmp_path / "run.py"], JOB)
        assert transport.found(JOB) is None
        found: list[str | None] = []

        def end(line: str) -> None:
            found.append(transport.found(JOB))
            transport.stop(JOB)

        with pytest.raises(JobEndedError) as error:
            transport.run(JOB, [], end)
        assert f"{type(transport).name} job {found[0]}" in str(error.value)
        assert transport.found(JOB) is None

    def test_what_jobs_need_is_looked_for_first(self, transport: Any) -> None:
        """A device that no machine has is refused before anything is queued."""
        with pytest.raises(DeviceError, match="a device that nobody has"):
            type(transport)(transport.address).claim("a device that nobody has", 1)


def _parts(folder: Path) -> list[Path]:
    (folder / "data").mkdir(parents=True, exist_ok=True)
    (folder / "run.py").write_text(SCRIPT, encoding="utf-8")
    (folder / "data" / "one").write_text("1", encoding="utf-8")
    return [folder / "run.py", folder / "data"]
