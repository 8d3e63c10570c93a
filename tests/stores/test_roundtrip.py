"""Whatever a record may hold goes from JSON Lines to SQLite and back without losing a bit."""

from __future__ import annotations

import math
import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from hwcost.stores import open_store
from hwcost.stores.copy import Counts, copy
from hwcost.stores.schema import (
    Campaign,
    Conditions,
    Device,
    Energy,
    Environment,
    Identity,
    Record,
    Result,
    Software,
    Trust,
    WorkloadInfo,
)

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
name = text.filter(bool)
seconds = st.floats(0, 1e12)
number = st.floats(allow_nan=False, allow_infinity=False)
count = st.integers(0, 2**63 - 1)
json = st.recursive(
    st.none() | st.booleans() | st.integers() | number | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
json_dict = st.dictionaries(text, json, max_size=3)


def maybe(strategy):
    return st.none() | strategy


results = st.builds(
    Result,
    status=st.sampled_from(["ok", "warn", "void", "failed", "skipped"]),
    samples_s=st.lists(seconds, max_size=5).map(tuple),
    warmup_s=st.lists(seconds, max_size=2).map(tuple),
    error_text=maybe(st.text(max_size=20)),
    calls_per_block=maybe(st.integers(1, 2**63 - 1)),
    started_s=maybe(number),
    ended_s=maybe(number),
    facts=json_dict,
    extra=json_dict,
)
workloads = st.builds(
    WorkloadInfo,
    workload_key=name,
    name=text,
    kind=text,
    spec=json_dict,
    role=text,
    arch=maybe(st.lists(json, max_size=3)),
    batch_size=maybe(count),
    flops=maybe(st.floats(0, 1e300)),
)
environments = st.builds(
    Environment,
    device=st.builds(Device, device_key=maybe(name), device_name=maybe(text), memory_bytes=maybe(count), extra=json_dict),
    software=st.builds(Software, framework=maybe(st.dictionaries(text, text, max_size=2))),
    extra=json_dict,
)
identities = st.builds(
    Identity, campaign_id=st.just("c"), run_id=name, round=count, position=count, idempotency_key=name
)
records = st.builds(
    Record,
    identity=identities,
    environment=environments,
    workload=workloads,
    conditions=st.builds(Conditions, sm_clock_hz=maybe(st.dictionaries(text, seconds, max_size=2)), extra=json_dict),
    result=results,
    energy=st.builds(Energy, energy_j=maybe(st.dictionaries(text, seconds, max_size=2))),
    trust=st.builds(Trust, origin=st.sampled_from(["measured", "imported", "submitted"])),
    extra=json_dict,
)


def bits(value):
    """Every float as its bytes, so that -0.0 and 0.0, and 1 and 1.0, differ."""
    if isinstance(value, float):
        assert math.isfinite(value)
        return struct.pack("<d", value)
    if isinstance(value, dict):
        return {key: bits(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [bits(item) for item in value]
    return (type(value), value)


@settings(deadline=None, max_examples=40)
@given(st.lists(records, min_size=1, max_size=3, unique_by=lambda record: record.identity.idempotency_key), json_dict)
def test_round_trip(tmp_path_factory, records, plan):
    folder = tmp_path_factory.mktemp("stores")
    campaign = Campaign(campaign_id="c", plan=plan)
    with (
        open_store(folder / "a.jsonl") as first,
        open_store(folder / "b.db") as middle,
        open_store(folder / "c.jsonl") as last,
    ):
        first.add_campaign(campaign)
        for record in records:
            assert first.append(record)
        done = Counts(campaigns=1, rounds=0, records=len(records))
        assert copy(first, middle) == copy(middle, last) == done
        assert copy(middle, last) == Counts(known_records=len(records))
        wanted = {record.identity.record_id: bits(record.model_dump()) for record in records}
        for store in (first, middle, last):
            assert {r.identity.record_id: bits(r.model_dump()) for r in store.records()} == wanted
            assert bits(store.campaign("c").model_dump()) == bits(campaign.model_dump())
        order = [record.identity.record_id for record in first.records()]
        assert [record.identity.record_id for record in middle.records()] == order
    assert (folder / "a.jsonl").read_text(encoding="ascii")
