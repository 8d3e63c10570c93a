"""The device of a job: found here by the rule of its profile, and what a process has to know to measure on it."""

from __future__ import annotations

import os
import re
from functools import reduce
from typing import Any, Callable

from . import machine
from .blocks import BlockReading
from .counters import HostCounters
from .errors import DeviceError, UsageError
from .nvidia import CardCounters, Nvml

VISIBLE = "CUDA_VISIBLE_DEVICES"
"""Environment variable with the cards that CUDA shows a process; a queue sets it to those that a job was given."""


class Device:
    """One device that is here.

    Args:
        facts: Facts about it, by the names of ``hwcost.facts``.
        nvml: NVIDIA's library, for a card; None for a CPU.
    """

    def __init__(self, facts: dict[str, Any], nvml: Nvml | None = None) -> None:
        self.facts, self._nvml = facts, nvml

    @property
    def kind(self) -> str:
        """Kind of the device, ``cpu`` or ``cuda``."""
        return str(self.facts["kind"])

    def environment(self) -> dict[str, str]:
        """Returns the environment variables under which a process sees this device alone."""
        if self.kind != "cuda":
            return {}
        name = self.facts.get("uuid") or str(self.facts["index"])
        return {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", VISIBLE: name}

    def counters(self) -> Counters:
        """Returns the counters of host and device."""
        own = [CardCounters(self._nvml, self.facts["index"])] if self._nvml is not None else []
        return Counters([HostCounters(computes=self.kind == "cpu"), *own])


class Counters:
    """Several providers of counters as one; where two read the same fact, the later one's counts.

    Args:
        providers: Providers in the order in which they are asked before a block.
    """

    def __init__(self, providers: list[Any]) -> None:
        self._providers = providers

    def begin(self) -> None:
        """Takes the first reading over some passes."""
        for one in self._providers:
            one.begin()

    def before_block(self) -> None:
        """Takes a reading right before a block."""
        for one in self._providers:
            one.before_block()

    def after_block(self) -> BlockReading:
        """Returns the counters of the block that has just ended."""
        return reduce(BlockReading.over, [one.after_block() for one in reversed(self._providers)], BlockReading())

    def end(self) -> dict[str, Any]:
        """Returns the conditions of the passes since :meth:`begin`."""
        found: dict[str, Any] = {}
        for one in self._providers:
            found.update(one.end())
        return found

    def free_bytes(self) -> int | None:
        """Returns the free bytes of a card's own memory; None where they are unknown, or there is no card."""
        return next((one.free_bytes() for one in self._providers if hasattr(one, "free_bytes")), None)

    def check(self) -> None:
        """Raises DeviceError when a device was lost."""
        for one in self._providers:
            if hasattr(one, "check"):
                one.check()


def find(wanted: dict[str, Any], nvml: Callable[[], Nvml] = Nvml) -> Device:
    """Returns the device of a job.

    Args:
        wanted: Name, kind, index (None for the first) and match rule of the device, as the job holds them.
        nvml: Function that opens NVIDIA's library.

    Raises:
        DeviceError: When it is not here; says what is.
        UsageError: When the runner knows no devices of that kind.
    """
    if wanted["kind"] == "cpu":
        library, here = None, [machine.cpu()]
    elif wanted["kind"] == "cuda":
        library = nvml()
        here = visible(library.cards(), os.environ.get(VISIBLE))
    else:
        raise UsageError("the runner measures on devices of the kinds cpu and cuda, not %s" % wanted["kind"])
    answering = [one for one in here if matches(wanted["match"], wanted["kind"], one)]
    chosen = [one for one in answering if wanted.get("index") in (None, one["index"])]
    if not chosen:
        names = ", ".join(map(described, here)) or "no such device"
        raise DeviceError("device '%s' is not here. Here: %s" % (wanted["name"], names))
    return Device(chosen[0], library)


def described(card: dict[str, Any]) -> str:
    """Returns the name of a card for messages; one that is cut into slices is none that a profile matches."""
    cut = ", cut into slices (MIG)" if card.get("partition") else ""
    return "%s (index %s%s)" % (card["product"], card["index"], cut)


def visible(cards: list[dict[str, Any]], variable: str | None) -> list[dict[str, Any]]:
    """Returns the cards that this process may use.

    Args:
        cards: All cards that answer, in the order of their bus.
        variable: Value of ``CUDA_VISIBLE_DEVICES``: numbers among them, or beginnings of UUIDs; None where it is not set. As
            for CUDA, the first entry that names no card ends the list.
    """
    if variable is None:
        return cards
    found: list[dict[str, Any]] = []
    for entry in variable.split(","):
        named = _named(cards, entry.strip())
        if len(named) != 1 or named[0] in found:
            break
        found += named
    return sorted(found, key=lambda card: card["index"])


def _named(cards: list[dict[str, Any]], entry: str) -> list[dict[str, Any]]:
    if entry.isdecimal():
        return cards[int(entry) :][:1]
    return [card for card in cards if entry and (card.get("uuid") or "").startswith(entry)]


def matches(rule: dict[str, Any], kind: str, device: dict[str, Any]) -> bool:
    """Says whether a device is the one that a profile's match rule describes; a slice of a device is not that device."""
    product = device["product"]
    if device.get("partition") or any(_has_words(product, text) for text in rule.get("not", ())):
        return False
    for name, wanted in rule.items():
        if name not in (kind, "not") and device.get(name) not in (None, wanted):
            return False
    return any(text == "*" or _has_words(product, text) for text in rule.get(kind, ()))


def of_process(device: Device) -> dict[str, str]:
    """Returns those variables of the device's environment that this process really has."""
    return {name: value for name, value in device.environment().items() if os.environ.get(name) == value}


def _has_words(name: str, text: str) -> bool:
    return re.search(r"(?<![a-z0-9])%s(?![a-z0-9])" % re.escape(text), name, re.IGNORECASE) is not None
