"""Do two runs of a tool agree? hwcost beside other ways to measure latency, at equal machine time.

``--queries``, ``--fits DATA`` and ``--few DATA`` compare cost models instead: times of questions and fits as ratios to
XGBoost, LightGBM, treelite and lleaves, and errors of models from few rows beside XGBoost on hundreds.

Twelve nets of ``supershaper:scale=mini`` at 64 tokens are measured twice by each tool, with and without a neighbour that
computes in bursts: hwcost, ``torch.utils.benchmark``, pyperf, a plain loop, and on ONNX Runtime its perf loop and hwcost.
Shown is how far the two runs are apart, and whether the intervals that a tool states hold that; hwcost's figures stand
beside their bars, and beside them what ``hwcost compare`` says of each pair: a stated interval is about the machine's level
during its run, and that of a comparison holds the levels of both. ``--model`` adds how soon the measurements of 40 nets make
a cost model that is right within 3 % about others.

Run: ``python benchmarks/peers.py [--tools hwcost,torch] [--pairs 3] [--seconds 65]``; ten nets of full size:
``--scale paper --seq-len 128 --nets 10 --seconds 120``. What was run is kept, and hwcost's stores are, so that a stopped
benchmark is resumed; ``--at-most 2`` ends after two runs, and ``--at-most 0`` shows the tables of what is there.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from peer_tools.agreement import Agreement, agreement
from peer_tools.bars import judged
from peer_tools.comparisons import compared_runs
from peer_tools.cost_models import add_arguments, is_asked
from peer_tools.cost_models import show as show_cost_models
from peer_tools.model_errors import errors, time_to
from peer_tools.plan import LETTERS, SAME_LAW, Piece, ladder, pairs
from peer_tools.runs import Run, keep, kept, run
from peer_tools.setting import SCALE, SCALES, SEQ_LEN
from peer_tools.tables import agreement_table, bars_table, comparisons_table, model_table
from peer_tools.tools import TOOLS

SCHEMA_VERSION = 1


def main() -> int:
    """Makes the runs that are missing, and prints the tables."""
    given = parsed()
    if is_asked(given):
        show_cost_models(given)
        return 0
    tools = installed(given.tools)
    shape = (given.scale, given.seq_len)
    pieces = list(pairs(tools, given.bursts, given.pairs, given.seconds, given.nets, *shape))
    pieces += list(ladder(tools, given.bursts, *shape)) if given.model else []
    stores = given.keep or given.out.with_name(f"{given.out.stem}-stores")
    failed = make([piece for piece in pieces if piece not in kept(given.out)][: given.at_most], given.out, stores)
    done = kept(given.out)
    show([done[piece] for piece in pieces if piece in done], stores, given.json, given.scale)
    return int(failed)


def parsed() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tools", type=names, default=list(TOOLS), help=f"of {','.join(TOOLS)} (default: all)")
    parser.add_argument("--seconds", type=float, default=65.0, help="machine time of a run (default: 65)")
    parser.add_argument("--pairs", type=int, default=3, help="pairs of runs of each tool (default: 3)")
    parser.add_argument("--nets", type=int, default=12, help="nets to measure (default: 12)")
    parser.add_argument("--scale", choices=SCALES, default=SCALE, help="scale of the nets; paper is full size (mini)")
    parser.add_argument("--seq-len", type=int, default=SEQ_LEN, help="tokens of an input (64)")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--both", dest="bursts", action="store_const", const=(True, False), help="both of these (default)")
    how.add_argument("--bursts", dest="bursts", action="store_const", const=(True,), help="only beside the neighbour")
    how.add_argument("--no-bursts", dest="bursts", action="store_const", const=(False,), help="only without a neighbour")
    parser.add_argument("--model", action="store_true", help="also the time to a model of 3 %% (20 to 35 minutes)")
    parser.add_argument("--at-most", type=int, metavar="N", help="end after N runs; the same command resumes")
    parser.add_argument("--out", type=Path, default=Path("runs/peers.jsonl"), help="file of the runs (runs/peers.jsonl)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="folder of hwcost's stores (runs/peers-stores)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="file for the figures as one document")
    parser.set_defaults(bursts=(True, False))
    add_arguments(parser)
    return parser.parse_args()


def names(text: str) -> list[str]:
    """Reads names of tools."""
    found = text.split(",")
    unknown = [name for name in found if name not in TOOLS]
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown tool '{unknown[0]}'. Known: {', '.join(TOOLS)}")
    return found


def installed(tools: Iterable[str]) -> list[str]:
    """Returns the tools whose packages are there, and says which are left out."""
    found = []
    for name in tools:
        missing = TOOLS[name].missing()
        if missing:
            print(f"{name} is left out: not installed are {', '.join(missing)}", file=sys.stderr)
        else:
            found.append(name)
    return found


def make(pieces: list[Piece], out: Path, stores: Path) -> bool:
    """Makes and keeps runs, and says whether any of them failed.

    Args:
        pieces: Runs that are asked for.
        out: File of the runs.
        stores: Folder of hwcost's stores.
    """
    failed = False
    for i, piece in enumerate(pieces, 1):
        print(f"{i} of {len(pieces)}: {piece}", file=sys.stderr, flush=True)
        try:
            keep(out, run(piece, stores))
        except RuntimeError as error:
            print(error, file=sys.stderr)
            failed = True
    return failed


def show(runs: list[Run], stores: Path, path: Path | None, scale: str = SCALE) -> None:
    """Prints the tables of runs, and writes their figures.

    Args:
        runs: Runs that were made.
        stores: Folder of hwcost's stores.
        path: File for the figures; None for none.
        scale: Scale of the nets, which the bars depend on.
    """
    figures, models = agreements(runs), errors(runs)
    bars = list(judged(figures, scale))
    compared = list(compared_runs([one.piece for one in runs], stores))
    note = SAME_LAW if any(has_bursts for _, has_bursts in figures) else ""
    tables = [
        agreement_table(figures) if figures else "", note, comparisons_table(compared), bars_table(bars),
        model_table(models) if models else "",
    ]  # fmt: skip
    for table in filter(None, tables):
        print(table, end="\n\n")
    if path is not None:
        document = {
            "schema_version": SCHEMA_VERSION,
            "agreement": [
                {"tool": tool, "bursts": bursts, **finite(asdict(one))} for (tool, bursts), one in figures.items()
            ],
            "neighbour": note or None,
            "compared": [one.to_dict() for one in compared],
            "bars": [one.to_dict() for one in bars],
            "model": [
                {"tool": tool, "bursts": bursts, "mape_by_seconds": finite(found), "time_to_wanted_s": time_to(found)}
                for (tool, bursts), found in models.items()
            ],
        }
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def finite(figures: Mapping[Any, float | None]) -> dict[Any, float | None]:
    """Returns figures as JSON can hold them: None for what is infinite or no number."""
    return {name: one if one is not None and math.isfinite(one) else None for name, one in figures.items()}


def agreements(runs: Iterable[Run]) -> dict[tuple[str, bool], Agreement]:
    """Returns the figures of each tool, with the neighbour and without, over the pairs of which both runs were made."""
    of_pairs = [one for one in runs if not one.piece.tested]
    done = {(one.piece.tool, one.piece.has_bursts, one.piece.pair, one.piece.letter): one for one in of_pairs}
    found: dict[tuple[str, bool], list[tuple[Run, Run]]] = {}
    for (tool, has_bursts, pair, letter), one in done.items():
        other = done.get((tool, has_bursts, pair, LETTERS[1]))
        if letter == LETTERS[0] and other is not None:
            found.setdefault((tool, has_bursts), []).append((one, other))
    order = sorted(found, key=lambda key: (not key[1], list(TOOLS).index(key[0])))
    return {key: agreement(found[key]) for key in order}


if __name__ == "__main__":
    sys.exit(main())
