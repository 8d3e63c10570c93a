"""The contract of all stores: campaigns with the records of their visits, and the history of what they say."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from typing_extensions import Self

    from hwcost.stores.entries import Entry
    from hwcost.stores.environment import Environment
    from hwcost.stores.estimate_table import EstimateTable
    from hwcost.stores.runs import Run
    from hwcost.stores.schema import Campaign, Record
    from hwcost.stores.series import Estimate, Series

_Entry = TypeVar("_Entry", bound="Entry")


class Store(ABC):
    """Where campaigns, records and their history are kept.

    **What is kept.** A campaign has rounds and the records of their visits: everything that was seen. The history is what
    they say: a run is one execution of a suite, a series is what is measured again and again, an estimate is what a
    campaign says of a series, and entries are what was written down about a history.

    **Who calls.** The campaign's parent process adds the campaign and its rounds. While a round is under way it adds what
    the measuring process reports of every pass; once a group of workloads is done, their records take its place. Several
    processes may write to one store at once, and any number may read meanwhile. One store object belongs to one thread;
    every process opens its own.

    **What is promised.** When a method that changes the store returns, the change is durable against the death of the
    process at any later moment, and every process that reads sees it. A change is whole or absent, never half. Records,
    rounds and series never change. Numbers come back bit for bit.

    **Errors.** :class:`~hwcost.errors.StoreError` when the store cannot be opened, read or written;
    :class:`~hwcost.errors.DataError` when it holds something that is not a record;
    :class:`~hwcost.errors.UnknownNameError` for a campaign or a run that is not there. Adding what is already there is not
    an error: the method returns False.

    Attributes:
        url: Location of the store, as :func:`hwcost.stores.open_store` takes it, without a password.
        is_read_only: Whether it can be read but not written; every change is then a StoreError.
        remarks: Remarks for the reader about what was found, such as a line cut short by a crash.
    """

    url: str
    is_read_only: bool
    remarks: list[str]

    @abstractmethod
    def add_campaign(self, campaign: Campaign) -> bool:
        """Adds a campaign; returns False, and changes nothing, when its id is already there."""

    @abstractmethod
    def campaign(self, campaign_id: str) -> Campaign:
        """Returns a campaign with its present status.

        Raises:
            UnknownNameError: When it is not there; lists those that are.
        """

    @abstractmethod
    def campaigns(self, run_id: str | None = None) -> list[Campaign]:
        """Returns all campaigns, or those of a run, with their plans, the oldest first."""

    @abstractmethod
    def set_status(self, campaign_id: str, status: str) -> None:
        """Changes a campaign's status.

        Raises:
            UnknownNameError: When the campaign is not there.
        """

    @abstractmethod
    def add_round(self, campaign_id: str, number: int, order: Sequence[str]) -> list[str]:
        """Fixes the order of a round and returns it.

        When the round is already there, its stored order is returned and ``order`` is dropped: so a resumed campaign
        goes on in the order in which it began.

        Args:
            campaign_id: The campaign.
            number: Number of the round, from 0.
            order: Workload keys in the order of their visits.

        Raises:
            UnknownNameError: When the campaign is not there.
        """

    @abstractmethod
    def rounds(self, campaign_id: str) -> dict[int, list[str]]:
        """Returns the order of every round by its number, ascending; empty for an unknown campaign."""

    @abstractmethod
    def append(self, record: Record) -> bool:
        """Adds a record.

        Returns:
            False, and nothing is changed, when the store already holds a record with the same idempotency key.

        Raises:
            UnknownNameError: When the record's campaign is not there.
            StoreError: When another record has the same ``record_id``.
        """

    @abstractmethod
    def add_pass(self, campaign_id: str, number: int, event: dict[str, Any]) -> None:
        """Adds an event to the journal of a round.

        Args:
            campaign_id: The campaign.
            number: Number of the round, from 0.
            event: Plain JSON, see :mod:`hwcost.stores.journal`.

        Raises:
            UnknownNameError: When the campaign is not there.
        """

    @abstractmethod
    def passes(self, campaign_id: str) -> dict[int, list[dict[str, Any]]]:
        """Returns the journal of every round that has one, the rounds ascending and the events in their order.

        Events whose workloads all have a record are not among them.
        """

    @abstractmethod
    def close_group(self, records: Sequence[Record]) -> None:
        """Adds the records of a group of workloads of one round, and drops what the journal holds of them, in one change.

        Records that are already there are left as they are.

        Args:
            records: Records of one round of one campaign.

        Raises:
            UnknownNameError: When the campaign is not there.
            StoreError: When another record has the same ``record_id``.
        """

    @abstractmethod
    def records(
        self,
        campaign_id: str | None = None,
        *,
        role: str | None = None,
        status: str | None = None,
        workload_keys: str | Collection[str] | None = None,
    ) -> Iterator[Record]:
        """Yields records, by campaign from the oldest, within one by ``started_s``, round and position.

        Args:
            campaign_id: Only this campaign; all when None. Nothing is yielded for an unknown one.
            role: Only workloads with this role.
            status: Only records with this status.
            workload_keys: Only workloads with these keys, or with this one; of all when None.
        """

    @abstractmethod
    def count(self, campaign_id: str | None = None, *, role: str | None = None, status: str | None = None) -> int:
        """Returns how many records :meth:`records` would yield for them."""

    @abstractmethod
    def held(self, campaign_id: str) -> AbstractContextManager[None]:
        """Holds a campaign for this process while the context lasts, so that no second one runs it.

        It is released when the process ends or dies. Reading needs no hold.

        Raises:
            BusyError: On entering, when another process holds it; names that process.
            StoreError: On entering, when it cannot be held.
        """

    @abstractmethod
    def add_run(self, run: Run) -> bool:
        """Adds a run; returns False, and changes nothing, when its id is already there."""

    @abstractmethod
    def run(self, run_id: str) -> Run:
        """Returns a run with its present status.

        Raises:
            UnknownNameError: When it is not there; lists the latest ones.
        """

    @abstractmethod
    def runs(self, suite: str | None = None) -> list[Run]:
        """Returns the runs of a suite, or all of them, the oldest first."""

    @abstractmethod
    def end_run(self, run_id: str, status: str, ended_at: str | None = None) -> None:
        """Ends a run.

        Args:
            run_id: The run.
            status: Its new status, such as ``done``.
            ended_at: Instant at which it ended; None for now.

        Raises:
            UnknownNameError: When the run is not there.
        """

    @abstractmethod
    def add_estimates(self, series: Sequence[Series], estimates: Sequence[Estimate]) -> int:
        """Adds estimates and the series that they are of, in one change.

        An estimate takes the place of an earlier one of the same series and campaign; where it has no campaign, of the same
        series, run and instant. A series that is there stays as it is.

        Args:
            series: Series of the estimates, those that may be there already included.
            estimates: Estimates of them.

        Returns:
            Number of estimates that are new or have changed.

        Raises:
            DataError: When an estimate is of a series that is neither given nor there; nothing is added then.
        """

    @abstractmethod
    def series(self) -> dict[str, Series]:
        """Returns all series by their keys."""

    @abstractmethod
    def estimates(
        self,
        *,
        series_keys: str | Collection[str] | None = None,
        run_ids: str | Collection[str] | None = None,
        since: str | datetime | None = None,
        until: str | datetime | None = None,
    ) -> EstimateTable:
        """Returns estimates as columns, the oldest first.

        Args:
            series_keys: Only of these series, or of this one; of all when None.
            run_ids: Only of these runs, or of this one; of all, and of none, when None.
            since: Only those measured at this instant or later: ISO 8601 with a time zone, or a datetime, which is in UTC
                where it has no time zone.
            until: Only those measured before this instant.

        Raises:
            UsageError: When an instant is none, or keys are not texts.
        """

    @abstractmethod
    def add_entry(self, entry: Entry) -> bool:
        """Writes down something about a history; returns False, and changes nothing, when its id is already there."""

    @abstractmethod
    def entries(self, kind: type[_Entry], run_ids: str | Collection[str] | None = None) -> list[_Entry]:
        """Returns what was written down of one kind, the oldest first; only about one or some runs where they are given."""

    @abstractmethod
    def close(self) -> None:
        """Lets go of files and connections; closing twice is allowed."""

    def latest_campaign(self) -> Campaign | None:
        """Returns the latest campaign, or None when there is none."""
        campaigns = self.campaigns()
        return campaigns[-1] if campaigns else None

    def environment(self, campaign_id: str) -> Environment | None:
        """Returns the environment of a campaign's first record; None for one without records, or an unknown campaign."""
        first = next(self.records(campaign_id), None)
        return None if first is None else first.environment

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
