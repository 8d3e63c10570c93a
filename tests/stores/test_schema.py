"""What a record accepts, refuses and derives."""

from __future__ import annotations

import uuid
from dataclasses import fields

import numpy as np
import pytest
from pydantic import ValidationError

from hwcost.facts.values import MAX_TEXT
from hwcost.stores.environment import Environment
from hwcost.stores.fields import canonical_json
from hwcost.stores.ids import new_id, utc
from hwcost.stores.schema import Campaign, Record, WorkloadInfo
from hwcost.stores.visits import known
from hwcost.testing.store_contents import make_record
from hwcost.timing.measurement import Flag, Visit

WORKLOAD = WorkloadInfo(name="n", kind="test")


def recorded(**fields):
    return Record.from_visit(Visit("k", 0, 0, **fields), campaign_id="c", run_id="r", workload=WORKLOAD)


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
        first_run_s=0.2, cpu_s=0.9, device_samples_s=(0.2, 0.1, 0.1, 0.3), facts={"threads": 1},
        conditions={"load_avg_1min": 0.5, "context_switches": 3, "clock_ratio": None},
        flags=(Flag("W_X", "seen", "do"),), status="warn",
    )  # fmt: skip
    record = Record.from_visit(visit, campaign_id="c", run_id="r", workload=WORKLOAD, attempt=2)
    assert record.visit == visit
    assert Record.model_validate_json(record.model_dump_json(exclude_none=True), strict=True) == record
    assert record.identity.idempotency_key == "c/2/k"
    assert record.identity.attempt == 2


def test_every_field_of_a_visit_comes_back_from_a_record():
    """A field that is added to a visit needs no further line anywhere, as long as its type has bounds."""
    assert set(known(make_record("c").visit)) <= {field.name for field in fields(Visit)}
    assert set(recorded().model_dump()["visit"]) | {"prepare_s", "first_run_s", "cpu_s", "device_samples_s"} == {
        field.name for field in fields(Visit)
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"samples_s": (float("nan"),)},
        {"samples_s": (float("inf"),)},
        {"device_samples_s": (-1.0,)},
        {"samples_s": (1e300,)},
        {"started_s": float("nan")},
        {"started_at": "yesterday"},
        {"facts": {"deep": [float("inf")]}},
        {"facts": {"object": object()}},
        {"facts": {"text": "\ud800"}},
        {"conditions": {"cpu_steal_fraction": 1.5}},
        {"conditions": {"involuntary_switches": "many"}},
        {"steady": "a\x00b"},
        {"steady": "x" * (MAX_TEXT + 1)},
        {"calls_per_block": 0},
        {"calls_per_block": 2**63},
        {"status": "fine"},
    ],
)
def test_what_cannot_be_kept_is_refused(fields):
    with pytest.raises(ValidationError):
        recorded(**fields)


def test_fields_that_a_record_does_not_have_are_refused():
    document = recorded().model_dump()
    with pytest.raises(ValidationError, match=r"visit\.speed"):
        Record.model_validate({**document, "visit": {**document["visit"], "speed": 1}})
    with pytest.raises(ValidationError, match="energy"):
        Record.model_validate({**document, "energy": {}})


def test_errors_of_other_programs_are_cut_and_cleaned():
    record = recorded(status="failed", flags=(Flag("E_FAILED", "\x00\ud800" + "x" * 50_000),))
    assert len(record.visit.flags[0].text) == MAX_TEXT
    assert record.visit.flags[0].text.startswith("?x")
    assert Record.model_validate_json(record.model_dump_json()) == record


def test_records_are_frozen_and_open_maps_are_copies():
    facts = {"a": [1]}
    record = recorded(facts=facts)
    facts["a"].append(2)
    assert record.visit.facts == {"a": [1]}
    with pytest.raises(ValidationError, match="frozen"):
        record.origin = "imported"


def test_numpy_numbers_and_tuples_become_plain():
    facts = {"load_avg_1min": np.float64(0.5), "switches": np.int64(3), "pair": (1, 2), "a": np.arange(2)}
    plain = {"load_avg_1min": 0.5, "switches": 3, "pair": [1, 2], "a": [0, 1]}
    assert recorded(conditions=facts).visit.conditions == plain
    assert Environment(host={"site": (1, 2)}).host == {"site": [1, 2]}


def test_unknown_facts_are_absent_and_wrong_ones_refused():
    assert Environment(host={"cpu_model": None, "site": "lab"}).host == {"site": "lab"}
    for wrong in ({"memory_bytes": 1.5}, {"cpu_model": 3}, {"numa_nodes": True}, [1]):
        with pytest.raises(ValidationError, match="must be a|expected facts by name"):
            Environment(host=wrong)


def test_equal_environments_have_equal_keys_and_others_do_not():
    one = Environment(tool={"seed": 1}, host={"b": 1, "a": 2})
    same = Environment(tool={"seed": 1}, host={"a": 2, "b": 1, "c": None})
    assert one.key == same.key
    assert one.key != Environment(tool={"seed": 2}, host=one.host).key
    assert len(one.key) == 64


def test_the_format_version_is_checked():
    with pytest.raises(ValidationError, match="schema_version"):
        Campaign(schema_version=5)


def test_canonical_json_does_not_depend_on_order():
    assert canonical_json({"b": 1, "a": (0.1, None)}) == '{"a":[0.1,null],"b":1}'
    deep = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ValueError, match="expected plain JSON"):
        canonical_json(deep)
