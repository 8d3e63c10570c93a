"""The conformance suite of stopping criteria: what every criterion promises, as tests.

::

    class TestMyCriterion(CriterionSuite):
        name = "my-criterion"
        refused = ({"most": -1.0},)
"""

from __future__ import annotations

import json
from abc import ABC
from dataclasses import FrozenInstanceError, fields
from typing import Any, ClassVar

import pytest

from hwcost.agent.rules import LEAST_BLOCKS
from hwcost.backends.null import Null
from hwcost.devices import DeviceHandle, load
from hwcost.errors import UsageError
from hwcost.timing.execution.visit import VisitIndex, visit
from hwcost.timing.protocol import Protocol, protocol
from hwcost.timing.stopping import StoppingCriterion, criterion
from hwcost.workloads import SyntheticWorkload

BLOCK_S = 0.02
"""Seconds per call of the blocks that are made up."""


class CriterionSuite(ABC):
    """Subclass it as ``Test...`` and name the criterion.

    Attributes:
        name: Name of the criterion in ``CRITERIA``.
        parameters: Parameters to test it with; others have their defaults.
        refused: Parameters that it cannot have.
    """

    name: ClassVar[str]
    parameters: ClassVar[dict[str, Any]] = {}
    refused: ClassVar[tuple[dict[str, Any], ...]] = ()

    @pytest.fixture
    def made(self) -> StoppingCriterion:
        """The criterion."""
        return criterion(self.name, **self.parameters)

    @pytest.fixture
    def most(self) -> int:
        """Largest number of blocks of a visit."""
        return protocol("standard").max_blocks

    def test_every_parameter_has_a_default_and_is_plain(self, made: StoppingCriterion) -> None:
        """The plain form holds all of them, and makes an equal criterion."""
        names = {field.name for field in fields(made)}  # type: ignore[arg-type]
        assert criterion(self.name).title
        assert set(made.to_dict()) == {"name", *names}
        assert criterion(**json.loads(json.dumps(made.to_dict(), allow_nan=False))) == made

    def test_plans_keep_it(self, made: StoppingCriterion) -> None:
        """A protocol that is read back stops by the same rule."""
        how = protocol("standard", stopping=made)
        assert Protocol.from_dict(json.loads(json.dumps(how.to_dict()))) == how

    def test_it_never_changes(self, made: StoppingCriterion) -> None:
        """One object serves all visits of a campaign."""
        assert hash(made) == hash(criterion(self.name, **self.parameters))
        with pytest.raises((FrozenInstanceError, AttributeError, TypeError)):
            made.anything = 1  # type: ignore[attr-defined]

    def test_wrong_parameters_are_refused(self) -> None:
        """A misspelt one is named; a value that cannot be is refused before anything is measured."""
        with pytest.raises(UsageError, match=f"'{self.name}' has no parameter 'no_such_parameter'"):
            criterion(self.name, no_such_parameter=1)
        for wrong in self.refused:
            with pytest.raises(UsageError, match=self.name):
                criterion(self.name, **{**self.parameters, **wrong})

    def test_it_is_met_by_many_equal_blocks_and_stays_met(self, made: StoppingCriterion, most: int) -> None:
        """More blocks of the same time make nothing less certain."""
        answers = [made.is_met([BLOCK_S] * count) for count in range(LEAST_BLOCKS, most + 1)]
        assert all(isinstance(answer, bool) for answer in answers)
        assert answers[-1]
        assert answers == sorted(answers)

    def test_samples_are_left_as_they_are(self, made: StoppingCriterion) -> None:
        """A visit keeps the list that it hands over."""
        samples = [BLOCK_S * factor for factor in (1.0, 1.2, 0.9, 1.1)]
        before = list(samples)
        assert made.is_met(samples) == made.is_met(tuple(samples)) == made.is_met(samples)
        assert samples == before

    def test_a_visit_ends_by_it(self, made: StoppingCriterion) -> None:
        """A device without noise needs fewer blocks than the protocol allows."""
        how = protocol("standard", blocks=LEAST_BLOCKS, stopping=made)
        work, handle = SyntheticWorkload("some", flops=10**10), DeviceHandle(load("xeon"))
        samples = visit(Null(options={"noise": 0.0}), work, handle, how, VisitIndex(0, 0)).samples_s
        assert made.is_met(samples)
        assert len(samples) < how.max_blocks
