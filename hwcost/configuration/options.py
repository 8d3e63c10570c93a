"""The options that can be configured: one table for files, variables, the JSON Schema and the documentation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

PREFIX = "HWCOST_"
"""Beginning of the names of environment variables."""

MEASURING = ("measure", "plan", "components", "run")
"""Commands that measure, or plan to."""


@dataclass(frozen=True, slots=True)
class Option:
    """An option of the command line that can be configured.

    Attributes:
        name: Key in a file, and name of the command line's option with underscores for its hyphens.
        type: Type of its values.
        help: Meaning of the option.
        default: Value without any configuration, as it is shown.
        commands: Commands that it configures; empty for all that have the option.
    """

    name: str
    type: Any
    help: str
    default: str
    commands: tuple[str, ...] = MEASURING

    @property
    def variable(self) -> str:
        """Name of the environment variable, for example ``HWCOST_TIER``."""
        return PREFIX + self.name.upper()

    @property
    def flag(self) -> str:
        """Option of the command line, for example ``--batch-size``."""
        return "--" + self.name.replace("_", "-")

    def configures(self, command: str) -> bool:
        """Says whether it is an option of a command that may be configured."""
        return not self.commands or command in self.commands


TIERS = Literal["quick", "standard", "strict"]

OPTIONS = {
    one.name: one
    for one in (
        Option("device", str, "Device that is measured on.", "cpu"),
        Option("backend", str, "Runtime that executes the workloads.", "torch"),
        Option("threads", int, "Threads inside an operator.", "1"),
        Option("tier", TIERS, "Wanted half-width: quick 5 %, standard 1 %, strict 0.5 %.", "standard"),
        Option("batch_size", int, "Sequences per call.", "the device's own"),
        Option("seq_len", int, "Tokens per sequence.", "the device's own"),
        Option("dtype", str, "Number format.", "the device's own"),
        Option("budget", str, "Time that the rounds share, e.g. 8m.", "as long as it takes"),
        Option("wait", str, "Longest wait for CPUs that other campaigns hold.", "10m"),
        Option("pin", bool, "Bind the measuring process to CPUs.", "true"),
        Option(
            "store", str, "Store: a file such as runs/cpu.db, or a database URL.", "hwcost.db in the user's data folder", ()
        ),
    )
}
"""All options by name."""
