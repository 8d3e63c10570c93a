"""The pipes from and to the parent of a process that works for it: lines of JSON on stdin and stdout."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from typing import Any, Dict, Iterable

ACKNOWLEDGED = ("environment", "visit", "pass", "closed")
"""Events after which a process waits until its parent has dealt with them."""

PR_SET_PDEATHSIG = 1


class Pipe:
    """Stdout of this process, for its parent alone: what libraries print goes to stderr from now on.

    The process leaves interrupts to its parent, and ends when that does.
    """

    def __init__(self) -> None:
        self._lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        die_with_parent()

    def send(self, data: Dict[str, Any]) -> None:
        """Writes a line.

        Raises:
            BrokenPipeError: When the parent is gone.
        """
        self._lines.write(json.dumps(data, default=str) + "\n")
        self._lines.flush()

    def tell(self, events: Iterable[Dict[str, Any]]) -> int:
        """Writes events as they come, and that they are done; the next one is asked for once the parent is ready for it.

        Returns:
            The exit status of the process: 1 where the parent was gone before the end.
        """
        try:
            for event in events:
                self.send(event)
                if event["event"] in ACKNOWLEDGED and not sys.stdin.readline():
                    return 1
            self.send({"event": "done"})
        except BrokenPipeError:
            return 1
        return 0


def die_with_parent() -> None:
    """Asks Linux to kill this process when its parent dies, so that none is left running after a ``kill -9``."""
    if sys.platform == "linux":
        parent = os.getppid()
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
