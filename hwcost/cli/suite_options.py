"""The options of ``hwcost run``: what of a suite is measured, and which run it is."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hwcost.errors import UsageError

if TYPE_CHECKING:
    from hwcost.suites import RunOptions

WHAT = "What is measured"
NIGHT = "Which run it is"

Name = Annotated[str, typer.Argument(metavar="SUITE|FILE.toml", help="Suite, see: hwcost config show.")]
Devices = Annotated[
    list[str] | None,
    typer.Option(
        "--device", "-d", metavar="NAME|here|NAME@ssh://HOST", help="Device in place of the suite's; repeatable.",
        show_default="the suite's own", rich_help_panel=WHAT,
    ),
]  # fmt: skip
On = Annotated[
    str | None,
    typer.Option(
        "--on", metavar="ADDRESS", help="Machine that has the devices of --device: ssh://HOST, slurm://PARTITION, ray://HOST.",
        show_default="this one", rich_help_panel=WHAT,
    ),
]  # fmt: skip
Tier = Annotated[
    str | None,
    typer.Option(
        "--tier", help="Wanted half-width: quick 5 %, standard 1 %, strict 0.5 %.",
        show_default="the suite's own, or standard", rich_help_panel=WHAT,
    ),
]  # fmt: skip
Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only", metavar="GLOB", help="Pattern of the names of sets or workloads to measure; repeatable.",
        rich_help_panel=WHAT,
    ),
]
SkipExisting = Annotated[
    bool, typer.Option("--skip-existing", "-k", help="Leave out what was tried for this commit.", rich_help_panel=WHAT)
]
SkipSuccessful = Annotated[
    bool,
    typer.Option(
        "--skip-existing-successful", help="Leave out what was measured for this commit.", rich_help_panel=WHAT
    ),
]
SkipFailed = Annotated[
    bool, typer.Option("--skip-existing-failed", help="Leave out what failed for this commit.", rich_help_panel=WHAT)
]
Resume = Annotated[
    bool | None,
    typer.Option(
        "--resume/--new", help="Resume the latest unfinished run, or begin a new one.",
        show_default="resume one of this commit and these options from the last 24 hours", rich_help_panel=NIGHT,
    ),
]  # fmt: skip
Repository = Annotated[
    Path | None,
    typer.Option(
        "--repository", metavar="DIR", help="Git repository of the code under test.", show_default="the current folder",
        rich_help_panel=NIGHT,
    ),
]
Budget = Annotated[
    str | None,
    typer.Option("--budget", metavar="TIME", help="Time that all campaigns share, e.g. 8m.", show_default="the suite's own"),
]


@dataclass(frozen=True)
class Skipped:
    """What of a suite is left out, since the same commit has it already.

    Attributes:
        tried: Whether everything that was tried is left out.
        successful: Whether what was measured is left out.
        failed: Whether what failed is left out.
    """

    tried: bool
    successful: bool
    failed: bool

    @property
    def statuses(self) -> tuple[str, ...]:
        """Statuses of the estimates whose workloads are left out."""
        measured = ("ok", "unconfirmed") if self.tried or self.successful else ()
        return measured + (("invalid", "failed") if self.tried or self.failed else ())


def placed(devices: list[str] | None, on: str | None) -> list[str] | None:
    """Returns devices with the machine that has them.

    Args:
        devices: Devices as ``--device`` takes them.
        on: Address of the machine that has all of them; None where each says it itself.

    Raises:
        UsageError: When no device is given, or one has an address of its own.
    """
    if on is None:
        return devices
    if not devices:
        raise UsageError(f"--on {on} says where a device is, and no device is given. Name it: --device NAME --on {on}")
    for name in devices:
        if "@" in name or name == "here":
            raise UsageError(f"--device {name} says itself where it is, and --on {on} was given. Leave one of them out")
    return [f"{name}@{on}" for name in devices]


def run_options(
    tier: str | None,
    devices: list[str] | None,
    only: list[str] | None,
    skipped: Skipped,
    resume: bool | None,
    repository: Path | None,
    times: tuple[float | None, float],
) -> RunOptions:
    """Makes the options of a run of what was typed.

    Args:
        tier: Precision; None for the suite's own.
        devices: Devices in place of the suite's.
        only: Patterns of the names of sets or workloads.
        skipped: Cases that are left out.
        resume: Whether an unfinished run is resumed; None for one of the same commit.
        repository: Git repository of the code under test; None for that of the current folder.
        times: Seconds that all campaigns share, None for the suite's own, and of the wait for CPUs.

    Raises:
        UsageError: When there is no such tier or device, or the repository is none.
    """
    from hwcost.devices import elsewhere
    from hwcost.suites import RunOptions, code_under_test
    from hwcost.timing.protocol import protocol

    if tier is not None:
        protocol(tier)
    for name in (one.partition("@")[0] for one in devices or ()):
        if name != "here" and not name.endswith(".toml"):  # a file may be gone for a night, which is a failure to keep
            elsewhere(name)
    code = code_under_test(repository)
    if repository is not None and code is None:
        raise UsageError(f"--repository '{repository}' is not a folder of a git repository with a commit. Give one that is")
    budget_s, wait_s = times
    return RunOptions(
        tier=tier, devices=tuple(devices or ()), only=tuple(only or ()), budget_s=budget_s, wait_s=wait_s,
        skip=skipped.statuses, resume=resume, code=code, argv=_argv(),
    )  # fmt: skip


def _argv() -> tuple[str, ...]:
    """Returns the command line without passwords of URLs, since it is kept with the run."""
    return ("hwcost", *(re.sub(r"(://[^/@:\s]*):[^/@\s]*@", r"\1@", text) for text in sys.argv[1:]))
