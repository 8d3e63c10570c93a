"""``python -m hwcost`` is the command line, and so is the installed ``hwcost``."""

from __future__ import annotations

import sys


def run() -> None:
    """Runs the command line, in a process of its own; Ctrl-C while it is still imported ends it as later on."""
    try:
        from hwcost.cli.main import run as begin
    except KeyboardInterrupt:
        sys.stderr.write("hwcost: interrupted\n")
        sys.exit(130)
    begin()


if __name__ == "__main__":
    run()
