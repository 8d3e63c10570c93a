"""What starting costs: user + system CPU seconds of ``import hwcost`` and ``hwcost --help``, least of ten runs each.

Run: ``python benchmarks/import_cost.py``
"""

from __future__ import annotations

import resource
import subprocess
import sys

RUNS = 10
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import hwcost": ["-c", "import hwcost"],
    "hwcost --help": ["-m", "hwcost", "--help"],
    "hwcost measure --help": ["-m", "hwcost", "measure", "--help"],
    "hwcost measure --device k80": ["-m", "hwcost", "measure", "--device", "k80"],
}


def cpu_seconds(arguments: list[str]) -> float:
    """Returns the CPU seconds of one run of Python with these arguments."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


if __name__ == "__main__":
    for name, arguments in COMMANDS.items():
        print(f"{name:30s} {min(cpu_seconds(arguments) for _ in range(RUNS)):6.3f} s")
