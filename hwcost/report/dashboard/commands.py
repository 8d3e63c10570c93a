"""The command that measures a workload of a record again."""

from __future__ import annotations

import glob
import json
import shlex
from collections.abc import Sequence
from typing import Any

from hwcost.quantities import LATENCY
from hwcost.stores.runs import Run
from hwcost.stores.schema import Campaign, Record, WorkloadInfo
from hwcost.stores.series import Series
from hwcost.timing.arrival import BACK_TO_BACK
from hwcost.workloads.factory import OWN

OWN_STORE = "repeat.db"
"""Store of a suite that is repeated for one workload: in the store of the history it would be a night without the others."""

LEFT_OUT = ("-k", "--skip-existing", "--skip-existing-successful", "--skip-existing-failed", "--resume", "--new")
"""Options of ``hwcost run`` that say which run it was, or leave out what was measured."""

REPLACED = ("--only", "--store", "--json")
"""Options of ``hwcost run`` that are left out with their values."""

SWITCHES = (("pin", False, "--no-pin"), ("lock_clocks", True, "--lock-clocks"))
"""Fields of a plan with the value that is not the usual one, and the option of ``hwcost measure`` that asks for it."""

Options = list[tuple[str, Any]]


def command(one: Series, record: Record, campaign: Campaign, run: Run | None) -> str | None:
    """Returns the command that measures a workload again: by itself where options can name it, else of its suite.

    Args:
        one: Series of the workload.
        record: One of its records.
        campaign: Campaign of the record.
        run: Run that the campaign belongs to; None for a campaign by itself.

    Returns:
        The command; None for a workload that no option names, and that no run of a suite measured.
    """
    info, what = record.workload, _what(record.workload)
    if what is None:
        return _of_run([*map(str, run.argv)], info.name) if run is not None and run.argv else None
    options = [("--device", _device(one, campaign)), ("--on", campaign.on), ("--backend", one.backend), *what]
    options += [("--threads", one.threads), *_protocol(record, campaign)]
    options += [("--quantity", None if one.quantity == LATENCY else one.quantity)]
    options += [("--backend-option", pair) for pair in _pairs(one.backend_options)]
    words = [word for name, value in options if value is not None for word in (name, str(value))]
    switches = [flag for name, value, flag in SWITCHES if campaign.plan.get(name) is value]
    return shlex.join(["hwcost", "measure", *words, *switches])


def _what(info: WorkloadInfo) -> Options | None:
    """Returns the options that name a workload; None for a part of a net, or another one that none can name."""
    spec = info.spec
    shape: Options = [("--batch-size", info.batch_size), ("--seq-len", info.seq_len)]
    dtype: Options = [("--dtype", None if spec.get("keeps_formats") or info.precision == OWN else info.precision)]
    if info.search_space is not None and info.arch is not None and info.component is None:
        of_space: Options = [("--space-option", pair) for pair in _pairs(spec.get("options"))]
        named: Options = [("--space", info.search_space), *of_space, ("--arch", _typed_arch(info.arch))]
        return [*named, ("--model", spec.get("factory")), *shape, *dtype]
    if info.kind == "factory" and spec.get("factory") and not spec.get("arguments"):
        return [("--model", spec["factory"]), *shape, *dtype]
    if info.kind == "onnx" and spec.get("path") and not spec.get("sizes"):  # only the file tells whose sizes these are
        return [("--model", spec["path"]), *shape, ("--dtype", "bfloat16" if info.precision == "bfloat16" else None)]
    return None


def _device(one: Series, campaign: Campaign) -> str:
    """Returns the device as ``--device`` takes it: with its index where it is not the first of its name."""
    handle = campaign.plan.get("handle")
    index = handle.get("index") if isinstance(handle, dict) else None
    return f"{one.device}:{index}" if index else one.device


def _protocol(record: Record, campaign: Campaign) -> Options:
    """Returns the options that say how it was measured, where that is not the usual way."""
    known = record.environment.protocol
    arrival, cache = known.get("arrival"), known.get("cache_state")
    return [
        ("--tier", known.get("tier")),
        ("--arrival", None if arrival == BACK_TO_BACK else arrival),
        ("--cache", None if cache == "hot" else cache),
    ]


def _pairs(options: Any) -> list[str]:
    """Returns options as they are typed, ``NAME=VALUE``, by name."""
    return [f"{name}={_typed(value)}" for name, value in sorted(options.items())] if isinstance(options, dict) else []


def _typed(value: Any) -> str:
    """Returns a value as an option takes it: text as it stands, unless it would be read as JSON; anything else as JSON."""
    if not isinstance(value, str):
        return json.dumps(value)
    try:
        json.loads(value)
    except ValueError:
        return value
    return json.dumps(value)


def _of_run(argv: Sequence[str], name: str) -> str:
    """Returns the command of a run for one workload alone; that of another tool stays as it is."""
    if [*argv[:2]] != ["hwcost", "run"]:
        return shlex.join(argv)
    words, left = ["hwcost", "run"], iter(argv[2:])
    for word in left:
        if word in REPLACED:
            next(left, None)
        elif word not in LEFT_OUT and word.partition("=")[0] not in REPLACED:
            words.append(word)
    return shlex.join([*words, "--only", glob.escape(name), "--store", OWN_STORE])


def _typed_arch(arch: Sequence[Any]) -> str:
    """Returns an architecture as ``--arch`` takes it: its key, or JSON where it has words."""
    return json.dumps(list(arch)) if any(isinstance(gene, str) for gene in arch) else arch_key(arch)


def arch_key(arch: Sequence[Any]) -> str:
    """Returns the text of an architecture, as logs of studies hold it."""
    return "_".join(f"{gene:g}" if isinstance(gene, float) else str(gene) for gene in arch)
