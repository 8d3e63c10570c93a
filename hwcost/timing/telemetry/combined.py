"""Several providers as one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

from hwcost.devices.telemetry import BlockReading, Telemetry

if TYPE_CHECKING:
    from hwcost.devices import DeviceHandle


class Combined(Telemetry):
    """The readings of several providers; where two read the same fact, the later one's counts.

    Args:
        handle: Device that is measured on.
        providers: Providers in the order in which they are asked before a block; after it the order is the reverse, so that
            the last one's readings stand closest to the block.
    """

    def __init__(self, handle: DeviceHandle, providers: Sequence[Telemetry]) -> None:
        super().__init__(handle)
        self._providers = providers

    def begin(self) -> None:
        """See the base class."""
        for one in self._providers:
            one.begin()

    def before_block(self) -> None:
        """See the base class."""
        for one in self._providers:
            one.before_block()

    def after_block(self) -> BlockReading:
        """See the base class."""
        return reduce(BlockReading.over, [one.after_block() for one in reversed(self._providers)], BlockReading())

    def end(self) -> dict[str, Any]:
        """See the base class."""
        return {name: value for one in self._providers for name, value in one.end().items()}

    def energy_j(self) -> float | None:
        """See the base class; the last provider that has a counter."""
        return next((found for one in reversed(self._providers) if (found := one.energy_j()) is not None), None)

    def power_w(self) -> float | None:
        """See the base class; the last provider that knows it."""
        return next((found for one in reversed(self._providers) if (found := one.power_w()) is not None), None)

    def settings(self) -> dict[str, Any]:
        """See the base class."""
        return {name: value for one in self._providers for name, value in one.settings().items()}

    def check(self) -> None:
        """See the base class."""
        for one in self._providers:
            one.check()

    def unavailable(self) -> dict[str, str]:
        """See the base class."""
        return {name: why for one in self._providers for name, why in one.unavailable().items()}

    def memory_bytes(self) -> int | None:
        """See the base class."""
        known = [found for one in self._providers if (found := one.memory_bytes()) is not None]
        return known[-1] if known else None
