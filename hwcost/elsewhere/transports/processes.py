"""A program whose lines are heard as they come, for transports that run one."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Sequence

TAIL = 2_000
"""Characters of stderr that are kept."""


def heard_process(command: Sequence[str], heard: Callable[[str], None]) -> tuple[int, str]:
    """Runs a program to its end, or kills it when this is interrupted.

    Args:
        command: The program with its arguments.
        heard: Function that takes every line of its stdout.

    Returns:
        The exit status, and the end of its stderr.

    Raises:
        OSError: When the program cannot be started.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as stderr:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, text=True, encoding="utf-8",
            errors="replace", start_new_session=True,
        )  # fmt: skip
        try:
            assert process.stdout is not None
            for line in process.stdout:
                heard(line.rstrip("\n"))
            status = process.wait()
        finally:
            process.kill()
            process.wait()
            process.stdout.close()  # type: ignore[union-attr]
        stderr.seek(0)
        return status, stderr.read()[-TAIL:].strip()
