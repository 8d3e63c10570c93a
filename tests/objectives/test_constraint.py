"""Constraints: which architectures are feasible, by how much the others are not, and why."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost import Constraint
from hwcost.cost_models import cost_model
from hwcost.cost_models.training.intervals import calibrate
from hwcost.errors import HwcostError, UsageError
from hwcost.objectives import Flops, Params
from hwcost.spaces import Candidates
from tests.objectives.models import SHAPER, calibrated, latencies_s, measured, narrow

MIDDLE_S = float(np.median(measured()[1]))


def test_bounds_on_a_size_say_what_is_outside_by_how_much_and_why() -> None:
    archs = [SHAPER.architecture([width] * 12) for width in (120, 360, 768)]
    small, middle, large = (SHAPER.params(arch) for arch in archs)
    constraint = Constraint(Params(SHAPER), most=middle, least=middle)
    for given_as in (archs, Candidates.of(SHAPER, archs)):
        assert constraint.feasible(given_as).tolist() == [False, True, False]
        assert constraint.violation(given_as).tolist() == pytest.approx([1 - small / middle, 0, large / middle - 1])
        low, none, high = constraint.reasons(given_as)
        assert none is None
        assert low == f"params {small:.6g} is below {middle:.6g}"
        assert high == f"params {large:.6g} is above {middle:.6g}"
    assert constraint.excess([large, math.nan]).tolist() == pytest.approx([large / middle - 1, math.inf])
    assert str(Constraint(Params(SHAPER), most=66e6)) == "params <= 66.00 M"


def test_bounds_are_relative_to_a_baseline() -> None:
    whole = SHAPER.architecture([768] * 12)
    half = Constraint(Flops(SHAPER), most=0.5, of=whole, name="half")
    assert half.most == 0.5 * SHAPER.flops(whole)
    assert repr(half) == f"Constraint(half, most={half.most!r})"
    model, base = narrow(), SHAPER.architecture([360] * 12)
    assert Constraint(model, most=0.8, of=base, probability=0).most == 0.8 * float(model.predict([base]).latency_s[0])


def test_a_baseline_outside_the_domain_bounds_nothing() -> None:
    with pytest.raises(UsageError, match="lies outside what the cost model of latency_s was fitted on"):
        Constraint(narrow(), most=0.5, of=SHAPER.architecture([768] * 12), probability=0)


def test_any_callable_may_be_bounded() -> None:
    deep = Constraint(lambda arch: float(arch.genes[0]) if arch.genes[1] > 120 else math.nan, least=300, name="first")
    archs = [SHAPER.architecture([first, second] + [360] * 10) for first, second in ((360, 360), (120, 360), (360, 120))]
    assert deep.feasible(archs).tolist() == deep.feasible(Candidates.of(SHAPER, archs)).tolist() == [True, False, False]
    assert deep.violation(archs).tolist() == [0.0, 0.6, math.inf]
    assert deep.reasons(archs)[1] == "first 120 is below 300"
    assert "is not known: not a number" in str(deep.reasons(archs)[2])


def test_a_bound_on_a_predicted_latency_holds_with_95_percent_unless_another_probability_is_given() -> None:
    model = calibrated(200)
    assert Constraint(model, most=MIDDLE_S).probability == 0.95
    assert Constraint(model, most=MIDDLE_S, probability=0).probability is None
    assert Constraint(model, least=MIDDLE_S).probability is None
    assert Constraint(model, most=MIDDLE_S, measured=True).probability is None
    assert Constraint(Params(SHAPER), most=1e6).probability is None
    assert Constraint(model, most=1.0).name == "latency_s"


@pytest.mark.parametrize("wanted", [0.5, 0.8, 0.95])
@pytest.mark.parametrize("end", ["most", "least"])
def test_measurements_of_feasible_architectures_are_within_the_bound(wanted: float, end: str) -> None:
    archs, seconds = measured()
    constraint = Constraint(calibrated(200), **{end: MIDDLE_S}, probability=wanted)
    feasible = constraint.feasible(archs)
    assert 0.2 < feasible.mean() < 0.6
    within = seconds <= MIDDLE_S if end == "most" else seconds >= MIDDLE_S
    assert within[feasible].mean() >= wanted


def test_probabilities_are_frequencies() -> None:
    archs, seconds = measured()
    chance, kept = Constraint(calibrated(200), most=MIDDLE_S).chance(archs), seconds <= MIDDLE_S
    for low, high in ((0.05, 0.35), (0.35, 0.65), (0.65, 0.95)):
        inside = (chance >= low) & (chance < high)
        assert kept[inside].mean() == pytest.approx(chance[inside].mean(), abs=0.12)


@given(st.floats(1e-4, 1.0), st.floats(1.0, 2.0), st.sampled_from([0, 0.5, 0.9]))
def test_a_looser_bound_is_satisfied_by_more(most: float, factor: float, wanted: float) -> None:
    archs = measured()[0][:50]
    tight, loose = (Constraint(calibrated(60), most=end, probability=wanted) for end in (most, most * factor))
    chances = tight.chance(archs), loose.chance(archs)
    assert ((chances[0] >= 0) & (chances[0] <= chances[1]) & (chances[1] <= 1)).all()
    assert (tight.feasible(archs) <= loose.feasible(archs)).all()
    assert (tight.violation(archs) >= loose.violation(archs)).all()


@given(st.floats(0.5, 2.0), st.sampled_from([0, 0.5, 0.9]), st.sampled_from(["most", "least", "both"]))
def test_feasible_violation_and_reasons_agree(factor: float, wanted: float, end: str) -> None:
    archs = measured()[0][:60]
    bound = {"most": {"most": MIDDLE_S * factor}, "least": {"least": MIDDLE_S * factor},
             "both": {"most": 1.2 * MIDDLE_S * factor, "least": 0.9 * MIDDLE_S * factor}}[end]  # fmt: skip
    constraint = Constraint(calibrated(60), **bound, probability=wanted)
    feasible = constraint.feasible(archs)
    assert (constraint.violation(archs) == 0).tolist() == feasible.tolist()
    assert [reason is None for reason in constraint.reasons(archs)] == feasible.tolist()
    candidates = Candidates.of(SHAPER, archs)
    assert constraint.feasible(candidates).tolist() == feasible.tolist()
    assert constraint.reasons(candidates) == constraint.reasons(archs)


def test_reasons_tell_the_prediction_and_the_probability() -> None:
    archs, model = measured()[0], calibrated(200)
    sure = [reason for reason in Constraint(model, most=MIDDLE_S).reasons(archs) if reason is not None]
    assert all(reason.startswith("predicted ") and "wanted 0.95" in reason for reason in sure)
    plain = Constraint(model, most=MIDDLE_S, probability=0)
    assert plain.feasible(archs).tolist() == (model.predict(archs).latency_s <= MIDDLE_S).tolist()
    assert any("latency_s" in reason and "is above" in reason for reason in plain.reasons(archs) if reason is not None)


def test_candidates_are_judged_by_their_codes_and_architectures_alike(monkeypatch) -> None:
    model, archs = calibrated(200), SHAPER.sample(40, seed=3)
    constraint, candidates = Constraint(model, most=MIDDLE_S), Candidates.of(SHAPER, archs)
    wanted = constraint.feasible(archs), constraint.violation(archs), constraint.chance(archs), constraint.reasons(archs)
    monkeypatch.setattr(type(model), "predict", None)
    found = constraint.feasible(candidates), constraint.violation(candidates), constraint.chance(candidates)
    assert [one.tolist() for one in found] == [one.tolist() for one in wanted[:3]]
    assert constraint.reasons(candidates) == wanted[3]


def test_outside_the_domain_nothing_is_feasible() -> None:
    rng = np.random.default_rng(1)
    few = [SHAPER.architecture(rng.choice([120, 240, 360], 12).tolist()) for _ in range(40)]
    seconds = latencies_s(few, 1)
    cost = calibrate(cost_model("lut", SHAPER).fit(few, seconds), few, seconds)
    widest = SHAPER.architecture([768] * 12)
    for constraint in (Constraint(cost, most=10.0), Constraint(cost, most=10.0, probability=0)):
        assert constraint.feasible([few[0], widest]).tolist() == [True, False]
        assert constraint.violation([few[0], widest]).tolist() == [0.0, math.inf]
        assert "outside what the cost model was fitted on (it would predict" in str(constraint.reasons([widest])[0])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"value": 3, "most": 1.0}, "callable"),
        ({"value": len}, "needs most=, least=, or both"),
        ({"value": len, "most": math.nan}, "finite number"),
        ({"value": len, "most": 1.0, "least": 2.0}, "at least 2 and at most 1"),
        ({"value": lambda arch: 0.0, "most": 1.0, "of": SHAPER.architecture([120] * 12)}, "nothing can be bounded relative"),
        ({"value": len, "most": 1.0, "probability": 0.9}, "for quantities that a cost model predicts"),
        ({"rows": 60, "most": 0.0}, "positive number of seconds"),
        ({"rows": 60, "most": 1.0, "probability": 95}, "between 0 and 1"),
        ({"rows": 60, "most": 1.0, "probability": 0.99}, "needs 99 architectures, the model was fitted on 60"),
        ({"rows": 8, "most": 1.0}, "has no interval"),
    ],
)
def test_constraints_that_make_no_sense_are_refused(arguments, says) -> None:
    rows = arguments.pop("rows", None)
    with pytest.raises(UsageError, match=says):
        Constraint(**{"value": calibrated(rows)} if rows else {}, **arguments)


def test_too_few_rows_still_allow_plain_predictions() -> None:
    constraint = Constraint(calibrated(8), most=1.0, probability=0)
    assert constraint.feasible(measured()[0][:3]).all()
    with pytest.raises(HwcostError, match="no interval"):
        constraint.chance(measured()[0][:3])


def test_values_that_are_no_numbers_are_refused() -> None:
    constraint = Constraint(lambda arch: 1.0, most=1.0)
    for judge in (constraint.within, constraint.excess, constraint.reason):
        with pytest.raises(UsageError, match="values are numbers"):
            judge("a")  # type: ignore[arg-type]
