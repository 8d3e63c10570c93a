"""Objectives: names, directions, and values where they are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hwcost.errors import ContractError, UsageError
from hwcost.objectives import Constraint, Maximize, Minimize, Params
from hwcost.searchers import Problem
from hwcost.spaces import Candidates, space
from tests.objectives.models import SHAPER, narrow


def test_objectives_have_names_directions_and_references() -> None:
    assert (Minimize(len).name, Minimize(len).sign) == ("len", 1)
    assert (Maximize(narrow(), "speed").name, Maximize(len).sign) == ("speed", -1)
    assert Minimize(Params(SHAPER)).is_vectorised
    assert not Minimize(SHAPER.params).is_vectorised
    for wrong, message in ((lambda: Minimize(3), "callable"), (lambda: Minimize(len, reference=math.inf), "finite number")):
        with pytest.raises(UsageError, match=message):
            wrong()


def test_what_a_model_was_not_fitted_on_has_no_value() -> None:
    model = narrow()
    archs = [SHAPER.architecture([360] * 12), SHAPER.architecture([768] * 12)]
    values = Minimize(model).values(Candidates.of(SHAPER, archs))
    assert np.isnan(values).tolist() == (~model.predict(archs).in_domain).tolist() == [False, True]


def test_functions_of_another_space_are_refused() -> None:
    other = space("autodistill")
    with pytest.raises(UsageError, match="is of space 'supershaper' .* the architectures are of 'autodistill'"):
        Minimize(Params(SHAPER)).values(Candidates.of(other, other.sample(2)))
    with pytest.raises(UsageError, match="returned no number"):
        Minimize(lambda arch: "wide", "text").values(Candidates.of(other, other.sample(2)))


def test_spaces_of_one_name_and_other_options_are_distinguished() -> None:
    """Codes of one would silently be priced by the other's tables."""
    small, large = (space("transformer", hidden=widths) for widths in ((64, 128), (256, 512)))
    with pytest.raises(UsageError, match="is of space 'transformer'"):
        Minimize(Params(large)).values(Candidates.of(small, small.sample(2)))


@pytest.mark.parametrize("found", [1.0, None, [1.0, 2.0]])
def test_a_class_that_gives_another_number_of_values_is_told(found) -> None:
    class Few:
        name = "few"

        def __call__(self, arch):
            return 1.0

        def predict_codes(self, codes):
            return found

    candidates = Candidates.all(space("supershaper", scale="mini"))
    with pytest.raises(UsageError, match="the cost function few returned .* for 1296 architectures; expected one number"):
        Constraint(Few(), most=3).feasible(candidates)


class Sum:
    """Sum of the widths, one by one and for many architectures at once."""

    name = "sum"

    def __init__(self, of_codes) -> None:
        self.of_codes = of_codes

    def __call__(self, arch):
        return float(sum(arch.genes))

    def predict_codes(self, codes):
        return self.of_codes(codes)


def test_a_class_that_takes_codes_for_genes_is_told() -> None:
    """Its values would be stored as those of the function."""
    mini = space("supershaper", scale="mini")
    Problem(mini, [Maximize(Sum(lambda codes: Candidates(mini, codes).genes.sum(axis=1)))])
    for wrong in (Maximize(Sum(lambda codes: codes.sum(axis=1))), Minimize(Sum(lambda codes: codes[:, 0] * 1.5))):
        with pytest.raises(ContractError, match="sum is 64 for .* by its predict_codes. Codes are the indices"):
            Problem(mini, [wrong])
    noise = iter(np.random.default_rng(0).random(100))
    wavering = Sum(lambda codes: codes.sum(axis=1))
    wavering.__class__ = type("Noisy", (Sum,), {"__call__": lambda self, arch: next(noise)})
    Problem(mini, [Maximize(wavering)])


def test_a_class_cannot_change_the_codes_that_it_is_given() -> None:
    def spoiling(codes):
        codes[:] = 0
        return np.ones(len(codes))

    candidates = Candidates.all(space("supershaper", scale="mini"))
    before = candidates.codes.copy()
    assert (Maximize(Sum(spoiling)).values(candidates) == 1).all()
    assert (candidates.codes == before).all()


def test_a_constraint_whose_function_fails_is_named() -> None:
    candidates = Candidates.all(space("supershaper", scale="mini"))
    broken = Constraint(Sum(lambda codes: codes.genes), most=3)
    with pytest.raises(ContractError, match="the function of the constraint sum failed: AttributeError: .* 'genes'"):
        broken.feasible(candidates)
