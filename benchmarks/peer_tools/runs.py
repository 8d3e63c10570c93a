"""Runs of tools in processes of their own, and what is kept of them: one line of JSON each."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from peer_tools.asked import Found, found_of, read_found
from peer_tools.bursts import neighbour
from peer_tools.plan import Piece
from peer_tools.tools import tool
from trainings.kept_rows import add_row

FOLDER = Path(__file__).resolve().parent.parent

LONGEST = 2
"""Seconds after which the neighbour of a run ends by itself, over those of the run."""


@dataclass(frozen=True)
class Run:
    """A run that was made.

    Attributes:
        piece: Run that was asked for.
        seconds: Seconds that it took, start of the process included.
        found: Numbers of the tool.
    """

    piece: Piece
    seconds: float
    found: Found


def run(piece: Piece, stores: Path) -> Run:
    """Runs a tool, beside the neighbour where there is to be one.

    Args:
        piece: Run that is asked for.
        stores: Folder for hwcost's store, one file a run.

    Raises:
        RuntimeError: When the tool fails.
    """
    chosen = tool(piece.tool)
    if chosen.before:
        started(chosen.before, piece, stores)
    with neighbour(piece.burst_seed, LONGEST * piece.seconds):
        return started(chosen.module, piece, stores)


def started(module: str, piece: Piece, stores: Path) -> Run:
    """Runs a module of this folder in a process of its own.

    Args:
        module: Name of the module.
        piece: Run that is asked for.
        stores: Folder for hwcost's store.

    Raises:
        RuntimeError: When it fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        out, start = Path(folder) / "found.json", time.monotonic()
        command = [
            sys.executable, "-m", f"peer_tools.{module}", "--nets", str(piece.nets), "--tested", str(piece.tested),
            "--seconds", str(piece.seconds), "--deadline", str(start + piece.seconds), "--out", str(out),
            "--scale", piece.scale, "--seq-len", str(piece.seq_len), "--store", str(stores.resolve() / f"{piece.stem}.db"),
        ]  # fmt: skip
        ended = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)
        seconds = time.monotonic() - start
        if ended.returncode:
            raise RuntimeError(f"{piece}: {module} failed: {ended.stderr.strip()[-1000:]}")
        return Run(piece, seconds, read_found(out))


def keep(path: Path, one: Run) -> None:
    """Adds a run to a file, in the place of a last line that was cut short."""
    path.parent.mkdir(parents=True, exist_ok=True)
    add_row(path, asdict(one))


def kept(path: Path) -> dict[Piece, Run]:
    """Returns the runs of a file; of runs of the same piece the latest, and without a last line that was cut short."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            data = json.loads(line)
        except ValueError:
            continue
        piece = Piece(**data["piece"])
        found[piece] = Run(piece, data["seconds"], found_of(data["found"]))
    return found
