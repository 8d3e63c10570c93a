"""Arguments of a wrong type are refused by what was given and what is expected, in every public function."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import hwcost as hc
from hwcost._arguments import COUNT, NUMBER, SEED, SWITCH, TEXT, WHOLE
from hwcost.cost_models import cost_model
from hwcost.errors import ArchitectureError, NotFittedError, UsageError
from hwcost.objectives import Flops, Params

SPACE = hc.space("supershaper", scale="mini")
ARCHS = SPACE.sample(12)
SIZE = Params(SPACE)
MODEL = cost_model("lut", SPACE).fit(ARCHS, [1e-3 * sum(arch.genes) for arch in ARCHS])
ROWS = {"width": list(range(1, 31)), "latency_ms": list(range(1, 31))}

measure = partial(hc.measure, ARCHS, backend="null")
search = partial(hc.search, SPACE, [hc.Minimize(SIZE)], evaluations=3)


@pytest.mark.parametrize(
    ("kind", "good", "wrong"),
    [
        (WHOLE, (3, -1, np.int64(3)), ("3", 3.0, True, None)),
        (COUNT, (1,), (0, 1.5)),
        (SEED, (0,), (-1, "a")),
        (NUMBER, (3, 0.5, np.float32(2)), ("3", None, False, [1])),
        (SWITCH, (True, False), (0, "yes")),
        (TEXT.or_none, ("a", None), (3,)),
    ],
)
def test_kinds(kind, good, wrong) -> None:
    assert all(map(kind.holds, good))
    assert not any(map(kind.holds, wrong))


CALLS: list[tuple[Callable[[], Any], str]] = [
    (lambda: hc.space(3), "a space is named by a text.*got 3"),
    (lambda: hc.device(3), "a device is a name.*got 3"),
    (lambda: hc.supernet(3), "a space is named by a text.*got 3"),
    (lambda: hc.open_store(3), "location= is a path, or None; got 3"),
    (lambda: hc.load(None), "folder= is a path; got None"),
    (lambda: hc.lookup_table(3, "prices.csv"), "space= is a search space.*got 3"),
    (lambda: hc.fit(5), "source= is the result of measure, .* or a list of dictionaries; got 5"),
    (lambda: hc.fit(ROWS, 3, space="table"), "model= is the name of a cost model, or a class of your own .*; got 3"),
    (lambda: hc.fit(ROWS, space=3), "space= is a name such as 'table', or a search space, or None; got 3"),
    (lambda: hc.fit(ROWS, space="table", table=3), r"table= is hwcost.TableOptions\(...\); got 3"),
    (lambda: hc.fit(ROWS, "lut", space="table", batch_size="8"), "batch_size= is a whole number from 1; got '8'"),
    (lambda: hc.evaluate(3, space="table"), "source= is the path or URL of a store.*got 3"),
    (lambda: hc.evaluate(ROWS, space="table", train="0.8"), "train= is a number; got '0.8'"),
    (lambda: hc.evaluate(ROWS, space="table", split="odd"), "unknown split 'odd'. Known: random, ordered"),
    (lambda: hc.audit(3), "source= is the result of measure.*got 3"),
    (lambda: hc.audit(ROWS, space="table", others=3), "others= is a list of tables; got 3"),
    (lambda: hc.compare(3, 4), "an arm is the result of measure.*got 3"),
    (lambda: hc.compare([3], [4]), r"an arm is .*got \[3\]"),
    (lambda: hc.compare(ROWS, ROWS, band="wide"), "band= is a number; got 'wide'"),
    (lambda: measure(rounds="3"), "rounds= is a whole number, or None; got '3'"),
    (lambda: measure(tier=[]), "tier= is a text"),
    (lambda: measure(seed=-3), "seed= is a whole number from 0; got -3"),
    (lambda: measure(stopping="fixed-count"), "stopping= is a stopping criterion, or None; got 'fixed-count'"),
    (lambda: measure(backend_options=3), "backend_options= is a mapping of values by name; got 3"),
    (lambda: measure(budget_s="8m"), "budget_s= is a positive, finite number of seconds, or None; got '8m'"),
    (lambda: measure(space="supershaper"), "space= is a search space, or None; got 'supershaper'"),
    (lambda: measure(progress=3), "progress= is a function; got 3"),
    (lambda: hc.search(3, [hc.Minimize(SIZE)], evaluations=3), "needs a search space.*got 3"),
    (lambda: search(evaluations="3"), "evaluations= is a whole number, or None; got '3'"),
    (lambda: search(seconds="1"), "seconds= is a number, or None; got '1'"),
    (lambda: search(searcher=3), "searcher= is the name of a searcher.*got 3"),
    (lambda: search(searcher_options=3), "searcher_options= is a mapping.*got 3"),
    (lambda: search(reference="16_16_16_16"), "reference= is an architecture, or None; got '16_16_16_16'"),
    (lambda: search(log=3), "log= is a path, or None; got 3"),
    (lambda: search(executor=3), "executor= is an executor of concurrent.futures, or None; got 3"),
    (lambda: hc.Constraint(MODEL, most="2"), "most= is a number, or None; got '2'"),
    (lambda: hc.Constraint(MODEL, most=2, probability="0.9"), "probability= is a number, or None; got '0.9'"),
    (lambda: hc.Constraint(SIZE, most=2, measured="yes"), "measured= is True or False; got 'yes'"),
    (lambda: hc.Constraint(SIZE, most=2).feasible(3), "expected a list of architectures, or a single one; got 3"),
    (lambda: hc.Minimize(SIZE, reference="2"), "reference= is a number, or None; got '2'"),
    (lambda: hc.Maximize(SIZE, name=3), "name= is a text, or None; got 3"),
    (lambda: Params("supershaper"), "space= is a search space, such as .*got 'supershaper'"),
    (lambda: Flops(SPACE, seq_len="128"), "seq_len= is a whole number from 1; got '128'"),
    (lambda: hc.MeasuredFirst(3), "cost= is a cost model, which hwcost.fit gives; got 3"),
    (lambda: cost_model(3, SPACE), "name= is a text; got 3"),
    (lambda: cost_model("lut", 3), "space= is a search space.*got 3"),
    (lambda: MODEL.predict(5), "expected a list of architectures, or a single one; got 5"),
    (lambda: MODEL.predict(np.array([["wide"] * 4])), "gene 'l1' .* cannot be 'wide'"),
    (lambda: MODEL.fit(ARCHS, "fast"), "every latency is a number; got 'fast'"),
    (lambda: MODEL.fit(ARCHS, [1.0] * 12, weights="even"), "every weight is a number; got 'even'"),
    (lambda: MODEL.probability(ARCHS, "2"), "most= is a number; got '2'"),
    (lambda: MODEL.expected(3), "probabilities= is a list of one array per gene; got 3"),
    (lambda: MODEL.save(None), "folder= is a path; got None"),
    (lambda: SPACE.sample("3"), "n= is a whole number; got '3'"),
    (lambda: SPACE.sample(3, params=5), "params= is a pair of numbers, the least and the most, or None; got 5"),
    (lambda: SPACE.sample(3, params=(5, "6")), "params= is a pair of numbers"),
    (lambda: SPACE.sample(3, params=(6, 5)), "range is empty: 6 to 5"),
    (lambda: SPACE.mutate(ARCHS[0], 3), "rng= is a generator"),
    (lambda: SPACE.mutate(ARCHS[0], np.random.default_rng(0), 1.5), "probability= is a number from 0 to 1; got 1.5"),
    (lambda: hc.Constraint(SIZE, most=2).within("a"), "values are numbers, predicted or measured; got str 'a'"),
    (lambda: hc.Constraint(SIZE, most=2).excess(["a"]), "values are numbers"),
    (lambda: SPACE.parse(3), "text= is a text; got 3"),
]


@pytest.mark.parametrize(("call", "says"), CALLS)
def test_what_is_of_a_wrong_type_is_refused(call, says) -> None:
    with pytest.raises(UsageError, match=says):
        call()


@pytest.mark.parametrize("call", [SIZE, hc.Constraint(SIZE, most=2).feasible, MODEL, MODEL.predict, SPACE.architecture])
def test_what_is_no_architecture_is_refused(call) -> None:
    given = 3 if call in (SIZE, MODEL, SPACE.architecture) else [3]
    with pytest.raises(ArchitectureError, match="got 3"):
        call(given)


def test_a_single_architecture_counts_as_a_list_of_one() -> None:
    one = ARCHS[0]
    assert MODEL.predict(one).values.tolist() == MODEL.predict([one]).values.tolist()
    assert MODEL.with_measured().predict(one).values.tolist() == MODEL.with_measured().predict([one]).values.tolist()
    assert SPACE.encode(one).tolist() == SPACE.encode([one]).tolist()
    for value in (SIZE, MODEL, lambda arch: 3.0):
        constraint = hc.Constraint(value, most=2, probability=0)
        assert constraint.reasons(one) == constraint.reasons([one])
    assert SIZE(str(one)) == SIZE(list(one.genes)) == SIZE(one)


def test_measured_values_of_a_model_that_is_not_fitted() -> None:
    with pytest.raises(NotFittedError):
        hc.MeasuredFirst(cost_model("lut", SPACE)).predict(ARCHS)
