"""A history and a study that have a hostile text in every field that takes one."""

from __future__ import annotations

import json
from pathlib import Path

from hwcost.facts.values import MAX_TEXT
from hwcost.stores.base import Store
from hwcost.stores.entries import Acceptance, Confirmation, ModelCheck
from hwcost.stores.environment import Environment
from hwcost.stores.runs import Code, Run
from hwcost.stores.schema import Campaign, Record, WorkloadInfo
from hwcost.stores.series import Estimate, Series
from hwcost.timing.measurement import Flag, Visit

HOSTILE = (
    "<img src=x onerror=\"window.probe=1\">", "</script><script>window.probe=2</script>", "javascript:window.probe=3",
    "\u202edesrever\u202c", "a/b?c=d&e#f", "'; DROP TABLE runs; --", "__proto__", "{{7*7}}", "\u2028\u2029",
)  # fmt: skip
"""Texts that a careless page would run, lose or mangle."""

IMAGE = HOSTILE[0]
LONG = IMAGE + "x" * (MAX_TEXT - len(IMAGE))

REGRESSED = len(HOSTILE) + 2
"""Series that regressed by themselves: one for each text, one with the longest text, and the first one's twin."""

MISSING = 2
"""Series whose measurement failed on the last night: the first one of the crowd, and the net of the study."""

NIGHTS, SLOW = 12, 8
"""Number of nights, and the first one on which everything is slower."""


def hostile_series() -> list[Series]:
    """Returns a component for each text on a device of its own, its twin on another, the net of the study, and a crowd."""
    many = [_series(text, number, device=text[:500]) for number, text in enumerate([*HOSTILE, LONG])]
    twin = _series(IMAGE, 0, device=f"twin of {IMAGE}")
    crowd = [_series(text, number, device=f"all on {IMAGE}", backend=HOSTILE[1]) for number, text in enumerate(HOSTILE)]
    net = _series(IMAGE, 10, device=HOSTILE[1], component=None)
    return [*many, twin, *crowd, net]


def _series(text: str, number: int, **fields: str | None) -> Series:
    given = {
        "workload_key": text[:900] + str(number), "name": text, "kind": text, "search_space": text, "component": text,
        "arch": [text], "backend": HOSTILE[number % 3], "precision": IMAGE, "backend_options": {text[:50]: text[:50]},
    }  # fmt: skip
    return Series(**{**given, **fields})


def write_hostile(store: Store) -> list[Series]:
    """Writes the history; returns its series. Every night one of them fails, and the last one also the net of the study."""
    made = hostile_series()
    for night in range(NIGHTS):
        store.add_run(_run(night))
        store.add_estimates(made, [_estimate(one, number, night, len(made)) for number, one in enumerate(made)])
    for night in range(NIGHTS - 2, NIGHTS):
        _write_records(store, made, night)
    for text, one in zip(HOSTILE, made, strict=False):
        store.add_entry(Acceptance(device=one.device, run_id=_run_id(0), author=text, reason=text))
        _write_entries(store, made[0], one, text)
    return made


def _bad(night: int) -> str:
    return HOSTILE[night % len(HOSTILE)]


def _run_id(night: int) -> str:
    return f"{_bad(night)} {night}"


def _at(night: int) -> str:
    return f"2025-03-{night + 1:02d}T03:00:00+00:00"


def _run(night: int) -> Run:
    bad = _bad(night)
    code = Code(repository=bad, commit=bad, branch=HOSTILE[1], is_dirty=night % 2 > 0)
    return Run(
        run_id=_run_id(night), suite=IMAGE, started_at=_at(night), status="done" if night < NIGHTS - 1 else IMAGE, code=code,
        argv=[bad, bad], hwcost_version=bad,
    )  # fmt: skip


def _estimate(one: Series, number: int, night: int, n: int) -> Estimate:
    is_failed = number == night or (number == n - 1 and night == NIGHTS - 1)
    value = 0.01 * (1.3 if night >= SLOW else 1.0) * (1 + 0.001 * ((night * 7) % 5))
    fields = {"status": "failed", "value": None, "half_width": None} if is_failed else {"value": value, "half_width": 0.01}
    known = {"campaign_id": _run_id(night), "run_id": _run_id(night), "measured_at": _at(night), "reason": _bad(night)}
    return Estimate(one.series_key, flags=("W_<b>",), **known, **fields)


def _write_entries(store: Store, first: Series, one: Series, text: str) -> None:
    store.add_entry(
        Confirmation(
            series_key=one.series_key, run_id=_run_id(SLOW), before_run_id=_run_id(SLOW - 1), outcome="confirmed",
            log_ratio=0.26, half_width=0.01, how=text,
        )
    )  # fmt: skip
    store.add_entry(
        ModelCheck(
            run_id=_run_id(NIGHTS - 1), model=text, device=text, quantity=text, n=1, holds=False, reason=text,
            importance={text: 1.0},
            points=[[first.series_key, 0.01, 0.009, 0.011, 0.0101], [text, 1.0, 1.0, 1.0, 1.0]],
        )
    )  # fmt: skip


def _write_records(store: Store, made: list[Series], night: int) -> None:
    """Writes the records of a night; the driver of each device is another one than on the night before."""
    campaign = _run_id(night)
    store.add_campaign(Campaign(campaign_id=campaign, status="done", run_id=campaign, plan={_bad(night): _bad(night)}))
    for text, one in zip(HOSTILE, made, strict=False):
        visit = Visit(
            one.workload_key, 0, 0, samples_s=(0.01, 0.011, 0.012), started_at=_at(night), flags=(Flag("W_X", text, text),),
            conditions={text: text, "governor": text},
        )  # fmt: skip
        info = WorkloadInfo(name=text, kind=text, search_space=text, arch=[text], backend=text, spec={text: text})
        environment = Environment(
            software={"driver_version": f"{text} {night}"}, host={"extra": text}, extra={text: text}
        )
        key = f"{night} {one.series_key}"
        store.append(
            Record.from_visit(visit, campaign_id=campaign, run_id=text, workload=info, environment=environment, key=key)
        )


def write_hostile_study(folder: Path) -> Path:
    """Writes the log of a study whose every text is hostile, its own name included; returns its path."""
    objectives = [{"name": text, "direction": "minimize", "reference": text, "model": text} for text in (IMAGE, HOSTILE[1])]
    header = {"event": "study", "schema_version": 2, "space": IMAGE, "searcher": HOSTILE[1], "seed": HOSTILE[2]}
    lines = [{**header, "objectives": objectives}]
    for number, text in enumerate(HOSTILE):
        lines.append({"event": "tell", "arch": text, "values": [number, -number], "status": "completed", "number": number})
    lines.append({"event": "tell", "arch": LONG, "values": [0, 0], "status": IMAGE, "number": len(HOSTILE)})
    path = folder / f"{IMAGE}.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path
