"""hwcost as a user runs it: one command, with its numbers from the document that ``--json`` writes.

Its interval is the stated 95 % interval. Warnings are the codes of a busy or moving machine. Its store is kept.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from peer_tools.asked import Asked, Found, Reading, serve
from peer_tools.setting import BATCH_SIZE, SEED, SPACE, THREADS

WARNINGS = {"E_FOREIGN", "W_DISTURBED", "W_DRIFT", "W_MULTIMODAL", "W_UNSTABLE_HOST"}
"""Codes that say that something else was active or that the machine moved."""

MEASURED_BUT_INVALID = 4
"""Exit code of a campaign whose document is whole although some numbers are void."""


def measure(asked: Asked, backend: str = "torch") -> Found:
    """Measures the nets, and fits the default cost model where one is asked for."""
    found = found_in(campaign(asked, ["-n", str(asked.nets)], backend))
    return Found(found.readings, found.warned, predicted(asked) if asked.tested else {})


def reference(asked: Asked) -> Found:
    """Measures the tested nets alone: what models are compared with."""
    from peer_tools.nets import tested

    genes = ("_".join(map(str, arch.genes)) for arch in tested(asked))
    return found_in(campaign(asked, [word for text in genes for word in ("--arch", text)], "torch"))


def campaign(asked: Asked, targets: list[str], backend: str) -> dict[str, Any]:
    """Runs ``hwcost measure`` into a new store and returns its document.

    Raises:
        RuntimeError: When it ends without one.
    """
    make_room(asked.store)
    command = [
        sys.executable, "-m", "hwcost", "measure", "--device", "cpu", "--backend", backend,
        "--space", f"{SPACE}:scale={asked.scale}", *targets, "--seed", str(SEED), "--batch-size", str(BATCH_SIZE),
        "--seq-len", str(asked.seq_len), "--threads", str(THREADS), "--tier", "standard", "--budget", f"{asked.seconds:g}s",
        "--store", str(asked.store), "--json", "-", "--quiet",
    ]  # fmt: skip
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode not in (0, MEASURED_BUT_INVALID):
        raise RuntimeError(f"hwcost measure ended with exit code {ended.returncode}: {ended.stderr[-500:]}")
    document: dict[str, Any] = json.loads(ended.stdout)
    return document


def make_room(store: Path) -> None:
    """Makes the folder of a store, and removes what a run that was interrupted left in its place."""
    store.parent.mkdir(parents=True, exist_ok=True)
    for path in store.parent.glob(f"{store.name}*"):
        path.unlink()


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


def predicted(asked: Asked) -> dict[str, float]:
    """Returns what the default cost model of a campaign says of the tested nets, in seconds by key."""
    from peer_tools.nets import tested, workloads

    import hwcost as hc

    archs = tested(asked)
    latency_s = hc.fit(asked.store).predict(archs).latency_s.tolist()
    return {workload.key: seconds for workload, seconds in zip(workloads(archs, asked), latency_s, strict=True)}


if __name__ == "__main__":
    serve(measure)
