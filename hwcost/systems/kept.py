"""Results that are dear to find, by name: each is written as soon as it is found, and found once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hwcost._jsonl import append, whole_lines
from hwcost.errors import DataError
from hwcost.supernets.schema import writing


class Kept:
    """Plain JSON by name in a JSON Lines file; one that is cut short loses its last line only.

    Args:
        path: The file; made with the first result.

    Raises:
        DataError: When it is damaged.
        StoreError: When it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[str, Any] = {}
        if path.exists():
            self._read()

    def _read(self) -> None:
        try:
            self._known = {str(name): value for name, value in map(json.loads, whole_lines(self.path))}
        except (OSError, ValueError, TypeError) as error:
            raise DataError(f"'{self.path}' is damaged: {error}. Remove it to have its results found again") from None

    def get(self, name: str, find: Callable[[], Any]) -> Any:
        """Returns the result of that name, found now where it is not known."""
        if name not in self._known:
            found = find()
            with writing(self.path):
                append(self.path, [name, found])
            self._known[name] = json.loads(json.dumps(found))
        return self._known[name]
