"""The command that measures a workload of a record again."""

from __future__ import annotations

import glob
import json
import shlex
from collections.abc import Sequence
from itertools import chain
from typing import Any

from hwcost.errors import HwcostError
from hwcost.quantities import LATENCY
from hwcost.stores.runs import Run
from hwcost.stores.schema import Campaign, Record, WorkloadInfo
from hwcost.stores.series import Series
from hwcost.timing.arrival import BACK_TO_BACK
from hwcost.workloads import ComponentWorkload, component_stacks, from_dict
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
"""Options with their values: True for a switch, None for one that is left out."""


def command(one: Series, record: Record, campaign: Campaign, run: Run | None) -> str | None:
    """Returns the command that measures a workload again: by itself where options can name it, else of its suite.

    Args:
        one: Series of the workload.
        record: One of its records.
        campaign: Campaign of the record.
        run: Run that the campaign belongs to; None for a campaign by itself.

    Returns:
        The command; None for a workload that no options choose, and that no run of a suite measured.
    """
    info, what = record.workload, _what(record.workload)
    if what is None and run is not None and run.argv:
        return _of_run([*map(str, run.argv)], info.name)
    what = what or _of_component(info)
    if what is None:
        return None
    options = [("--device", _device(one, campaign)), ("--on", campaign.on), ("--backend", one.backend), *what]
    options += [("--threads", one.threads), *_protocol(record, campaign)]
    options += [("--quantity", None if one.quantity == LATENCY else one.quantity)]
    options += [("--backend-option", pair) for pair in _pairs(one.backend_options)]
    options += [(flag, True) for name, value, flag in SWITCHES if campaign.plan.get(name) is value]
    words = ([name] if value is True else [name, str(value)] for name, value in options if value is not None)
    return shlex.join(["hwcost", "measure", *chain.from_iterable(words)])


def _what(info: WorkloadInfo) -> Options | None:
    """Returns the options that name a workload; None for a part of a net, or another one that none can name."""
    spec = info.spec
    shape, dtype = _shape(info), _dtype(info)
    if info.search_space is not None and info.arch is not None and info.component is None:
        named = [*_space(info), ("--arch", _typed_arch(info.arch))]
        return [*named, ("--model", spec.get("factory")), *shape, *dtype]
    if info.kind == "factory" and spec.get("factory") and not spec.get("arguments"):
        return [("--model", spec["factory"]), *shape, *dtype]
    if info.kind == "onnx" and spec.get("path") and not spec.get("sizes"):  # only the file tells whose sizes these are
        return [("--model", spec["path"]), *shape, ("--dtype", "bfloat16" if info.precision == "bfloat16" else None)]
    return None


def _of_component(info: WorkloadInfo) -> Options | None:
    """Returns the options that choose a stack of a component by its name; None for one that a space does not price so."""
    try:
        made = from_dict(info.spec)
        if not isinstance(made, ComponentWorkload):
            return None
        space, shape = made.search_space(), {name: getattr(made, name) for name in ("batch_size", "seq_len", "dtype")}
        is_priced, is_part = made.part in space.components(), made.part in space.parts()
        stacks = component_stacks(space, components=[made.part], **shape) if is_priced or is_part else []
    except HwcostError:  # of a space that is not here any more
        return None
    parts = None if is_priced else True
    chosen: Options = [("--components", True), ("--parts", parts), ("--only", glob.escape(info.name))]
    return [*_space(info), *chosen, *_shape(info), *_dtype(info)] if made in stacks else None


def _space(info: WorkloadInfo) -> Options:
    """Returns the options that name a space."""
    return [("--space", info.search_space), *(("--space-option", pair) for pair in _pairs(info.spec.get("options")))]


def _shape(info: WorkloadInfo) -> Options:
    """Returns the options that say the shape of inputs."""
    return [("--batch-size", info.batch_size), ("--seq-len", info.seq_len)]


def _dtype(info: WorkloadInfo) -> Options:
    """Returns the option that says the number format; none where the workload keeps its own."""
    return [("--dtype", None if info.spec.get("keeps_formats") or info.precision == OWN else info.precision)]


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
