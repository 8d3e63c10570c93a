"""What ``hwcost compare`` says of the two runs of a pair: its interval holds the levels of both campaigns too.

A stated interval is about the level at which the machine stood during that run. Where the machine moves from run to run, the
two runs are compared by what their levels show.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from peer_tools.plan import LETTERS, Piece
from peer_tools.tools import TOOLS

from hwcost import compare
from hwcost.errors import HwcostError


@dataclass(frozen=True)
class ComparedRuns:
    """A pair of runs compared by their stores.

    Attributes:
        piece: First run of the pair.
        log_ratio: Second run over the first, all nets together; None without one.
        half_width: Half-width of its 95 % interval; None without one.
        held: Nets whose interval holds equal latencies.
        nets: Nets that were compared.
    """

    piece: Piece
    log_ratio: float | None
    half_width: float | None
    held: int
    nets: int

    def to_dict(self) -> dict[str, str | int | float | bool | None]:
        """Returns plain JSON."""
        return {
            "tool": self.piece.tool, "bursts": self.piece.has_bursts, "pair": self.piece.pair, "log_ratio": self.log_ratio,
            "half_width": self.half_width, "held": self.held, "nets": self.nets,
        }  # fmt: skip


def compared_runs(pieces: Iterable[Piece], stores: Path) -> Iterator[ComparedRuns]:
    """Compares the pairs of hwcost's runs of which both stores are there.

    Args:
        pieces: Runs that were made.
        stores: Folder of hwcost's stores.
    """
    made = {piece for piece in pieces if TOOLS[piece.tool].is_own and not piece.tested}
    for first in sorted(made, key=lambda piece: (not piece.has_bursts, piece.tool, piece.pair)):
        second = replace(first, letter=LETTERS[1])
        paths = [stores / f"{piece.stem}.db" for piece in (first, second)]
        if first.letter != LETTERS[0] or second not in made or not all(path.exists() for path in paths):
            continue
        try:
            found = compare(*map(str, paths))
        except HwcostError:
            continue  # no net has a latency in both
        rows = [one for one in found.workloads if one.log_ratio is not None]
        held = sum(one.low is not None and one.high is not None and one.low <= 1.0 <= one.high for one in rows)
        yield ComparedRuns(first, found.overall.log_ratio, found.overall.half_width, held, len(rows))
