"""Results that are expensive to compute, by name: each is written as soon as it is known, and computed once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hwcost.errors import DataError
from hwcost.files import append_line, write_text


class ResultCache:
    """Plain JSON by name in a JSON Lines file; a file that was cut short loses its last line only.

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
            text = self.path.read_text(encoding="utf-8")
            whole = text[: text.rfind("\n") + 1]
            self._known = {str(name): value for name, value in map(json.loads, whole.splitlines())}
        except (OSError, ValueError, TypeError) as error:
            raise DataError(f"'{self.path}' is damaged: {error}. Remove it to have its results computed again") from None
        if whole != text:
            write_text(self.path, whole)

    def get(self, name: str, compute: Callable[[], Any]) -> Any:
        """Returns the result of that name, computed now where it is not known."""
        if name not in self._known:
            line = json.dumps([name, compute()], allow_nan=False)
            append_line(self.path, line)
            self._known[name] = json.loads(line)[1]
        return self._known[name]
