"""What is tested of every queue: one job a device at a time, nothing twice, and failed records of what was cancelled."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import hwcost as hc
from hwcost.elsewhere import measure_on
from hwcost.elsewhere.transports import transport
from hwcost.errors import DeviceError
from hwcost.stores import open_store
from hwcost.stores.schema import Record
from tests.conftest import ROOT
from tests.elsewhere.clusters import wait_for
from tests.elsewhere.jobs import WORKS

SCRIPT = """
import sys, time
began = time.time()
time.sleep(0.1)
print(*sys.argv[1:], began, time.time(), flush=True)
"""
"""A ``run.py`` that says for which device it ran, from when to when."""

MEASURE = """
import sys
import hwcost as hc
from tests.elsewhere.jobs import WORKS
how = {"backend": "null", "backend_options": {"realtime": "true"}, "blocks": 4, "rounds": 2}
hc.measure(WORKS, "cpu", store=sys.argv[1], on=sys.argv[2], **how)
"""


def run_many(url: str, folder: Path, devices: Sequence[str], jobs: int) -> dict[str, list[tuple[float, float]]]:
    """Queues jobs at once, as many for each device; returns when those of each device began and ended."""
    (folder / "run.py").write_text(SCRIPT, encoding="utf-8")
    places = {device: transport(url) for device in devices}
    for device, one in places.items():
        one.claim(device, 1)

    def measured(number: int) -> str:
        device, heard = devices[number % len(devices)], []
        place = places[device]
        place.send([folder / "run.py"], f"job-{number:02}")
        assert place.run(f"job-{number:02}", [device], heard.append)[0] == 0
        return str(heard[0])

    found: dict[str, list[tuple[float, float]]] = {device: [] for device in devices}
    with ThreadPoolExecutor(jobs) as pool:
        for line in pool.map(measured, range(jobs)):
            device, began, ended = line.split()
            found[device].append((float(began), float(ended)))
    return {device: sorted(spans) for device, spans in found.items()}


def assert_one_at_a_time(spans: dict[str, list[tuple[float, float]]], jobs: int) -> None:
    """Fails when two jobs were on a device at once, or one of them is missing."""
    for of_device in spans.values():
        assert len(of_device) == jobs / len(spans)
        assert all(before[1] <= after[0] for before, after in itertools.pairwise(of_device))


def assert_cancelled_and_resumed(url: str, store: Path, cancel: Callable[[str], None], why: str) -> None:
    """Cancels the first job of a campaign while it measures, and resumes the campaign.

    Args:
        url: Address of the queue, with the resource that stands for a CPU.
        store: File of the store.
        cancel: Function that cancels the job of a campaign.
        why: Reason that the failed records give.
    """
    cancelled: list[str] = []

    def progress(state: hc.Progress) -> None:
        if state.passes and not cancelled:
            with open_store(str(store)) as opened:
                cancelled.append(opened.campaigns()[0].campaign_id)
            cancel(cancelled[0])

    how = {"backend": "null", "backend_options": {"realtime": "true"}, "rounds": 2, "store": store, "on": url}
    with pytest.raises(DeviceError, match=f"{why}.* Go on with: hwcost measure --resume .* --on '{url.split('?')[0]}"):
        hc.measure(WORKS, "cpu", progress=progress, **how)
    failed = [record for record in records(store) if record.visit.status == "failed"]
    assert failed
    assert {flag.code for record in failed for flag in record.visit.flags} == {"E_JOB"}
    assert all(why in flag.text for record in failed for flag in record.visit.flags)
    resume(url, store)
    assert_measured_twice(store)


def assert_found_again(url: str, store: Path) -> None:
    """Kills a client while its job runs; the next one follows that job, and measures nothing twice."""
    command = [sys.executable, "-P", "-c", MEASURE, str(store), url]
    client = subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE)
    wait_for(lambda: store.exists() and _is_measuring(store, url))
    os.kill(client.pid, signal.SIGKILL)
    client.communicate()
    resume(url, store)
    assert_measured_twice(store)


def resume(url: str, store: Path) -> None:
    """Resumes the only campaign of a store to its end."""
    with open_store(str(store)) as opened:
        (campaign,) = opened.campaigns()
        assert measure_on(transport(url), opened, campaign.campaign_id, goals={}).is_complete


def _is_measuring(store: Path, url: str) -> bool:
    with open_store(str(store)) as opened:
        job = next((one.campaign_id for one in opened.campaigns()), None)
    shared = Path(transport(url).address.folder)
    return job is not None and (shared / job / "results.jsonl").exists()


def assert_measured_twice(store: Path) -> None:
    """Fails unless every workload has two visits with samples, in rounds of their own."""
    made = [(record.visit.workload_key, record.visit.round) for record in records(store) if record.visit.status != "failed"]
    counted = [
        record.visit.workload_key for record in records(store)
        if record.visit.status != "failed" and record.visit.conditions.get("round_share", 1.0) >= 0.5
    ]  # fmt: skip
    assert len(made) == len(set(made))
    assert sorted(counted) == sorted([work.key for work in WORKS] * 2)


def records(store: Path) -> list[Record]:
    """Returns the records of a store's only campaign."""
    with open_store(str(store)) as opened:
        (campaign,) = opened.campaigns()
        return list(opened.records(campaign.campaign_id))


def hwcost(*arguments: str, status: int = 0) -> str:
    """Runs the command line in a process of its own and returns its stderr."""
    command = [sys.executable, "-P", "-m", "hwcost", *arguments]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    return done.stderr


def environment() -> dict[str, str]:
    """Returns the environment of processes that import this checkout."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}
