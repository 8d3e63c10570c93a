"""Ctrl-C that cannot get lost.

Python raises ``KeyboardInterrupt`` wherever the program happens to be; inside a destructor or a callback of a library it is
swallowed there. So the signal is also remembered, and raised again at the next safe place.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any


class Interrupt:
    """Remembers SIGINT while it is entered; outside the main thread, where no handler can be set, it does nothing."""

    def __init__(self) -> None:
        self._is_pending = False
        self._before: Any = None

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._remember)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self._is_pending = True
        if callable(self._before):
            self._before(number, frame)
        else:
            raise KeyboardInterrupt

    def check(self) -> None:
        """Raises KeyboardInterrupt when one came and was swallowed on its way."""
        if self._is_pending:
            raise KeyboardInterrupt
