"""The conformance suite of quantities: what every quantity of a call promises, as tests.

::

    class TestMyQuantity(QuantitySuite):
        kind = MyQuantity
        conditions = {"my_fact": 3.0}
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest

from hwcost.quantities import Call, Quantity, Unavailable
from hwcost.spaces.accounting import Work
from hwcost.units import format_quantity, unit_of


class QuantitySuite(ABC):
    """Subclass it as ``Test...`` and name the class.

    Attributes:
        kind: Class of the quantity.
        conditions: Facts of a visit that it is worked out from.
    """

    kind: ClassVar[type[Quantity]]
    conditions: ClassVar[Mapping[str, Any]] = {}

    @pytest.fixture
    def quantity(self) -> Quantity:
        """The quantity."""
        return self.kind()

    @pytest.fixture
    def call(self) -> Call:
        """A call of which everything is known."""
        return Call(0.01, 8, 128, Work(10, 10**9, 10**6), 4, self.conditions)

    def test_it_says_what_it_is(self, quantity: Quantity) -> None:
        """Its name ends in its unit, so that it is formatted by it."""
        assert quantity.name.isidentifier()
        assert quantity.meaning.endswith(".")
        assert unit_of(quantity.name)
        assert format_quantity(quantity.name, None) == "-"

    def test_a_known_call_has_a_value(self, quantity: Quantity, call: Call) -> None:
        """A number that is not negative, the same each time."""
        value = quantity.of_call(call)
        assert np.isfinite(value)
        assert value >= 0
        assert quantity.of_call(call) == value
        assert isinstance(quantity.source(call), str)

    def test_it_follows_the_latency_as_it_says(self, quantity: Quantity, call: Call) -> None:
        """The interval is worked out from the power of the latency that it states."""
        power = quantity.power_of_latency or 0
        value, slower = quantity.of_call(call), quantity.of_call(replace(call, latency_s=2 * call.latency_s))
        assert slower == pytest.approx(value * 2.0**power)

    def test_what_is_unknown_has_a_reason(self, quantity: Quantity) -> None:
        """Nothing is known of the call but its latency: there is a value all the same, or a sentence that says why not."""
        try:
            quantity.of_call(Call(0.01))
        except Unavailable as why:
            assert str(why).endswith(".")  # noqa: PT017 - a value is fine too
