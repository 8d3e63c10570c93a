"""The environment of a record: what is the same for every visit of a process, so that stores keep it once."""

from __future__ import annotations

import hashlib
from typing import Any

from pydantic import Field, ValidationInfo, field_validator

from hwcost._cached import cached_property
from hwcost.facts import checked, deciding
from hwcost.stores.fields import Group, canonical_json, plain_json

Facts = dict[str, Any]
"""Facts by name, see :mod:`hwcost.facts`; unknown ones are absent, and what has no row there is kept as plain JSON."""


class Environment(Group):
    """Where and how a process measured.

    Attributes:
        tool: The hwcost that measured.
        device: The device that executed the workload.
        host: The machine that the device sits in.
        software: Drivers, frameworks and the environment variables that change latency.
        settings: Settings of processor and device.
        protocol: The way of measuring.
    """

    tool: Facts = Field(default_factory=dict)
    device: Facts = Field(default_factory=dict)
    host: Facts = Field(default_factory=dict)
    software: Facts = Field(default_factory=dict)
    settings: Facts = Field(default_factory=dict)
    protocol: Facts = Field(default_factory=dict)

    @field_validator("tool", "device", "host", "software", "settings", "protocol", mode="before")
    @classmethod
    def _check(cls, facts: Any, info: ValidationInfo) -> Facts:
        plain = plain_json(facts)
        if not isinstance(plain, dict):
            raise ValueError(f"expected facts by name, got {plain!r:.60}")
        return checked(str(info.field_name), plain)

    @cached_property
    def key(self) -> str:
        """SHA-256 of the canonical JSON; equal exactly when the environments are equal."""
        return environment_key(self.model_dump())

    @property
    def deciding(self) -> Facts:
        """The facts on which two environments must agree, by label; see :func:`hwcost.facts.differing`."""
        return deciding(self.model_dump(exclude={"extra"}))


def environment_key(document: dict[str, Any]) -> str:
    """Returns the key of an environment, given as plain JSON."""
    return hashlib.sha256(canonical_json(document).encode()).hexdigest()
