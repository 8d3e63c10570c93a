"""Objects of JSON whose names stand once: of a name that stands twice, readers keep the last value without a word."""

from __future__ import annotations

from typing import Any

from hwcost.errors import DataError

SHOWN = 60
"""Characters of a name that a message shows."""


class RepeatedNameError(Exception):
    """An object holds a name twice, with different values; the text is the name."""

    def at(self, source: str) -> DataError:
        """Returns the error for a file."""
        return DataError(
            f"{source}: the name '{str(self)[:SHOWN]}' stands twice in one object, with different values, and nothing says "
            "which counts. Give each a name of its own, or write a list of records."
        )


def unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Makes an object of its members, as ``object_pairs_hook`` of the functions of ``json``.

    Raises:
        RepeatedNameError: When a name stands twice, with different values.
    """
    made = dict(pairs)
    if len(made) < len(pairs):
        repeated = next((name for name, value in pairs if made[name] != value), None)
        if repeated is not None:
            raise RepeatedNameError(repeated)
    return made
