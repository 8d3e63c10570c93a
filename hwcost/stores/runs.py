"""A run: one execution of a suite, such as a night, and the code that it measured."""

from __future__ import annotations

from pydantic import Field

from hwcost.stores.fields import Count, Group, Instant, JsonList, Key, Origin, Text
from hwcost.stores.ids import new_id, utc_now

UNMADE = "unmade"
"""Name, in the ``extra`` of a run, of the sets of its suite that could not be made and have no history that holds it: tables
with the texts ``set``, ``device``, ``backend`` and ``reason``."""

POLICY = "policy"
"""Name, in the ``extra`` of a run, of the rules of its suite's policy: tables as suites declare them."""


class Code(Group):
    """The code under test.

    Attributes:
        repository: Address or name of its repository.
        commit: Full name of the commit.
        branch: Name of the branch.
        pr_number: Number of the pull request.
        is_dirty: Whether the working tree differed from the commit.
        commit_time: Instant of the commit.
    """

    repository: Text | None = None
    commit: Key | None = None
    branch: Text | None = None
    pr_number: Count | None = None
    is_dirty: bool | None = None
    commit_time: Instant | None = None


class Run(Group):
    """One execution of a suite: several campaigns, one per device, backend and set of shapes.

    Attributes:
        run_id: UUIDv7, so that ids sort by time.
        suite: Name of the suite.
        started_at: Instant at which it began.
        ended_at: Instant at which it ended; None while it is under way.
        status: A word: ``running``, ``done``, ``interrupted`` or ``failed``.
        code: The code under test; None where there was none, or nobody knows.
        argv: Command line that ran it.
        config_sha256: SHA-256 of the suite's declaration.
        hwcost_version: Version of the tool.
        origin: Whether hwcost measured it, or its results came from another tool.
    """

    run_id: Key = Field(default_factory=new_id)
    suite: Text
    started_at: Instant = Field(default_factory=utc_now)
    ended_at: Instant | None = None
    status: Key = "running"
    code: Code | None = None
    argv: JsonList = Field(default_factory=list)
    config_sha256: Text | None = None
    hwcost_version: Text | None = None
    origin: Origin = "measured"

    def ended(self, status: str, ended_at: str | None = None) -> Run:
        """Returns the run with its end.

        Args:
            status: Its new status.
            ended_at: Instant at which it ended; None for now.
        """
        return Run.model_validate({**dict(self), "status": status, "ended_at": ended_at or utc_now()})
