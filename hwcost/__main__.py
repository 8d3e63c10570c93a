"""``python -m hwcost`` is the command line."""

from hwcost.cli.main import run

run()
