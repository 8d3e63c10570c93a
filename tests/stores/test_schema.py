"""What a record accepts, refuses and derives."""

from __future__ import annotations

import statistics
import uuid

import numpy as np
import pytest
from pydantic import ValidationError

from hwcost.stores.fields import MAX_TEXT, canonical_json
from hwcost.stores.ids import new_id, utc
from hwcost.stores.schema import Campaign, Conditions, Environment, Host, Record, Result, Tool, WorkloadInfo
from hwcost.testing.stores import make_record
from hwcost.timing.measurement import Flag, Visit

WORKLOAD = WorkloadInfo(workload_key="k", name="n", kind="test")


def test_ids_are_uuid_version_7_and_sort_by_time():
    ids = [new_id() for _ in range(2_000)]
    assert {uuid.UUID(text).version for text in ids} == {7}
    assert {uuid.UUID(text).variant for text in ids} == {uuid.RFC_4122}
    assert len(set(ids)) == len(ids)
    times = [uuid.UUID(text).int >> 80 for text in ids]
    assert times == sorted(times)


@pytest.mark.parametrize(
    "text", ["2025-01-31T12:00:00Z", "2025-01-31T14:00:00+02:00", "2025-01-31T12:00:00.000000+00:00"]
)
def test_instants_become_utc(text):
    assert utc(text) == "2025-01-31T12:00:00.000000+00:00"
    assert utc(utc(text)) == utc(text)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2025-01-31T12:00:00", "2025-13-01T00:00:00Z", "0001-01-01T00:00:00+10:00"]
)
def test_other_instants_are_refused_with_an_example(text):
    with pytest.raises(ValueError, match="expected an ISO 8601 instant with its time zone, such as"):
        utc(text)


def test_a_visit_becomes_a_record_and_comes_back():
    visit = Visit(
        workload_key="k", round=2, position=5, samples_s=(0.3, 0.1, 0.2, 0.4), calls_per_block=7, warmup_s=(1.0,),
        steady="flat", started_at="2025-01-31T12:00:00.000000+00:00", started_s=1.5, ended_s=2.5, prepare_s=0.1,
        first_run_s=0.2, cpu_s=0.9, conditions={"load_avg_1min": 0.5, "context_switches": 3}, facts={"threads": 1},
        flags=(Flag("W_X", "seen", "do"),), status="warn",
    )  # fmt: skip
    record = Record.from_visit(visit, campaign_id="c", run_id="r", workload=WORKLOAD, identity={"attempt": 2})
    assert record.visit() == visit
    assert record.conditions.load_avg_1min == 0.5
    assert record.conditions.extra == {"context_switches": 3}
    assert record.identity.idempotency_key == "c/2/k"
    assert record.identity.attempt == 2
    assert record.result.latency_s == visit.latency_s == statistics.median(visit.samples_s)


def test_a_visit_of_another_workload_is_refused():
    with pytest.raises(ValueError, match="not of k"):
        Record.from_visit(Visit("other", 0, 0), campaign_id="c", run_id="r", workload=WORKLOAD)


def test_a_skipped_record_has_no_visit():
    with pytest.raises(ValueError, match="was skipped"):
        make_record("c", status="skipped", samples_s=()).visit()


def test_latency_is_the_median_and_unknown_without_samples():
    assert Result(samples_s=(3.0, 1.0)).latency_s == 2.0
    assert Result().latency_s is None
    with pytest.raises(ValidationError, match="must be the median"):
        Result(samples_s=(3.0, 1.0), latency_s=1.0)
    with pytest.raises(ValidationError, match="must be the median"):
        Result(latency_s=1.0)


@pytest.mark.parametrize(
    "fields",
    [
        {"samples_s": (float("nan"),)},
        {"samples_s": (float("inf"),)},
        {"samples_s": (-1.0,)},
        {"samples_s": (1e300,)},
        {"started_s": float("nan")},
        {"extra": {"deep": [float("inf")]}},
        {"extra": {"object": object()}},
        {"extra": {"text": "\ud800"}},
        {"steady": "a\x00b"},
        {"steady": "x" * (MAX_TEXT + 1)},
        {"peak_memory_bytes": -1},
        {"peak_memory_bytes": 2**63},
        {"status": "fine"},
        {"no_such_field": 1},
    ],
)
def test_what_cannot_be_kept_is_refused(fields):
    with pytest.raises(ValidationError):
        Result(**fields)


def test_errors_of_other_programs_are_cut_and_cleaned():
    result = Result(status="failed", error_text="\x00\ud800" + "x" * 50_000)
    assert len(result.error_text) == MAX_TEXT
    assert result.error_text.startswith("?x")
    assert Result.model_validate_json(result.model_dump_json()) == result


def test_records_are_frozen_and_open_maps_are_copies():
    facts = {"a": [1]}
    result = Result(facts=facts)
    facts["a"].append(2)
    assert result.facts == {"a": [1]}
    with pytest.raises(ValidationError, match="frozen"):
        result.status = "void"


def test_numpy_numbers_and_tuples_become_plain():
    facts = {"load_avg_1min": np.float64(0.5), "switches": np.int64(3), "pair": (1, 2), "a": np.arange(2)}
    conditions = Conditions.of(facts)
    assert conditions.flat() == {"load_avg_1min": 0.5, "switches": 3, "pair": [1, 2], "a": [0, 1]}
    assert Conditions.of(conditions.flat()) == conditions


def test_equal_environments_have_equal_keys_and_others_do_not():
    one = Environment(tool=Tool(argv=("a",)), host=Host.of({"b": 1, "a": 2}))
    same = Environment(tool=Tool(argv=("a",)), host=Host.of({"a": 2, "b": 1}))
    assert one.key == same.key
    assert one.key != Environment(tool=Tool(argv=("b",)), host=one.host).key
    assert len(one.key) == 64


def test_the_format_version_is_checked():
    with pytest.raises(ValidationError, match="schema_version"):
        Campaign(schema_version=2)


def test_canonical_json_does_not_depend_on_order():
    assert canonical_json({"b": 1, "a": (0.1, None)}) == '{"a":[0.1,null],"b":1}'
    deep = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ValueError, match="expected plain JSON"):
        canonical_json(deep)
