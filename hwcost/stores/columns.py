"""Estimates column by column: as pages of rows are taken in, and as those of a run that has ended are kept in one value."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Indices
from hwcost.errors import DataError

NAMES = (
    "series_key", "campaign_id", "run_id", "measured_s", "value", "half_width", "level_half_width", "n_rounds", "remark",
)  # fmt: skip
"""Columns of a row. The remark is the status, the flags and the reason, a line each, or None for the usual ones: a year of
rows takes a tenth less time so."""

TEXTS = ("series_key", "campaign_id", "run_id", "remark")

NUMBERS = {
    "measured_s": np.dtype("<f8"), "value": np.dtype("<f8"), "half_width": np.dtype("<f8"),
    "level_half_width": np.dtype("<f8"), "n_rounds": np.dtype("<i8"),
}  # fmt: skip

REMEDY = "They are a copy: 'DELETE FROM run_columns' removes them, and the end of the next run makes them again."
"""Advice on columns of runs that cannot be read, or are not those of their rows."""

_INDEX = np.dtype("<i4")

_UNKNOWN = ("value", "half_width")
"""Columns in which there may be no number."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Some estimates, column by column.

    Attributes:
        texts: Distinct texts of each column of texts, and the index of every row; -1 for None.
        numbers: Columns of numbers; NaN for none.
    """

    texts: dict[str, tuple[list[str], Indices]]
    numbers: dict[str, NDArray[Any]]

    @classmethod
    def of_rows(cls, rows: Sequence[Sequence[Any]]) -> Columns:
        """Takes rows in, whose values are those of :data:`NAMES`."""
        columns = dict(zip(NAMES, zip(*rows, strict=True) if rows else [()] * len(NAMES), strict=True))
        numbers = {name: _numbers(columns[name], dtype, name in _UNKNOWN) for name, dtype in NUMBERS.items()}
        return cls({name: _indexed(columns[name]) for name in TEXTS}, numbers)

    def packed(self) -> bytes:
        """Returns all of it as one value: its texts as a line of JSON, then the columns one after another, little-endian."""
        texts = {name: known for name, (known, _) in self.texts.items()}
        header = json.dumps({"rows": len(self.numbers["value"]), "texts": texts}).encode()
        arrays = [*(index.astype(_INDEX) for _, index in self.texts.values()), *self.numbers.values()]
        return b"\n".join([header, b"".join(array.tobytes() for array in arrays)])

    @classmethod
    def unpacked(cls, data: bytes) -> Columns:
        """Returns what was packed.

        Raises:
            DataError: When it is damaged.
        """
        try:
            start = data.index(b"\n") + 1
            header = json.loads(data[: start - 1])
            known, arrays = header["texts"], dict[str, NDArray[Any]]()
            dtypes: dict[str, np.dtype[Any]] = {**dict.fromkeys(TEXTS, _INDEX), **NUMBERS}
            for name, dtype in dtypes.items():
                arrays[name] = np.frombuffer(data, dtype, int(header["rows"]), start)
                start += arrays[name].nbytes
            texts = {name: (list(map(str, known[name])), arrays[name]) for name in TEXTS}
            if start != len(data) or any(len(index) and index.max() >= len(names) for names, index in texts.values()):
                raise ValueError("its length is wrong")
        except (ValueError, LookupError, TypeError) as error:
            raise DataError(f"the store holds damaged columns of a run: {error}. {REMEDY}") from None
        return cls(texts, {name: arrays[name] for name in NUMBERS})


def _numbers(column: Sequence[Any], dtype: np.dtype[Any], may_lack: bool) -> NDArray[Any]:
    """Returns a column of numbers; NaN for None, where there may be one."""
    return np.array(column, dtype) if may_lack else np.fromiter(column, dtype, len(column))


def _indexed(column: Sequence[str | None]) -> tuple[list[str], Indices]:
    """Returns the distinct texts of a column in the order in which they come, and the index of every row."""
    known = [text for text in dict.fromkeys(column) if text is not None]
    place: dict[str | None, int] = {text: index for index, text in enumerate(known)}
    place[None] = -1
    return known, np.fromiter(map(place.__getitem__, column), np.intp, len(column))
