"""SDO: what its estimators follow, where the printed rule settles, and that planted answers are found."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.studies.planted import PENALTY, Gates, Planted
from hwcost.errors import UnknownNameError, UsageError
from hwcost.objectives import Constraint, Minimize
from hwcost.searchers import Problem, Trial, searcher
from hwcost.spaces import space
from hwcost.study import search
from hwcost.testing.searchers import SearcherSuite


class TestSampling(SearcherSuite):
    repeats = True

    def make(self, problem, seed=0):
        return searcher("sdo", problem, seed, samples=3)


class TestSamplingOfGates(SearcherSuite):
    repeats = True

    def make(self, problem, seed=0):
        return searcher("sdo", problem, seed, samples=2, estimator="score+ema")

    def space(self):
        return space("components", grid="mini")


def one_gate(losses, estimator, steps, rate, start=None, samples=4, **options) -> float:
    """Returns where a policy of one gate ends, whose losses when closed and open are given."""
    of = Gates(1)
    problem = Problem(of, [Minimize(lambda arch: 0.0, "loss")])
    made = searcher("sdo", problem, 1, estimator=estimator, rate=rate, samples=samples, start=start, **options)
    for _ in range(steps):
        made.tell([Trial(arch, values=(losses[int(arch.genes[0])],)) for arch in made.ask()])
    return float(made.probabilities[0, 1])


@pytest.mark.parametrize("start", [[0], [1]])
def test_the_printed_rule_settles_near_one_half(start) -> None:
    """At p = L(0) / (L(0) + L(1)): an open gate that is worth 5 % of the loss is kept hardly more often than not."""
    assert one_gate((2.0, 1.9), "literal", 3000, 0.01, start, samples=16) == pytest.approx(2.0 / 3.9, abs=0.03)


@pytest.mark.parametrize("estimator", ["score+ema", "literal+ema", "rloo"])
def test_repaired_rules_commit(estimator) -> None:
    assert one_gate((2.0, 1.9), estimator, 1500, 0.5) > 0.9
    assert one_gate((1.9, 2.0), estimator, 1500, 0.5, start=[1]) < 0.1


@pytest.mark.parametrize("estimator", ["score", "rloo"])
def test_steps_follow_the_gradient_of_the_mean_loss(estimator) -> None:
    """On average over many policies that start alike; the mean loss is differentiated by hand."""
    of = Gates(2)
    table = {(0, 0): 1.0, (0, 1): 0.4, (1, 0): 0.7, (1, 1): 0.5}
    problem = Problem(of, [Minimize(lambda arch: table[arch.genes], "loss")])
    moves = []
    for seed in range(60):
        made = searcher("sdo", problem, seed, estimator=estimator, rate=1.0, samples=100, scale=1.0)
        made.tell([Trial(arch, values=(table[arch.genes],)) for arch in made.ask()])
        moves.append(made.logits[:, 1])
    first = 0.25 * ((table[1, 0] + table[1, 1]) - (table[0, 0] + table[0, 1])) / 2
    second = 0.25 * ((table[0, 1] + table[1, 1]) - (table[0, 0] + table[1, 0])) / 2
    error = 4 * np.std(moves, axis=0) / np.sqrt(len(moves))
    gradient = np.array([first, second])
    assert (np.abs(np.mean(moves, axis=0) + gradient) < error).all()


@pytest.mark.parametrize("seed", range(3))
def test_planted_gates_are_found(seed) -> None:
    planted = Planted(seed)
    study = search(
        planted.space, planted.objectives(), searcher="sdo", iterations=6000, seed=seed, repeats="repeat",
        searcher_options={"samples": 8, "penalty": PENALTY},
    )  # fmt: skip
    assert study.searcher.chosen().genes == tuple(planted.answer.astype(int).tolist())


def test_genes_of_many_choices_are_drawn_too() -> None:
    of = space("supershaper", scale="mini")
    best = of.sample(1, seed=3)[0]

    def wrong(arch) -> float:
        return float(sum(a != b for a, b in zip(arch.genes, best.genes, strict=True)))

    study = search(of, [Minimize(wrong)], searcher="sdo", iterations=3000, seed=0, searcher_options={"samples": 8})
    assert study.searcher.chosen() == best


@pytest.mark.parametrize(
    "options",
    [{}, {"optimizer": "adam", "rate": 0.1}, *({"estimator": name, "rate": 0.3} for name in ("score", "score+ema"))],
    ids=str,
)
def test_the_unit_of_the_loss_does_not_matter(options) -> None:
    """The same loss in seconds and in units of 2**-20 s asks for the same architectures."""
    of = space("supershaper", scale="mini")
    asked = []
    for unit in (1.0, 2.0**20, 2.0**-20):
        study = search(
            of, [Minimize(lambda arch, unit=unit: unit * (0.001 + sum(arch.genes) / 1e6))], searcher="sdo", iterations=80,
            seed=0, repeats="repeat", searcher_options=options,
        )  # fmt: skip
        asked.append([trial.architecture for trial in study.trials])
    assert asked[0] == asked[1] == asked[2]


def test_a_loss_in_seconds_is_learned() -> None:
    of = space("supershaper", scale="mini")
    study = search(of, [Minimize(lambda arch: 0.001 + sum(arch.genes) / 1e6)], searcher="sdo", iterations=400, seed=0,
                   repeats="repeat")  # fmt: skip
    others = [sum(arch.genes) for arch in of.sample(500, seed=0)]
    assert sum(study.searcher.chosen().genes) <= np.quantile(others, 0.08)
    assert study.searcher.probabilities.max(axis=1).min() > 0.8


def test_the_printed_rule_takes_losses_as_they_are_and_others_where_a_scale_is_given() -> None:
    near = one_gate((2e-3, 1e-3), "literal", 100, 1.0)
    assert near == pytest.approx(0.5, abs=0.05)
    assert one_gate((2e-3, 1e-3), "rloo", 100, 1.0, scale=1.0) == pytest.approx(0.5, abs=0.05)
    assert one_gate((2e-3, 1e-3), "rloo", 100, 1.0) > 0.9
    assert one_gate((1e-3, 1e-3), "rloo", 20, 1.0) == 0.5


def test_results_keep_limits_also_where_the_policy_is_drawn_beyond_them() -> None:
    of = Gates(12)
    few = Constraint(lambda arch: float(sum(arch.genes)), most=4.0, name="open")
    study = search(of, [Minimize(lambda arch: -float(sum(arch.genes)), "closed")], [few], searcher="sdo", iterations=1500,
                   repeats="repeat", searcher_options={"samples": 6, "rate": 2.0})  # fmt: skip
    assert study.stopped == "1500 iterations"
    assert sum(study.searcher.chosen().genes) <= 4
    assert sum(study.best.architecture.genes) == 4


def test_settings_that_make_no_sense_are_told() -> None:
    problem = Problem(Gates(3), [Minimize(lambda arch: 0.0, "loss")])
    for options, message in (
        ({"estimator": "exact"}, "unknown estimator 'exact'"),
        ({"samples": 1}, "needs more samples"),
        ({"rate": 0.0}, "a rate is positive"),
        ({"penalty": -1.0}, "a penalty not negative"),
        ({"scale": 0.0}, "a scale of losses is positive"),
    ):
        with pytest.raises((UsageError, UnknownNameError), match=message):
            searcher("sdo", problem, **options)
    of = space("supershaper", scale="mini")
    with pytest.raises(UsageError, match="knows gates of two choices"):
        searcher("sdo", Problem(of, [Minimize(lambda arch: 0.0, "loss")]), estimator="literal")
