"""Whatever a record may hold goes from JSON Lines to SQLite and back without losing a bit."""

from __future__ import annotations

import math
import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from hwcost.stores import open_store
from hwcost.stores.copy import Counts, copy
from hwcost.stores.environment import Environment
from hwcost.stores.schema import Campaign, Record, WorkloadInfo
from hwcost.timing.measurement import Flag, Visit

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


series = st.lists(seconds, max_size=5).map(tuple)
conditions = json_dict.map(lambda facts: {f"x{name}": value for name, value in facts.items()})
visits = st.builds(
    Visit,
    workload_key=name,
    round=count,
    position=count,
    samples_s=series,
    calls_per_block=st.integers(1, 2**63 - 1),
    warmup_s=series,
    started_s=number,
    ended_s=number,
    cpu_s=maybe(seconds),
    device_samples_s=maybe(series),
    conditions=st.builds(lambda facts, load: {**facts, "load_avg_1min": load}, conditions, seconds),
    facts=json_dict,
    flags=st.lists(st.builds(Flag, code=name, text=text), max_size=2).map(tuple),
    status=st.sampled_from(["ok", "warn", "void", "failed"]),
)
workloads = st.builds(
    WorkloadInfo,
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
    device=st.fixed_dictionaries({"device_key": name, "memory_bytes": count, "site": json}),
    software=st.fixed_dictionaries({"framework": st.dictionaries(text, text, max_size=2)}),
    extra=json_dict,
)
records = st.builds(
    lambda visit, key, origin, **parts: Record.from_visit(
        visit, campaign_id="c", run_id="r", key=key, **parts
    ).model_copy(update={"origin": origin}),
    visit=visits,
    key=name,
    origin=st.sampled_from(["measured", "imported"]),
    environment=environments,
    workload=workloads,
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
