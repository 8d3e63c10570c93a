"""The conformance suite of stores: what every store promises, as tests.

::

    class TestMyStore(StoreSuite):
        def open(self, folder):
            return MyStore(folder / "store")
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from hwcost.errors import BusyError, DataError, StoreError, UnknownNameError, UsageError
from hwcost.stores.base import Store
from hwcost.stores.entries import Acceptance, CampaignAudit, Confirmation, ModelCheck
from hwcost.stores.runs import Code, Run
from hwcost.stores.schema import Campaign
from hwcost.testing.store_contents import AWKWARD_S, make_estimate, make_record, make_series


class StoreSuite(ABC):
    """Subclass it as ``Test...`` and implement :meth:`open`."""

    @abstractmethod
    def open(self, folder: Path) -> Store:
        """Opens the one store that belongs to a folder; makes it the first time."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        """An empty store."""
        with self.open(tmp_path) as store:
            yield store

    def test_a_new_store_is_empty(self, store: Store) -> None:  # noqa: D102
        assert store.campaigns() == []
        assert store.latest_campaign() is None
        assert list(store.records()) == []
        assert store.count() == 0
        assert store.remarks == []
        assert not store.is_read_only

    def test_campaigns_come_back_equal_and_in_order(self, store: Store) -> None:  # noqa: D102
        old = Campaign(created_at="2025-01-01T00:00:00Z", plan={"items": [1, None, 0.1], "name": "Zürich 😀"})
        new = Campaign(created_at="2025-01-02T01:00:00+02:00", status="planned", hwcost_version="1.2.3")
        assert store.add_campaign(new)
        assert store.add_campaign(old)
        assert store.campaigns() == [old, new]
        assert store.campaign(old.campaign_id) == old
        assert store.latest_campaign() == new

    def test_adding_a_campaign_twice_changes_nothing(self, store: Store) -> None:  # noqa: D102
        campaign = Campaign(plan={"a": 1})
        assert store.add_campaign(campaign)
        assert not store.add_campaign(campaign.model_copy(update={"plan": {"a": 2}}))
        assert store.campaigns() == [campaign]

    def test_a_held_campaign_is_busy_until_it_is_let_go(self, store: Store, tmp_path: Path) -> None:  # noqa: D102
        for name in ("c", "other / ü"):
            store.add_campaign(Campaign(campaign_id=name))
        with self.open(tmp_path) as other:
            with store.held("c"):
                with pytest.raises(BusyError, match=f"campaign c in .*is being run by .*process {os.getpid()}.*--resume"):
                    other.held("c").__enter__()
                with other.held("other / ü"):
                    assert len(other.campaigns()) == 2
                store.set_status("c", "done")
            with other.held("c"), pytest.raises(BusyError):
                store.held("c").__enter__()
        with pytest.raises(ZeroDivisionError), store.held("c"):
            raise ZeroDivisionError
        with store.held("c"):
            pass

    def test_status_changes(self, store: Store) -> None:  # noqa: D102
        campaign = Campaign(plan={"a": 1})
        store.add_campaign(campaign)
        store.set_status(campaign.campaign_id, "done")
        assert store.campaign(campaign.campaign_id) == campaign.model_copy(update={"status": "done"})

    def test_an_unknown_campaign_is_named_with_the_known_ones(self, store: Store) -> None:  # noqa: D102
        store.add_campaign(Campaign(campaign_id="here"))
        for attempt in (
            lambda: store.campaign("gone"),
            lambda: store.set_status("gone", "done"),
            lambda: store.add_round("gone", 0, []),
            lambda: store.append(make_record("gone")),
            lambda: store.add_pass("gone", 0, {"event": "pass"}),
            lambda: store.close_group([make_record("gone")]),
        ):
            with pytest.raises(UnknownNameError, match=r"campaign 'gone'.*Known: here"):
                attempt()
        assert store.rounds("gone") == {}
        assert list(store.records("gone")) == []
        assert store.count() == 0

    def test_the_first_order_of_a_round_stays(self, store: Store) -> None:  # noqa: D102
        store.add_campaign(Campaign(campaign_id="c"))
        assert store.add_round("c", 1, ["b", "a"]) == ["b", "a"]
        assert store.add_round("c", 1, ["a", "b"]) == ["b", "a"]
        assert store.add_round("c", 0, []) == []
        assert list(store.rounds("c").items()) == [(0, []), (1, ["b", "a"])]

    def test_records_come_back_equal_to_the_last_bit(self, store: Store) -> None:  # noqa: D102
        store.add_campaign(Campaign(campaign_id="c"))
        record = make_record("c", device_samples_s=AWKWARD_S[::-1], conditions={"left_out_s": {"disturbed": [0.1]}})
        assert store.append(record)
        (back,) = store.records()
        assert back == record
        assert [s.hex() for s in back.visit.samples_s] == [s.hex() for s in AWKWARD_S]
        assert back.environment.key == record.environment.key

    def test_the_same_visit_is_kept_once(self, store: Store) -> None:  # noqa: D102
        store.add_campaign(Campaign(campaign_id="c"))
        first, again = make_record("c"), make_record("c", samples_s=(9.0,))
        assert store.append(first)
        assert not store.append(first)
        assert not store.append(again)
        assert list(store.records()) == [first]

    def test_an_id_is_used_once(self, store: Store) -> None:  # noqa: D102
        store.add_campaign(Campaign(campaign_id="c"))
        first, other = make_record("c"), make_record("c", position=1)
        store.append(first)
        identity = other.identity.model_copy(update={"record_id": first.identity.record_id})
        with pytest.raises(StoreError, match="an id of its own"):
            store.append(other.model_copy(update={"identity": identity}))
        assert list(store.records()) == [first]

    def test_records_are_ordered_and_chosen(self, store: Store) -> None:  # noqa: D102
        store.add_campaign(Campaign(campaign_id="b", created_at="2025-01-01T00:00:00Z"))
        store.add_campaign(Campaign(campaign_id="a", created_at="2025-01-02T00:00:00Z"))
        late = make_record("b", 0, 0, started_s=9.0)
        early = make_record("b", 1, 1, started_s=0.5, role="test")
        failed = make_record("b", 0, 2, started_s=0.0, samples_s=(), status="failed")
        other = make_record("a", 0, 0, status="void")
        for record in (other, failed, late, early):
            store.append(record)
        assert list(store.records()) == [failed, early, late, other]
        assert list(store.records("b")) == [failed, early, late]
        assert list(store.records(role="test")) == [early]
        assert list(store.records("b", status="ok")) == [early, late]
        assert list(store.records(workload_keys={"workload-0", "workload-9"})) == [late, other]
        assert list(store.records(workload_keys="workload-9")) == list(store.records(workload_keys=["workload-9"]))
        assert list(store.records("b", workload_keys=[])) == []
        assert store.count() == 4
        assert store.count("b") == 3
        assert store.count("a", role="fit", status="void") == 1

    def test_the_environment_of_a_campaign_is_that_of_its_first_record(self, store: Store) -> None:  # noqa: D102
        for name in ("c", "other"):
            store.add_campaign(Campaign(campaign_id=name))
        for record in (make_record("c", round=1), make_record("c", round=0), make_record("other", round=2)):
            store.append(record)
        assert store.environment("c") == next(store.records("c")).environment
        assert store.environment("c").host["boot_id"] == "boot-0"  # type: ignore[union-attr]
        assert store.environment("gone") is None

    def test_passes_come_back_until_their_workloads_have_records(self, store: Store) -> None:  # noqa: D102
        store.add_campaign(Campaign(campaign_id="c"))
        process: dict[str, Any] = {"event": "process", "run_id": "r"}
        prepared: list[dict[str, Any]] = [
            {"event": "prepared", "workload_key": f"workload-{i}", "prepare_s": AWKWARD_S[i]} for i in range(3)
        ]
        blocks = [{"workload_key": f"workload-{i}", "seconds": AWKWARD_S[i]} for i in range(3)]
        passed: list[dict[str, Any]] = [{"event": "pass", "pass": number, "blocks": blocks[:2]} for number in range(12)]
        later: dict[str, Any] = {"event": "pass", "pass": 0, "blocks": blocks[2:]}
        for event in (process, *prepared[:2], *passed, prepared[2], later):
            store.add_pass("c", 1, event)
        store.add_pass("c", 0, prepared[0])
        assert list(store.passes("c").items()) == [
            (0, [prepared[0]]),
            (1, [process, *prepared[:2], *passed, prepared[2], later]),
        ]
        store.close_group([make_record("c", 1, 0)])
        assert store.passes("c")[1] == [process, prepared[1], *passed, prepared[2], later]
        store.append(make_record("c", 1, 1))
        assert store.passes("c")[1] == [process, prepared[2], later]
        store.close_group([make_record("c", 1, 2)])
        assert store.passes("c") == {0: [prepared[0]]}
        assert store.passes("gone") == {}

    def test_a_group_is_closed_whole_or_not_at_all(self, store: Store) -> None:  # noqa: D102
        store.add_campaign(Campaign(campaign_id="c"))
        first, other = make_record("c"), make_record("c", position=1)
        store.add_pass("c", 0, {"event": "prepared", "workload_key": "workload-1"})
        store.append(first)
        taken = other.identity.model_copy(update={"record_id": first.identity.record_id})
        with pytest.raises(StoreError, match="an id of its own"):
            store.close_group([make_record("c", position=2), other.model_copy(update={"identity": taken})])
        assert list(store.records()) == [first]
        assert len(store.passes("c")[0]) == 1
        store.close_group([first, other])
        store.close_group([])
        assert list(store.records()) == [first, other]
        assert store.passes("c") == {}

    def test_writing_while_reading(self, store: Store) -> None:  # noqa: D102
        store.add_campaign(Campaign(campaign_id="c"))
        for position in range(3):
            store.append(make_record("c", 0, position))
        for record in store.records():
            store.append(make_record("c", 1, record.visit.position))
        assert store.count() == 6

    def test_everything_survives_closing(self, tmp_path: Path) -> None:  # noqa: D102
        with self.open(tmp_path) as store:
            store.add_campaign(Campaign(campaign_id="c", created_at="2025-01-01T00:00:00Z"))
            store.add_round("c", 0, ["workload-0"])
            store.append(make_record("c"))
            store.add_pass("c", 1, {"event": "prepared", "workload_key": "workload-0"})
            store.set_status("c", "done")
            before = (store.campaigns(), store.rounds("c"), list(store.records()), store.passes("c"))
        store.close()
        with self.open(tmp_path) as store:
            assert (store.campaigns(), store.rounds("c"), list(store.records()), store.passes("c")) == before
            assert not store.append(before[2][0])

    def test_two_openings_see_each_other(self, tmp_path: Path) -> None:  # noqa: D102
        with self.open(tmp_path) as one, self.open(tmp_path) as other:
            one.add_campaign(Campaign(campaign_id="c"))
            assert other.append(make_record("c"))
            assert not one.append(make_record("c"))
            one.set_status("c", "done")
            assert other.campaign("c").status == "done"
            assert one.count() == other.count() == 1

    def test_runs_come_back_equal_and_in_order(self, store: Store) -> None:  # noqa: D102
        code = Code(
            repository="r", commit="c0ffee", branch="main", pr_number=7, is_dirty=True, commit_time="2025-01-01T00:00:00Z"
        )
        new = Run(suite="nightly", started_at="2025-01-02T00:00:00Z", code=code, argv=["hwcost", "run"], extra={"a": None})
        old, other = Run(suite="nightly", started_at="2025-01-01T00:00:00Z"), Run(suite="weekly", origin="imported")
        assert [store.add_run(run) for run in (new, old, other)] == [True] * 3
        assert not store.add_run(new.model_copy(update={"suite": "x"}))
        assert (store.runs(), store.runs("nightly"), store.runs("gone")) == ([old, new, other], [old, new], [])
        store.end_run(new.run_id, "done", "2025-01-02T02:00:00+01:00")
        ended = {"status": "done", "ended_at": "2025-01-02T01:00:00.000000+00:00"}
        assert store.run(new.run_id) == new.model_copy(update=ended)
        store.end_run(old.run_id, "failed")
        assert (store.run(old.run_id).ended_at or "") > old.started_at
        for attempt in (lambda: store.run("gone"), lambda: store.end_run("gone", "done")):
            with pytest.raises(UnknownNameError, match="unknown run 'gone'"):
                attempt()

    def test_a_campaign_may_belong_to_a_run(self, store: Store) -> None:  # noqa: D102
        store.add_campaign(Campaign(campaign_id="c", run_id="night"))
        store.add_campaign(Campaign(campaign_id="d"))
        assert (store.campaign("c").run_id, store.campaign("d").run_id) == ("night", None)
        assert store.campaigns("night") == [store.campaign("c")]
        assert (len(store.campaigns()), store.campaigns("gone")) == (2, [])

    def test_estimates_come_back_equal_to_the_last_bit(self, store: Store) -> None:  # noqa: D102
        one, other = (
            make_series(0, arch=[1, None], backend_options={"a": None}),
            make_series(1, quantity="energy_j", unit="J"),
        )
        known = [make_estimate(one, night, value=value, n_rounds=4) for night, value in enumerate(AWKWARD_S)]
        odd = [
            make_estimate(
                other, 9, value=None, half_width=None, status="failed", reason="Zürich 😀", flags=("E_FAILED", "W_X")
            ),
            make_estimate(one, 9, run_id=None, half_width=None, level_half_width=1 / 3, status="unconfirmed"),
            make_estimate(one, 9, campaign_id=None, measured_at="2025-01-09T00:00:00.123457Z"),
            make_estimate(one, 9, campaign_id=None, run_id=None, measured_at="1999-12-31T23:59:59.999999-01:00"),
        ]
        assert store.add_estimates([one, other], [*odd, *known]) == len(known) + len(odd)
        assert store.series() == {one.series_key: one, other.series_key: other}
        table = store.estimates()
        order = sorted([*known, *odd], key=lambda estimate: (estimate.measured_at, estimate.series_key))
        assert list(table.estimates()) == order
        assert [v.hex() for v in table.value.tolist()] == [
            (e.value if e.value is not None else float("nan")).hex() for e in order
        ]
        assert (table.series_key, table.campaign_id[-1]) == (sorted(store.series()), "campaign-9")
        assert store.add_estimates([one, other], [*odd, *known]) == 0

    def test_a_later_estimate_of_a_campaign_takes_the_place_of_the_first(self, store: Store) -> None:  # noqa: D102
        series = make_series()
        first, later, other = make_estimate(series), make_estimate(series, value=0.2), make_estimate(series, 1)
        store.add_estimates([series], [first, other])
        assert store.add_estimates([series.model_copy(update={"name": "renamed"})], [later, other]) == 1
        assert list(store.estimates().estimates()) == [later, other]
        assert store.series() == {series.series_key: series}

    def test_estimates_are_chosen(self, store: Store) -> None:  # noqa: D102
        series = [make_series(n) for n in range(3)]
        known = [make_estimate(one, night) for night in range(4) for one in sorted(series, key=lambda one: one.series_key)]
        store.add_estimates(series, known)
        key = series[1].series_key
        assert list(store.estimates(series_keys=[key, "gone"]).estimates()) == [e for e in known if e.series_key == key]
        assert list(store.estimates(run_ids={"run-1", "run-3"}).estimates()) == [*known[3:6], *known[9:]]
        since, until = known[3].measured_at, "2025-01-03T04:00:00+01:00"
        assert list(store.estimates(since=since, until=until).estimates()) == known[3:6]
        assert list(store.estimates(series_keys=key).estimates()) == [e for e in known if e.series_key == key]
        assert list(store.estimates(run_ids="run-1").estimates()) == known[3:6]
        at = datetime.fromisoformat(since)
        for begin in (at, at.astimezone(timezone(timedelta(hours=5))), at.replace(tzinfo=None)):  # the last is in UTC
            assert list(store.estimates(since=begin, until=begin + timedelta(days=1)).estimates()) == known[3:6]
        assert list(store.estimates(series_keys=[key], run_ids=["run-2"], since=since).estimates()) == [
            known[3 * 2 + known[6:9].index(make_estimate(series[1], 2))]
        ]
        for nothing in (
            store.estimates(series_keys=[]),
            store.estimates(run_ids=["gone"]),
            store.estimates(until="1970-01-01T00:00:00Z"),
        ):
            assert (len(nothing), nothing.series_key, list(nothing.estimates())) == (0, [], [])
        with pytest.raises(UsageError, match="a span of time: expected an ISO 8601 instant"):
            store.estimates(since="yesterday")
        with pytest.raises(UsageError, match="since= is an instant: a text in ISO 8601, or a datetime, or None; got 3"):
            store.estimates(since=3)  # type: ignore[arg-type]
        with pytest.raises(UsageError, match="run_ids= is a text, or a list or set of texts, or None; got 3"):
            store.estimates(run_ids=3)  # type: ignore[arg-type]

    def test_estimates_of_an_unknown_series_are_refused_whole(self, store: Store) -> None:  # noqa: D102
        here, gone = make_series(0), make_series(1)
        with pytest.raises(DataError, match=f"1 series of the estimates are not in the store .*{gone.series_key}"):
            store.add_estimates([here], [make_estimate(here), make_estimate(gone)])
        assert (store.series(), len(store.estimates())) == ({}, 0)
        assert store.add_estimates([here], []) == 0
        assert store.add_estimates([], [make_estimate(here)]) == 1
        assert store.add_estimates([], []) == 0

    def test_entries_come_back_equal_and_in_order(self, store: Store) -> None:  # noqa: D102
        accepted = Acceptance(run_id="r", author="Ö", reason="new kernel", created_at="2025-01-02T00:00:00Z")
        before = Acceptance(run_id="q", author="a", reason="", workload="bert*", created_at="2025-01-01T00:00:00Z")
        confirmed = Confirmation(
            series_key="s",
            run_id="r",
            before_run_id="q",
            outcome="confirmed",
            log_ratio=-1 / 3,
            half_width=0.1,
            how="worktree",
        )
        check = ModelCheck(
            run_id="r", model="m", device="cpu", quantity="latency_s", n=1, holds=True, reason="it holds", mape=1 / 3,
            points=[["s", 0.1, None, 1e-300, 5e-324]], importance={"l1": 0.5, "l2": None},
        )  # fmt: skip
        audit = CampaignAudit(
            run_id="q", campaign_id="c", verdict="mild", flags=[["W_DRIFT", "a", "b"]], level_range=1 / 3, von_neumann=0.9,
            rows=(0, 2), residuals=(5e-324, -0.1), level=(0.0, 1 / 3), segments=[[0, 2, 1.01]],
        )  # fmt: skip
        given = (accepted, before, confirmed, check, audit, check)
        assert [store.add_entry(entry) for entry in given] == [True] * 5 + [False]
        assert store.entries(Acceptance) == [before, accepted]
        assert (store.entries(Confirmation), store.entries(ModelCheck)) == ([confirmed], [check])
        assert store.entries(CampaignAudit, {"q", "z"}) == [audit]
        assert store.entries(Acceptance, ["q"]) == [before]
        assert store.entries(Acceptance, []) == []

    def test_a_history_survives_closing(self, tmp_path: Path) -> None:  # noqa: D102
        series, run = make_series(), Run(run_id="r", suite="s")
        with self.open(tmp_path) as store:
            store.add_run(run)
            store.add_estimates([series], [make_estimate(series), make_estimate(series, 1)])
            store.add_estimates([], [make_estimate(series, value=0.5)])
            store.end_run("r", "done", run.started_at)
            store.add_entry(Acceptance(run_id="r", author="a", reason="b", entry_id="e"))
        with self.open(tmp_path) as store:
            assert (store.run("r").status, store.run("r").ended_at) == ("done", run.started_at)
            assert [one.value for one in store.estimates().estimates()] == [0.5, 0.1]
            assert [entry.entry_id for entry in store.entries(Acceptance)] == ["e"]
