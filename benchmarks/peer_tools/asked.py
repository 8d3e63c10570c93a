"""What a tool is asked for and what it finds: the contract between the benchmark and each tool's own process."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from peer_tools.setting import SCALE, SEQ_LEN


@dataclass(frozen=True)
class Asked:
    """One run of a tool.

    Attributes:
        nets: Number of nets to measure.
        tested: Number of further nets whose latency a model of the measured ones predicts; 0 for no model.
        seconds: Seconds of the run, start of the process included.
        deadline: Reading of ``time.monotonic()`` at which these seconds are over; one clock for all processes.
        out: File for what is found.
        scale: Scale of the search space.
        seq_len: Tokens of an input.
        store: File for hwcost's store, which other tools do not need.
    """

    nets: int
    tested: int
    seconds: float
    deadline: float
    out: Path
    scale: str
    seq_len: int
    store: Path

    def share_s(self, left: int) -> float:
        """Returns the seconds for the next of so many nets that are left, none of them negative."""
        return max(0.0, self.deadline - time.monotonic()) / left


@dataclass(frozen=True)
class Reading:
    """One latency as a tool states it.

    Attributes:
        latency_s: Seconds per call.
        low_s: Lower end of the stated interval; None where the tool states none.
        high_s: Upper end of it.
    """

    latency_s: float
    low_s: float | None = None
    high_s: float | None = None

    @property
    def half_width(self) -> float | None:
        """Half of the interval over the latency; None without an interval."""
        if self.low_s is None or self.high_s is None:
            return None
        return (self.high_s - self.low_s) / 2 / self.latency_s


@dataclass(frozen=True)
class Found:
    """What a tool finds in one run.

    Attributes:
        readings: Readings by the key of the workload; a net without a number is left out.
        warned: Keys of the nets about which the tool itself warns that something else was active, or that they vary.
        predicted: Seconds per call of the tested nets by key, by a model of the readings.
    """

    readings: dict[str, Reading]
    warned: tuple[str, ...] = ()
    predicted: dict[str, float] = field(default_factory=dict)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options by which the benchmark starts a tool."""
    parser.add_argument("--nets", type=int, required=True, help="nets to measure")
    parser.add_argument("--tested", type=int, default=0, help="nets that a model predicts")
    parser.add_argument("--seconds", type=float, help="seconds of the run")
    parser.add_argument("--deadline", type=float, help="reading of the monotonic clock at which the run is over")
    parser.add_argument("--out", type=Path, help="file for what is found")
    parser.add_argument("--scale", default=SCALE, help="scale of the search space")
    parser.add_argument("--seq-len", type=int, default=SEQ_LEN, help="tokens of an input")
    parser.add_argument("--store", type=Path, help="file for a store of hwcost")


def asked_of(given: argparse.Namespace) -> Asked:
    """Returns what parsed options ask for."""
    return Asked(
        given.nets, given.tested, given.seconds, given.deadline, given.out, given.scale, given.seq_len, given.store
    )


def answer(asked: Asked, found: Found) -> None:
    """Writes what was found as JSON."""
    asked.out.write_text(json.dumps(asdict(found)), encoding="utf-8")


def serve(measure: Callable[[Asked], Found]) -> None:
    """Runs a tool as the command line asks."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    asked = asked_of(parser.parse_args())
    answer(asked, measure(asked))


def found_of(data: dict[str, Any]) -> Found:
    """Turns ``asdict(found)`` back into an equal object."""
    readings = {key: Reading(**one) for key, one in data["readings"].items()}
    return Found(readings, tuple(data["warned"]), data["predicted"])


def read_found(path: Path) -> Found:
    """Reads what a tool wrote."""
    return found_of(json.loads(path.read_text(encoding="utf-8")))
