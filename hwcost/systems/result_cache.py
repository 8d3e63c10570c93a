"""Results that are expensive to compute, by name: each is written as soon as it is known, and computed once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hwcost.errors import DataError
from hwcost.files import append_json, read_json_lines


class ResultCache:
    """Plain JSON by name in a JSON Lines file; a file that was cut short loses its last line only.

    Args:
        path: The file; made with the first result.
        is_kept: Whether results are written, which only one of several processes that compute them does.

    Raises:
        DataError: When it is damaged.
        StoreError: When it cannot be written.
    """

    def __init__(self, path: Path, is_kept: bool = True) -> None:
        self.path, self.is_kept = path, is_kept
        self._known: dict[str, Any] = {}
        if path.exists():
            self._read()

    def _read(self) -> None:
        try:
            self._known = {str(name): value for name, value in read_json_lines(self.path)}
        except (OSError, ValueError, TypeError) as error:
            raise DataError(f"'{self.path}' is damaged: {error}. Remove it to have its results computed again") from None

    def get(self, name: str, compute: Callable[[], Any]) -> Any:
        """Returns the result of that name, computed now where it is not known."""
        if name not in self._known:
            value = compute()
            if self.is_kept:
                append_json(self.path, [name, value])
            self._known[name] = json.loads(json.dumps(value))
        return self._known[name]

    def values(self) -> list[Any]:
        """Returns all results that are known, in the order that they were computed in."""
        return list(self._known.values())
