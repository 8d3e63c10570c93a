"""hwcost as a user runs it: one command, with its numbers from the document that ``--json`` writes.

Its interval is the stated 95 % interval. Warnings are the codes of a busy or moving machine.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from peer_tools.asked import Asked, Found, Reading, serve
from peer_tools.setting import BATCH_SIZE, SCALE, SEED, SEQ_LEN, SPACE, THREADS

WARNINGS = {"E_FOREIGN", "W_DISTURBED", "W_DRIFT", "W_MULTIMODAL", "W_UNSTABLE_HOST"}
"""Codes that say that something else was active or that the machine moved."""

MEASURED_BUT_INVALID = 4
"""Exit code of a campaign whose document is whole although some numbers are void."""


def measure(asked: Asked, backend: str = "torch") -> Found:
    """Measures the nets, and fits the default cost model where one is asked for."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "nets.db"
        found = found_in(campaign(store, ["-n", str(asked.nets)], asked.seconds, backend))
        return Found(found.readings, found.warned, predicted(store, asked) if asked.tested else {})


def reference(asked: Asked) -> Found:
    """Measures the tested nets alone: what models are compared with."""
    from peer_tools.nets import tested

    genes = ("_".join(map(str, arch.genes)) for arch in tested(asked.tested, asked.nets))
    with tempfile.TemporaryDirectory() as folder:
        targets = [word for text in genes for word in ("--arch", text)]
        return found_in(campaign(Path(folder) / "nets.db", targets, asked.seconds, "torch"))


def campaign(store: Path, targets: list[str], seconds: float, backend: str) -> dict[str, Any]:
    """Runs ``hwcost measure`` and returns its document.

    Raises:
        RuntimeError: When it ends without one.
    """
    command = [
        sys.executable, "-m", "hwcost", "measure", "--device", "cpu", "--backend", backend,
        "--space", f"{SPACE}:scale={SCALE}", *targets, "--seed", str(SEED), "--batch-size", str(BATCH_SIZE),
        "--seq-len", str(SEQ_LEN), "--threads", str(THREADS), "--tier", "standard", "--budget", f"{seconds:g}s",
        "--store", str(store), "--json", "-", "--quiet",
    ]  # fmt: skip
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode not in (0, MEASURED_BUT_INVALID):
        raise RuntimeError(f"hwcost measure ended with exit code {ended.returncode}: {ended.stderr[-500:]}")
    document: dict[str, Any] = json.loads(ended.stdout)
    return document


def found_in(document: dict[str, Any]) -> Found:
    """Returns the numbers and warnings of a document; a warning about the machine stands for all nets."""
    of_all = WARNINGS & {flag["code"] for flag in document["flags"]}
    readings, warned = {}, []
    for one in document["measurements"]:
        if one["latency_s"] is not None:
            readings[one["workload_key"]] = Reading(one["latency_s"], one["low_s"], one["high_s"])
        if of_all or WARNINGS & {flag["code"] for flag in one["flags"]}:
            warned.append(one["workload_key"])
    return Found(readings, tuple(warned))


def predicted(store: Path, asked: Asked) -> dict[str, float]:
    """Returns what the default cost model of a campaign says of the tested nets, in seconds by key."""
    from peer_tools.nets import tested, workloads

    import hwcost as hc

    archs = tested(asked.tested, asked.nets)
    latency_s = hc.fit(store).predict(archs).latency_s.tolist()
    return {workload.key: seconds for workload, seconds in zip(workloads(archs), latency_s, strict=True)}


if __name__ == "__main__":
    serve(measure)
