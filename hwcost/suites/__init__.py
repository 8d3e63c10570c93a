"""Suites: what is measured every night, declared once, and the runs that measure it."""

from hwcost.suites.beginning import RunOptions
from hwcost.suites.code import code_under_test
from hwcost.suites.expansion import Part, expand
from hwcost.suites.loading import load_suite, suites
from hwcost.suites.observer import Observer
from hwcost.suites.outcome import Outcome, RunResult
from hwcost.suites.run import run_suite
from hwcost.suites.suite import Suite

__all__ = [
    "Observer", "Outcome", "Part", "RunOptions", "RunResult", "Suite", "code_under_test", "expand", "load_suite",
    "run_suite", "suites",
]  # fmt: skip
