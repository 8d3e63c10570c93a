"""Whatever a record may hold goes from any kind of store to any other, and back, without losing a bit."""

from __future__ import annotations

import math
import struct
from dataclasses import asdict

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hwcost.stores import open_store
from hwcost.stores.copy import Counts, copy
from hwcost.stores.environment import Environment
from hwcost.stores.ids import new_id
from hwcost.stores.parquet import read_parquet, write_parquet
from hwcost.stores.runs import Code, Run
from hwcost.stores.schema import Campaign, Record, WorkloadInfo
from hwcost.testing.store_contents import AWKWARD_S, make_estimate, make_series
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


@settings(deadline=None, max_examples=15)
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


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given=st.lists(records, min_size=1, max_size=4, unique_by=lambda record: record.identity.idempotency_key))
def test_through_every_kind_of_store(tmp_path_factory, postgres, given):
    pytest.importorskip("pyarrow")
    folder, campaign = tmp_path_factory.mktemp("stores"), Campaign(run_id=new_id())
    campaign_id, wanted = campaign.campaign_id, [moved(record, campaign.campaign_id) for record in given]
    with open_store(folder / "a.jsonl") as lines, open_store(folder / "b.db") as base, open_store(postgres) as server:
        lines.add_campaign(campaign)
        lines.add_round(campaign_id, 0, ["k"])
        lines.add_run(Run(run_id=campaign.run_id, suite="s", code=Code(commit="c0ffee"), argv=["a", None]))
        for record in wanted:
            lines.append(record)
        lines.add_pass(campaign_id, 1, {"event": "pass", "seconds": 1 / 3})
        series = [make_series(n, arch=[n, None]) for n in range(len(AWKWARD_S))]
        about = [
            make_estimate(one, campaign_id=campaign_id, value=value, flags=("W_A", "I_B"), reason="ü")
            for one, value in zip(series, AWKWARD_S, strict=True)
        ]
        lines.add_estimates(series, about)
        copy(lines, base)
        copy(base, server, campaign_id=campaign_id)
        write_parquet(server, folder / "all.parquet", campaign_id)
        with read_parquet(folder / "all.parquet") as parquet, open_store(folder / "z.jsonl") as last:
            copy(parquet, last)
            found = {record.identity.record_id: bits(record.model_dump()) for record in last.records()}
            assert found == {record.identity.record_id: bits(record.model_dump()) for record in wanted}
            assert everything(last) == everything(lines)
        assert list((folder / "all.parquet").parent.glob(".*")) == []


def moved(record, campaign_id):
    key = f"{campaign_id}/{record.identity.idempotency_key}"
    change = {"campaign_id": campaign_id, "idempotency_key": key}
    return record.model_copy(update={"identity": record.identity.model_copy(update=change)})


def everything(store):
    (campaign,) = store.campaigns()
    parts = store.rounds(campaign.campaign_id), store.passes(campaign.campaign_id)
    estimates = [bits(asdict(estimate)) for estimate in store.estimates().estimates()]
    return bits(campaign.model_dump()), *parts, store.runs(), store.series(), estimates
