"""From the first format of campaigns and records to the second, as plain JSON; stores of every kind go through it.

Nothing here depends on the schema of the day: what was once released never changes.
"""

from __future__ import annotations

from typing import Any

Plain = dict[str, Any]

ROLES = {"judge": "test"}

SETTINGS = ("governor", "turbo", "smt", "aslr", "cpu_affinity", "clocks_locked", "exclusive")
"""Conditions of the first format that are settings of the process."""

VISIT = (
    "status", "samples_s", "calls_per_block", "warmup_s", "steady", "started_s", "ended_s", "prepare_s", "first_run_s",
    "cpu_s", "facts",
)  # fmt: skip
"""Parts of the result that are fields of the visit, under the same names."""

SKIPPED = "skipped"
"""Status of a visit that was never tried, which only the first format knew."""

RENAMED_DEVICE = {"sm_count": "cores", "sm_version": "compute_capability"}
ENVIRONMENT = ("tool", "device", "host", "software")
IDENTITY = ("record_id", "campaign_id", "run_id", "attempt", "idempotency_key", "created_at")


def campaign(old: Plain) -> Plain:
    """Returns a campaign in the second format."""
    plan = dict(old.get("plan") or {})
    if isinstance(plan.get("items"), list):
        plan["items"] = [{**item, "role": _role(item.get("role"))} for item in plan["items"]]
    return {**old, "plan": plan, "schema_version": 2}


def record(old: Plain) -> Plain:
    """Returns a record of the first format in the second one.

    One of a visit that was skipped becomes a void visit without samples; what it was stands in ``extra``.

    Args:
        old: A record with its environment and samples.
    """
    workload = {name: value for name, value in _without_empty(old["workload"]).items() if name != "workload_key"}
    return {
        "schema_version": 2,
        "identity": {**_some(old["identity"], IDENTITY), "extra": _extra(old["identity"])},
        "environment": environment(old),
        "workload": {**workload, "role": _role(workload.get("role"))},
        "visit": _visit(old),
        "origin": "measured" if _group(old, "trust").get("origin", "measured") == "measured" else "imported",
        "extra": _left_over(old),
    }


def environment(old: Plain) -> Plain:
    """Returns the environment of a record, with settings and protocol, the driver being software."""
    groups = _group(old, "environment")
    found = {name: _flat(groups.get(name)) for name in ENVIRONMENT}
    device, software = found["device"], found["software"]
    for was, now in RENAMED_DEVICE.items():
        if was in device:
            device.setdefault(now, device.pop(was))
    if "driver_version" in device:
        software.setdefault("driver_version", device.pop("driver_version"))
    conditions = _flat(old.get("conditions"))
    settings = {name: conditions[name] for name in SETTINGS if name in conditions}
    extra = _without_empty(groups.get("extra") or {})
    return {**found, "settings": settings, "protocol": _flat(old.get("protocol")), "extra": extra}


def _visit(old: Plain) -> Plain:
    identity, result = _without_empty(old["identity"]), _without_empty(_group(old, "result"))
    conditions = {name: value for name, value in _flat(old.get("conditions"), False).items() if name not in SETTINGS}
    found = _some(result, VISIT)
    if found.get("status") == SKIPPED:
        found["status"] = "void"
    return {
        "workload_key": old["workload"]["workload_key"],
        "round": identity.get("round", 0),
        "position": identity.get("position", 0),
        "started_at": identity.get("started_at", ""),
        "conditions": conditions,
        "flags": [_some(doubt, ("code", "text", "remedy")) for doubt in result.get("validity", ())],
        **found,
    }


def _left_over(old: Plain) -> Plain:
    """Returns what the second format has no field for, by its group; nothing that is known is lost."""
    identity, result, trust = (_without_empty(_group(old, name)) for name in ("identity", "result", "trust"))
    left = ("error_type", "error_text", "peak_memory_bytes", *(("status",) if result.get("status") == SKIPPED else ()))
    gone: dict[str, Plain] = {
        "identity": {name: identity[name] for name in ("ended_at", "supersedes") if name in identity},
        "code": _flat(old.get("code")),
        "energy": _flat(old.get("energy")),
        "result": {
            **{name: result[name] for name in left if name in result},
            **_extra(result),
        },
        "trust": {} if set(trust) <= {"origin", "extra"} and trust.get("origin") != "submitted" else _flat(trust),
    }
    return {**_extra(old), **{name: facts for name, facts in gone.items() if facts}}


def _role(role: Any) -> Any:
    return ROLES.get(role, role) if isinstance(role, str) else "fit"


def _group(old: Plain, name: str) -> Plain:
    return old.get(name) or {}


def _extra(group: Plain) -> Plain:
    return dict(group.get("extra") or {})


def _without_empty(group: Plain) -> Plain:
    return {name: value for name, value in group.items() if value is not None}


def _flat(group: Plain | None, is_known_only: bool = True) -> Plain:
    """Returns a group and its open map as one map."""
    whole: Plain = group or {}
    facts = {**whole, **_extra(whole)}
    facts.pop("extra", None)
    return _without_empty(facts) if is_known_only else facts


def _some(group: Plain, names: tuple[str, ...]) -> Plain:
    return {name: group[name] for name in names if group.get(name) is not None}
