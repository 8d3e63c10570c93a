"""What starting costs: user + system CPU seconds of commands that measure nothing, median of 20 runs each.

Run: ``python benchmarks/import_cost.py [CHECKOUT ...]``; other checkouts are run in turn with this one, for comparison.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path
from statistics import median

RUNS = 20
HERE = Path(__file__).resolve().parents[1]
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import hwcost": ["-c", "import hwcost"],
    "hwcost --help": ["-m", "hwcost", "--help"],
    "hwcost measure --help": ["-m", "hwcost", "measure", "--help"],
    "hwcost measure --device k80": ["-m", "hwcost", "measure", "--device", "k80"],
}


def output(arguments: list[str], checkout: Path) -> str:
    """Runs Python in a checkout, whose package is the one that it finds, and returns what it printed."""
    done = subprocess.run([sys.executable, *arguments], cwd=checkout, capture_output=True, text=True, check=False)
    return done.stdout


def cpu_seconds(arguments: list[str], checkout: Path) -> float:
    """Returns the CPU seconds of one run of Python with these arguments."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    output(arguments, checkout)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main(checkouts: list[Path]) -> None:
    """Prints a column for each checkout."""
    for number, checkout in enumerate(checkouts):
        print(f"{number}: {output(['-c', 'import hwcost; print(hwcost.__file__)'], checkout).strip()}")
    for name, arguments in COMMANDS.items():
        rounds = [[cpu_seconds(arguments, checkout) for checkout in checkouts] for _ in range(RUNS)]
        print(f"{name:30s}" + "".join(f" {median(column):6.3f} s" for column in zip(*rounds, strict=True)))


if __name__ == "__main__":
    main([HERE, *map(Path, sys.argv[1:])])
