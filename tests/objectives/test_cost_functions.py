"""Populations, sizes, objectives and bounds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hwcost.cost_models import cost_model
from hwcost.errors import ArchitectureError, UsageError
from hwcost.objectives import Bound, Flops, Limit, Maximize, Memory, Minimize, Params, Population
from hwcost.spaces import space

SPACES = ["supershaper", "supershaper:merged=true", "autodistil:subspace=tiny", "autodistill", "components:grid=mini",
          "transformer:elastic=per_layer"]  # fmt: skip
SHAPER = space("supershaper")


@pytest.mark.parametrize("name", SPACES)
def test_populations_are_the_architectures_they_are_made_of(name) -> None:
    of = space(name)
    archs = of.sample(20, seed=1)
    population = Population.of(of, archs)
    assert population.archs == archs
    assert list(population) == archs
    assert np.array_equal(Population(of, population.codes).genes, of.encode(archs))
    assert len(set(population.keys)) == 20
    assert population.where([3, 1]).archs == [archs[3], archs[1]]
    assert not len(population.where([]))


@pytest.mark.parametrize("name", SPACES)
def test_sizes_of_populations_are_those_of_each(name) -> None:
    of = space(name)
    archs = of.sample(12, seed=2)
    codes = Population.of(of, archs).codes
    for size, one in (
        (Params(of), of.params), (Flops(of, seq_len=32, batch_size=2), lambda arch: of.flops(arch, 32, 2)),
        (Memory(of, "bfloat16"), lambda arch: 2 * of.params(arch)),
    ):  # fmt: skip
        assert [size(arch) for arch in archs] == [one(arch) for arch in archs]
        assert size.predict_codes(codes).tolist() == [one(arch) for arch in archs]


TINY = "transformer:layers=[1,2],hidden=[8,16],ffn_ratio=[2,4],heads=[1],elastic=per_layer"


@pytest.mark.parametrize("name", ["autodistill", TINY])
def test_everything_is_every_architecture_once(name) -> None:
    of = space(name)
    assert Population.everything(of).archs == list(of.architectures())


def test_data_has_no_sizes_and_no_populations() -> None:
    of = space("hat")
    with pytest.raises(UsageError, match="describes data only"):
        Params(of)
    with pytest.raises(UsageError, match="describes data only"):
        Population(of, np.zeros((1, len(of.genes)), dtype=int))
    with pytest.raises(UsageError, match="unknown dtype 'float8'. Known: float32"):
        Memory(SHAPER, "float8")


def test_bounds_say_what_is_outside_and_why() -> None:
    archs = [SHAPER.architecture([width] * 12) for width in (120, 360, 768)]
    sizes = [SHAPER.params(arch) for arch in archs]
    bound = Bound(Params(SHAPER), most=sizes[1], least=sizes[1])
    for given in (archs, Population.of(SHAPER, archs)):
        assert bound.holds(given).tolist() == [False, True, False]
        low, none, high = bound.refusals(given)
        assert none is None
        assert "is below" in low
        assert "is above" in high
    assert bound.violations([sizes[2], math.nan]).tolist() == pytest.approx([sizes[2] / sizes[1] - 1, math.inf])


def test_bounds_are_relative_to_a_baseline() -> None:
    whole = SHAPER.architecture([768] * 12)
    bound = Bound(Flops(SHAPER), most=0.5, of=whole, name="half")
    assert bound.most == 0.5 * SHAPER.flops(whole)
    assert repr(bound) == f"Bound(half, most={bound.most!r})"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"value": 3, "most": 1.0}, "callable"),
        ({"value": len}, "needs most=, least=, or both"),
        ({"value": len, "most": math.nan}, "finite number"),
        ({"value": len, "most": 1.0, "least": 2.0}, "at least 2 and at most 1"),
        ({"value": lambda arch: 0.0, "most": 1.0, "of": SHAPER.architecture([120] * 12)}, "nothing can be bounded relative"),
    ],
)
def test_bounds_that_make_no_sense_are_refused(arguments, message) -> None:
    with pytest.raises(UsageError, match=message):
        Bound(**arguments)


def fitted():
    rows = np.random.default_rng(0).integers(0, 4, size=(60, 12))
    archs = Population(SHAPER, rows).archs
    return cost_model("lut", SHAPER).fit(archs, [1e-9 * SHAPER.params(arch) for arch in archs])


def test_what_a_model_was_not_fitted_on_has_no_value() -> None:
    """It is never priced silently, neither as an objective nor within a bound."""
    model = fitted()
    archs = [SHAPER.architecture([360] * 12), SHAPER.architecture([768] * 12)]
    population = Population.of(SHAPER, archs)
    inside = model.predict(archs).in_domain
    values = Minimize(model).values(population)
    assert np.isnan(values).tolist() == (~inside).tolist() == [False, True]
    bound = Bound(model, most=1.0)
    assert bound.holds(population).tolist() == [True, False]
    assert "outside what the cost model was fitted on" in bound.refusals(population)[1]


def test_limits_are_relative_to_a_baseline() -> None:
    model = fitted()
    base = SHAPER.architecture([360] * 12)
    limit = Limit(model, 0.8, None, of=base)
    assert limit.max_s == 0.8 * model(base)
    archs = SHAPER.sample(30, seed=5)
    assert limit.holds(Population.of(SHAPER, archs)).tolist() == limit.holds(archs).tolist()


def test_objectives_have_names_directions_and_references() -> None:
    assert (Minimize(len).name, Minimize(len).sign) == ("len", 1)
    assert (Maximize(fitted(), "speed").name, Maximize(len).sign) == ("speed", -1)
    assert Minimize(Params(SHAPER)).is_cheap
    assert not Minimize(SHAPER.params).is_cheap
    for wrong, message in ((lambda: Minimize(3), "callable"), (lambda: Minimize(len, reference=math.inf), "finite number")):
        with pytest.raises(UsageError, match=message):
            wrong()


def test_functions_of_another_space_are_refused() -> None:
    other = space("autodistill")
    with pytest.raises(UsageError, match="is of space 'supershaper' .* the architectures are of 'autodistill'"):
        Minimize(Params(SHAPER)).values(Population.of(other, other.sample(2)))
    with pytest.raises(ArchitectureError):
        Population.of(other, SHAPER.sample(1))
    with pytest.raises(UsageError, match="returned no number"):
        Minimize(lambda arch: "wide", "text").values(Population.of(other, other.sample(2)))


def test_spaces_of_one_name_and_other_options_are_told_apart() -> None:
    """Codes of one would silently be priced by the other's tables."""
    small, large = (space("transformer", hidden=widths) for widths in ((64, 128), (256, 512)))
    with pytest.raises(UsageError, match="is of space 'transformer'"):
        Minimize(Params(large)).values(Population.of(small, small.sample(2)))


def test_bounds_judge_lists_as_they_judge_populations() -> None:
    """Domains are not an exception."""
    model = fitted()
    bound = Bound(model, most=1.0)
    archs = [SHAPER.architecture([360] * 12), SHAPER.architecture([768] * 12)]
    assert bound.holds(archs).tolist() == bound.holds(Population.of(SHAPER, archs)).tolist() == [True, False]
