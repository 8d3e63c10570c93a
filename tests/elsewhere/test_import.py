"""Results that come from elsewhere are read as if someone had written them by hand: a fault stores nothing."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwcost.elsewhere import import_results, is_results
from hwcost.errors import DataError, HwcostError, UsageError
from hwcost.stores import Store, open_store
from tests.elsewhere.jobs import job, run

Lines = list[dict[str, Any]]

LETTERS = b'{}[]",:0123456789eE-.nultrfas\n\xff'
"""Bytes that damage is made of."""


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Lines:
    """The results of a job, line by line."""
    folder = job(tmp_path_factory.mktemp("job") / "job")
    assert run(folder, "--quiet").returncode == 0
    return [json.loads(line) for line in folder.results.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "a.db"))


def refused(lines: Lines | bytes, tmp_path: Path, store: Store) -> str:
    """Imports what must be refused, and returns why; nothing may be stored."""
    data = lines if isinstance(lines, bytes) else b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    path = tmp_path / "results.jsonl"
    path.write_bytes(data)
    with pytest.raises(DataError) as error:
        import_results(path, store)
    assert store.campaigns() == []
    assert store.count() == 0
    return str(error.value)


def numbered(lines: Lines) -> Lines:
    return [{**line, "n": n} for n, line in enumerate(lines)]


def changed(lines: Lines, kind: str, change: Callable[[dict[str, Any]], None]) -> Lines:
    """Returns a copy in which the last event of a kind is changed."""
    copy: Lines = json.loads(json.dumps(lines))
    change(next(line["event"] for line in reversed(copy) if line["event"]["event"] == kind))
    return copy


def set_to(*path: Any) -> Callable[[dict[str, Any]], None]:
    *way, last, value = path

    def change(event: dict[str, Any]) -> None:
        at: Any = event
        for part in way:
            at = at[part]
        at[last] = value

    return change


FAULTS = [
    ("pass", set_to("blocks", 0, "seconds", -1.0), "seconds"),
    ("pass", set_to("blocks", 0, "seconds", 0.0), "seconds"),
    ("pass", set_to("blocks", 0, "seconds", float("nan")), "NaN is not a number"),
    ("pass", set_to("blocks", 0, "started_s", float("inf")), "Infinity is not a number"),
    ("pass", set_to("blocks", 0, "calls", 1.5), "calls"),
    ("pass", set_to("blocks", 0, "workload_key", "another"), "not prepared for this group"),
    ("pass", set_to("group", 7), "not prepared for this group"),
    ("pass", set_to("blocks", []), "blocks"),
    ("pass", set_to("surprise", 1), "surprise"),
    ("pass", set_to("conditions", "cpu_steal_fraction", -3), "cpu_steal_fraction"),
    ("prepared", set_to("workload_key", "another"), "does not stand at position"),
    ("prepared", set_to("round", 5), "the process is of round 1"),
    ("prepared", set_to("checks", "bound_s", "fast"), "bound_s"),
    ("environment", set_to("round", 9), "round 9 was not begun"),
    ("environment", set_to("host", "cpu_model", "Another CPU"), "begun in another environment"),
    ("environment", set_to("device", "memory_bytes", -1), "memory_bytes"),
    ("round", set_to("order", ["x"]), "not in the plan"),
    ("round", set_to("number", 0), "begins twice"),
    ("job", set_to("campaign", {"plan": {}}), "not a campaign's plan"),
    ("job", set_to("campaign", "plan", "items", []), "nothing to measure|not in the plan"),
    ("done", set_to("event", "exec"), "exec"),
]


@pytest.mark.parametrize(("kind", "change", "why"), FAULTS, ids=[f"{kind}-{i}" for i, (kind, *_) in enumerate(FAULTS)])
def test_a_fault_is_named_and_nothing_is_stored(
    lines: Lines, tmp_path: Path, store: Store, kind: str, change: Callable[[dict[str, Any]], None], why: str
) -> None:
    import re

    data = changed(lines, kind, change)
    path = tmp_path / "results.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in data), encoding="utf-8")
    with pytest.raises(HwcostError) as error:
        import_results(path, store)
    assert re.search(why, str(error.value)), str(error.value)
    assert store.campaigns() == []


def test_lines_that_are_cut_repeated_missing_or_of_another_job(lines: Lines, tmp_path: Path, store: Store) -> None:
    whole = [json.dumps(line).encode() for line in lines]
    cut = [*whole[:5], whole[5][:40], *whole[6:]]
    assert "line 6" in refused(b"\n".join(cut) + b"\n", tmp_path, store)
    assert "repeats an earlier one" in refused([*lines[:5], lines[4], *lines[5:]], tmp_path, store)
    assert "others are missing" in refused([*lines[:5], *lines[6:]], tmp_path, store)
    assert "of another job" in refused([*lines[:5], {**lines[5], "campaign_id": "x"}, *lines[6:]], tmp_path, store)
    assert "holds no results yet" in refused(b"", tmp_path, store)
    assert "first line" in refused(numbered(lines[1:]), tmp_path, store)
    assert "first line" in refused(numbered([lines[0], *lines]), tmp_path, store)
    assert "not a line" in refused(b"[]\n", tmp_path, store)


def test_a_failure_before_any_process_is_a_fault(lines: Lines, tmp_path: Path, store: Store) -> None:
    order = lines[1]["event"]["order"]
    visit = {"workload_key": order[0], "round": 0, "position": 0, "status": "failed"}
    failed = {**lines[1], "event": {"event": "visit", "visit": visit}}
    assert "no process has begun" in refused(numbered([*lines[:2], failed]), tmp_path, store)


def test_a_pipe_is_no_file_of_results(tmp_path: Path, store: Store) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert not is_results(tmp_path / "pipe")
    with pytest.raises(UsageError, match="not a plain file"):
        import_results(tmp_path / "pipe", store)


@settings(max_examples=30)
@given(rng=st.randoms(use_true_random=False))
def test_no_damage_gives_anything_but_a_typed_error(
    lines: Lines, tmp_path_factory: pytest.TempPathFactory, rng: random.Random
) -> None:
    data = bytearray(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
    for _ in range(rng.randint(1, 3)):
        place = rng.randrange(len(data))
        data[place : place + rng.randint(0, 40)] = bytes(rng.choices(LETTERS, k=rng.randint(0, 9)))
    folder = tmp_path_factory.mktemp("fuzz")
    path = folder / "results.jsonl"
    path.write_bytes(bytes(data))
    with open_store(str(folder / "a.jsonl")) as store:
        try:
            import_results(path, store)
        except HwcostError:
            assert store.campaigns() == []


def test_a_workload_that_memory_did_not_suffice_for_is_measured_in_the_next_group(
    lines: Lines, tmp_path: Path, store: Store
) -> None:
    events = [line["event"] for line in lines]
    end = next(place for place, event in enumerate(events) if event["event"] == "closed")
    first = next(event for event in events if event["event"] == "prepared")
    key, closed = first["workload_key"], events[end]
    alone = [
        {**event, "group": 1, "size": 1, "blocks": [block for block in event["blocks"] if block["workload_key"] == key]}
        for event in events[:end] if event["event"] == "pass"
    ]  # fmt: skip
    deferred = {"event": "deferred", "group": 0, "workload_key": key, "elapsed_s": closed["elapsed_s"]}
    again = [closed, {**first, "group": 1}, *alone, {**closed, "group": 1}]
    made = numbered([{**lines[0], "event": event} for event in (*events[:end], deferred, *again, *events[end + 1 :])])
    assert "prepared twice" in refused(numbered([line for line in made if line["event"] != deferred]), tmp_path, store)
    wrong = [{**one, "event": {**deferred, "group": 7}} if one["event"] == deferred else one for one in made]
    assert "put off" in refused(wrong, tmp_path, store)
    (tmp_path / "results.jsonl").write_text("".join(json.dumps(line) + "\n" for line in made), encoding="utf-8")
    found = import_results(tmp_path / "results.jsonl", store)
    assert (found.records, found.is_complete) == (10, True)
    visit = next(record.visit for record in store.records() if record.visit.workload_key == key)
    assert visit.passes[0] == 1
