"""Columns that name devices or versions: their values are names, whether they are texts or numbers such as 1080 and 3090."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from hwcost.exchange.sheet import Sheet

_PARTS = re.compile(r"[^\W_]+")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_DEVICES = frozenset(
    ("device", "gpu", "tpu", "npu", "machine", "node", "host", "hostname", "server", "accelerator", "phone", "smartphone",
     "board", "chip", "soc", "hardware", "platform", "workstation", "computer")
)  # fmt: skip
_WITH_MORE = frozenset(("cpu", "processor", "card"))
"""Words that name devices with one of those behind them only: ``cpu`` alone may be an amount."""

_BEFORE = frozenset(
    ("target", "test", "testing", "measurement", "measured", "inference", "deployment", "edge", "mobile", "compute",
     "cluster", "worker", "graphics", "nvidia", "amd", "intel", "cuda")
)  # fmt: skip
_BEHIND = frozenset(
    ("name", "model", "id", "type", "kind", "index", "idx", "no", "nr", "label", "key", "uuid", "serial", "brand", "sku",
     "generation", "gen", "arch", "family")
)  # fmt: skip


def names_devices(name: str) -> bool:
    """Whether a column is named as one of names of devices: ``gpu``, ``device_id``, ``Target Machine``, ``cpuModel``.

    Amounts of one are not: ``gpus``, ``num_gpu``, ``gpu_memory``, ``cpu_freq``.
    """
    words = [word.lower() for word in _PARTS.findall(_HUMP.sub("_", name))]
    rest = list(words)
    while rest and rest[-1] in _BEHIND:
        rest.pop()
    if not rest or not _BEFORE.union(_DEVICES, _WITH_MORE).issuperset(rest):
        return False
    return rest[-1] in _DEVICES or rest == ["graphics", "card"] or (rest[-1] in _WITH_MORE and len(words) > len(rest))


def names_versions(name: str) -> bool:
    """Whether a column is named as one of versions: ``torch_version``. Version 1.10 comes after 1.9, and is not 1.1."""
    words = [word.lower() for word in _PARTS.findall(_HUMP.sub("_", name))]
    return words[-1:] == ["version"]


def device_columns(names: Iterable[str], amounts: Collection[str] = ()) -> list[str]:
    """Returns the columns that name devices or versions, but for those that were said to be amounts."""
    return [name for name in names if name not in amounts and (names_devices(name) or names_versions(name))]


def remarks_on_numbers(sheet: Sheet, columns: Iterable[str]) -> list[str]:
    """Returns a remark on each column of numbers that are read as names of devices or versions.

    Args:
        sheet: The table.
        columns: Such columns.
    """
    remarks = []
    for name in columns:
        what = "versions" if names_versions(name) else "devices"
        such = f"column '{name}' names {what}: its numbers, such as {sheet.columns[name][0]}, are names and not amounts."
        rename = f" Where they are amounts, rename it, for example to '{name}_count'." if what == "devices" else ""
        remarks.append(such + rename)
    return remarks
