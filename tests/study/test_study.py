"""The loop: what is kept, what ends it, what is refused, and that an interrupted search ends as if it had not been."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

from benchmarks.studies.planted import Gates
from hwcost import pareto
from hwcost.cost_models import cost_model
from hwcost.errors import (
    DataError,
    DeviceError,
    InfeasibleError,
    InterruptedRunError,
    MeasurementError,
    StoreError,
    UsageError,
)
from hwcost.objectives import Constraint, Maximize, Minimize, Params
from hwcost.spaces import space
from hwcost.study import search
from tests.conftest import ROOT

SPACE = space("supershaper", scale="mini")
SIZE = Params(SPACE)


def depth(arch) -> float:
    """A made-up quality: later layers count more."""
    return float(sum((place + 1) * math.sqrt(gene) for place, gene in enumerate(arch.genes)))


def both(**options):
    return search(SPACE, [Minimize(SIZE), Maximize(depth)], **{"searcher": "nsga2", "evaluations": 70, "seed": 2, **options})


def test_a_study_keeps_everything_it_evaluated() -> None:
    study = both()
    assert study.stopped == "70 evaluations"
    assert study.evaluations == study.iterations == len(study.trials) == 70
    assert [trial.number for trial in study.trials] == list(range(70))
    for trial in study.trials:
        assert trial.values == (SIZE(trial.architecture), depth(trial.architecture))
    losses = np.array([[size, -quality] for size, quality in (trial.values for trial in study.trials)])
    expected = sorted({tuple(row) for row in losses[pareto.front(losses)]})
    assert [(size, -quality) for size, quality in (trial.values for trial in study.front)] == expected
    corner = (2 * losses[:, 0].max(), 0.0)
    assert study.hypervolume(corner) == pytest.approx(pareto.hypervolume(losses, [corner[0], 0.0]))
    growth = study.convergence(corner)
    assert (np.diff(growth) >= 0).all()
    assert growth[-1] == pytest.approx(study.hypervolume(corner))


def test_one_objective_has_a_best_trial_and_several_have_not() -> None:
    study = search(SPACE, [Maximize(depth)], [Constraint(SIZE, most=400_000)], evaluations=300)
    assert study.best.values[0] == max(trial.values[0] for trial in study.completed)
    assert study.convergence()[-1] == study.best.values[0]
    assert SIZE(study.best.architecture) <= 400_000
    with pytest.raises(UsageError, match="has a front and no best trial"):
        _ = both().best
    with pytest.raises(UsageError, match="needs a reference point"):
        both().hypervolume()


@pytest.mark.parametrize(
    ("end", "message"),
    [
        ({"iterations": 25}, "25 iterations"),
        ({"evaluations": 30}, "30 evaluations"),
        ({"patience": 20}, "20 evaluations without improvement"),
        ({"seconds": 1e-9}, "1e-09 seconds"),
    ],
)
def test_searches_end(end, message) -> None:
    assert search(SPACE, [Minimize(SIZE)], searcher="random", batch=5, **end).stopped == message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "needs an end"),
        ({"evaluations": 0}, "positive number of evaluations, got 0"),
        ({"dominate": 3}, "needs a reference"),
        ({"evaluations": 3, "repeats": "never"}, "unknown policy for repeats"),
        ({"evaluations": 3, "objectives": [Minimize(SIZE), Maximize(depth)]}, "pursues 1 objective"),
        ({"evaluations": 3, "objectives": []}, "at least one objective"),
        ({"evaluations": 3, "objectives": [Minimize(SIZE), Minimize(SIZE)]}, "need different names"),
    ],
)
def test_searches_that_make_no_sense_are_refused(arguments, message) -> None:
    with pytest.raises(UsageError, match=message):
        search(SPACE, **{"objectives": [Minimize(SIZE)], **arguments})


def test_a_reference_is_evaluated_first_and_dominated_later() -> None:
    middle = SPACE.architecture([gene.choices[len(gene.choices) // 2] for gene in SPACE.genes])
    study = both(reference=middle, dominate=2, evaluations=None)
    assert study.trials[0].architecture == middle
    assert study.stopped == "2 architectures dominate the reference"
    for trial in study.dominating:
        assert trial.values[0] <= study.trials[0].values[0]
        assert trial.values[1] >= study.trials[0].values[1]
    assert study.hypervolume() > 0


def test_rejections_have_reasons() -> None:
    middle = float(np.median([SIZE(arch) for arch in SPACE.sample(99)]))
    study = search(SPACE, [Maximize(depth)], [Constraint(SIZE, most=middle)], evaluations=50)
    assert study.rejections
    assert len({rejection.architecture for rejection in study.rejections}) == len(study.rejections)
    for one in study.rejections[:20]:
        assert SIZE(one.architecture) > middle
        assert one.constraint == "params"
        assert one.reason == f"params {SIZE(one.architecture):.6g} is above {middle:.6g}"
    with pytest.raises(InfeasibleError, match="'params' rejected .* With all the first choices: params .* is above 1000"):
        search(SPACE, [Maximize(depth)], [Constraint(SIZE, most=1000.0)], evaluations=5)


def test_limits_that_are_told_back_make_trials_infeasible() -> None:
    limit = Constraint(depth, most=40.0, name="depth", measured=True)
    study = search(SPACE, [Minimize(SIZE)], [limit], evaluations=40, searcher="bayesian", searcher_options={"initial": 8})
    broken = [trial for trial in study.trials if trial.status == "infeasible"]
    assert broken
    for trial in broken:
        assert trial.violation == pytest.approx(trial.measured["depth"] / 40 - 1)
        assert "depth" in trial.reason
        assert trial.values == (SIZE(trial.architecture),)
    assert all(trial.measured["depth"] <= 40 for trial in study.completed)
    assert len(broken) < 20, "the searcher learns where the limit is"


def sometimes(arch) -> float:
    if arch.genes[0] == SPACE.genes[0].choices[0]:
        raise ValueError("too narrow")
    return math.nan if arch.genes[1] == SPACE.genes[1].choices[0] else depth(arch)


@pytest.mark.parametrize("name", ["random", "evolution", "nsga2", "firefly", "bayesian"])
def test_trials_that_fail_do_not_end_a_search(name) -> None:
    study = search(SPACE, [Maximize(sometimes)], searcher=name, iterations=200, seed=5)
    reasons = {trial.reason for trial in study.trials if trial.status == "failed"}
    assert reasons <= {
        "sometimes: ValueError: too narrow", "sometimes is nan: not a number, or outside what its cost model was fitted on"
    }  # fmt: skip
    assert all(trial.values == () for trial in study.trials if trial.status == "failed")
    assert study.best.status == "completed"


def test_a_search_in_which_everything_fails_says_why() -> None:
    def broken(arch):
        raise RuntimeError("no disk")

    with pytest.raises(MeasurementError, match="all of the first .* failed; the last one: broken: RuntimeError: no disk"):
        search(SPACE, [Minimize(broken)], evaluations=500, searcher="random", batch=5)

    def absent(arch):
        raise DeviceError("no such device here")

    with pytest.raises(DeviceError):
        search(SPACE, [Minimize(absent)], evaluations=5)


def test_repeats_are_told_again_or_evaluated_anew() -> None:
    calls = []

    def noisy(arch):
        calls.append(arch)
        return depth(arch) + 0.01 * len(calls)

    flies = {"population": 6}
    skipped = search(SPACE, [Maximize(noisy)], searcher="firefly", iterations=120, searcher_options=flies)
    assert len(calls) == skipped.evaluations == len(skipped.trials) < 120
    calls.clear()
    repeated = search(SPACE, [Maximize(noisy)], searcher="firefly", iterations=120, searcher_options=flies, repeats="repeat")
    assert len(calls) == len(repeated.trials) == 120
    assert repeated.evaluations == len(set(calls)) < 120


@pytest.mark.parametrize("pool", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_results_do_not_depend_on_who_evaluates(pool) -> None:
    with pool(2) as executor:
        shared = both(executor=executor)
    alone = both()
    assert [(trial.architecture, trial.values) for trial in shared.trials] == [
        (trial.architecture, trial.values) for trial in alone.trials
    ]


def test_a_measurement_that_is_not_valid_is_one_trials_end() -> None:
    def measured(arch) -> float:
        if arch.genes[0] > 30:
            raise MeasurementError("every visit is void")
        return depth(arch)

    study = search(SPACE, [Maximize(measured), Minimize(depth)], searcher="random", evaluations=40)
    failed = [trial for trial in study.trials if trial.status == "failed"]
    assert failed
    assert all(trial.reason == "measured: every visit is void" for trial in failed)


def test_batched_functions_that_break_fail_their_trials() -> None:
    class Broken(Params):
        def predict_codes(self, codes):
            raise ZeroDivisionError("no")

    with pytest.raises(MeasurementError, match="params: ZeroDivisionError: no"):
        search(SPACE, [Minimize(Broken(SPACE))], searcher="random", evaluations=40, batch=10)


def test_limits_that_are_told_back_have_names_of_their_own() -> None:
    limits = [Constraint(lambda arch: 10.0, most=5.0, measured=True), Constraint(lambda arch: 1.0, most=5.0, measured=True)]
    with pytest.raises(UsageError, match="need different names"):
        search(SPACE, [Minimize(SIZE)], limits, evaluations=3)
    limits[1].name = "second"
    study = search(SPACE, [Minimize(SIZE)], limits, evaluations=3)
    assert {trial.status for trial in study.trials} == {"infeasible"}
    assert study.trials[0].measured == {"<lambda>": 10.0, "second": 1.0}


def test_a_reference_is_given_once() -> None:
    arch = SPACE.sample(1)[0]
    with pytest.raises(UsageError, match="not both"):
        search(SPACE, [Minimize(SIZE, reference=1.0)], reference=arch, evaluations=3)


@pytest.mark.parametrize("name", ["random", "bayesian"])
def test_logs_of_another_fit_are_refused(tmp_path, name) -> None:
    """A cost model that was fitted anew has other values, whatever its folder is called."""
    archs = SPACE.sample(40)
    models = [cost_model("lut", SPACE).fit(archs, [scale * SIZE(arch) for arch in archs]) for scale in (1e-9, 2e-9)]
    log = tmp_path / "study.jsonl"
    for limits in ((), [Constraint(models[0], most=1.0, probability=0)]):
        log.unlink(missing_ok=True)
        options = {"searcher": name, "evaluations": 12, "log": log}
        search(SPACE, [Minimize(models[0], "latency")], limits, **options)
        search(SPACE, [Minimize(models[0], "latency")], limits, **options)
        with pytest.raises(DataError, match="holds another search: it has objectives="):
            search(SPACE, [Minimize(models[1], "latency")], limits, **options)
    with pytest.raises(DataError, match="holds another search: it has constraints="):
        search(SPACE, [Minimize(models[0], "latency")], [Constraint(models[0], most=1.0000001, probability=0)], **options)


def test_repeats_in_one_batch_resume_in_their_places(tmp_path) -> None:
    """Noisy values of equal architectures are told apart by their number."""
    of = Gates(2)
    values = iter(np.random.default_rng(0).random(10_000))

    def noisy(arch) -> float:
        time.sleep(0.001 * next(values))
        return next(values)

    log = tmp_path / "study.jsonl"
    options = {"searcher": "sdo", "repeats": "repeat", "searcher_options": {"samples": 8}, "log": log}
    with ThreadPoolExecutor(4) as executor:
        first = search(of, [Minimize(noisy)], iterations=80, executor=executor, **options)
    again = search(of, [Minimize(noisy)], iterations=80, **options)
    assert first.stopped == "80 iterations", "repeats are news where they are evaluated"
    assert plain(again) == plain(first)
    latest = {trial.architecture: trial.values[0] for trial in first.trials}
    assert first.best.values[0] == min(latest.values())


def test_functions_that_no_other_process_can_run_are_told() -> None:
    with ProcessPoolExecutor(1) as executor, pytest.raises(UsageError, match="no lambdas, no functions inside functions"):
        search(SPACE, [Maximize(lambda arch: depth(arch), "depth")], evaluations=5, executor=executor)


# -- the log ----------------------------------------------------------------------------------------------------------


def plain(study):
    return [(trial.number, trial.architecture, trial.values, trial.status, trial.reason) for trial in study.trials]


@pytest.mark.parametrize("name", ["random", "evolution", "nsga2", "firefly", "bayesian", "exhaustive"])
@pytest.mark.parametrize("after", [1, 23, 47])
def test_interrupted_searches_end_as_if_they_had_not_been(tmp_path, name, after) -> None:
    calls = []

    def slow(arch):
        calls.append(arch)
        if len(calls) == after:
            raise KeyboardInterrupt
        return depth(arch)

    log = tmp_path / "study.jsonl"
    options = {"searcher": name, "iterations": 60, "seed": 4}
    with pytest.raises(InterruptedRunError, match=f"{log}.*the same search resumes from it"):
        search(SPACE, [Maximize(slow)], log=log, **options)
    calls.clear()
    calls.extend([None] * after)
    resumed = search(SPACE, [Maximize(slow)], log=log, **options)
    assert plain(resumed) == plain(search(SPACE, [Maximize(depth, "slow")], **options))
    assert len(calls) - after == resumed.evaluations - (after - 1), "nothing is evaluated twice"


def test_a_longer_search_goes_on_from_a_shorter_one(tmp_path) -> None:
    log = tmp_path / "study.jsonl"
    both(log=log, evaluations=33)
    longer = both(log=log, evaluations=66)
    assert longer.evaluations == 66
    assert both(log=log, evaluations=66).trials == longer.trials


def test_a_line_that_was_cut_short_is_dropped(tmp_path) -> None:
    log = tmp_path / "study.jsonl"
    whole = both(log=log)
    text = log.read_bytes()
    for kept in (len(text) - 5, len(text) // 2, 40):
        log.write_bytes(text[:kept])
        assert plain(both(log=log)) == plain(whole)
        assert log.read_text().count('"event": "tell"') == 70


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 3}, "it has seed=2, and seed=3 was given"),
        ({"searcher": "random"}, "another search"),
        ({"batch": 4}, "it has batch=None, and batch=4 was given"),
        ({"about": {"model": "cpu"}}, "it has model=None"),
    ],
)
def test_logs_of_other_searches_are_refused(tmp_path, change, message) -> None:
    log = tmp_path / "study.jsonl"
    both(log=log)
    before = log.read_bytes()
    with pytest.raises(DataError, match=message):
        both(log=log, **change)
    assert log.read_bytes() == before


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: "hello\n" + text, "is not the log of a study"),
        (lambda text: text.replace('"schema_version": 2', '"schema_version": 1', 1), "Another version of hwcost wrote it"),
        (lambda text: text.replace('"event": "tell"', '"event": "tel', 1), "line 3 is damaged"),
        (lambda text: "[1]\n" + text, "is not the log of a study"),
    ],
)
def test_damaged_logs_are_told(tmp_path, damage, message) -> None:
    log = tmp_path / "study.jsonl"
    both(log=log)
    log.write_text(damage(log.read_text()))
    with pytest.raises(DataError, match=message):
        both(log=log)


def test_a_log_is_a_plain_file() -> None:
    """Some devices never end while they are read."""
    with pytest.raises(StoreError, match="cannot keep a study in '/dev/null': it is not a plain file"):
        both(log="/dev/null")


def test_a_changed_objective_is_noticed(tmp_path) -> None:
    """The log holds what was asked for; a searcher that was told otherwise asks otherwise."""
    log = tmp_path / "study.jsonl"
    both(log=log, evaluations=40)
    lines = log.read_text().splitlines()
    for number, line in enumerate(lines):
        event = json.loads(line)
        if event["event"] == "tell":
            lines[number] = json.dumps({**event, "values": [-value for value in event["values"]]})
    log.write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match="asks for other architectures"):
        both(log=log)


def test_a_killed_search_ends_in_the_same_study(tmp_path) -> None:
    """kill -9 at some evaluation, then the same search."""
    script = tmp_path / "run.py"
    script.write_text(
        "import sys, time\n"
        "from tests.study.test_study import both, depth, SPACE\n"
        "from hwcost.objectives import Maximize\n"
        "from hwcost.study import search\n"
        "def slow(arch):\n    time.sleep(0.02)\n    return depth(arch)\n"
        "search(SPACE, [Maximize(slow)], searcher='evolution', evaluations=150, seed=1, log=sys.argv[1])\n"
    )
    log = tmp_path / "study.jsonl"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, str(script), str(log)], cwd=ROOT, env=environment)
    while process.poll() is None and (not log.exists() or log.read_text().count('"tell"') < 30):
        time.sleep(0.01)
    process.kill()
    assert process.wait() == -signal.SIGKILL, "the search was over before it was killed"
    calls = []

    def slow(arch):
        calls.append(arch)
        return depth(arch)

    found = search(SPACE, [Maximize(slow)], searcher="evolution", evaluations=150, seed=1, log=log)
    assert plain(found) == plain(search(SPACE, [Maximize(depth, "slow")], searcher="evolution", evaluations=150, seed=1))
    assert len(calls) <= 120


def test_unwritable_logs_are_told(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot keep a study in"):
        both(log=tmp_path / "file" / "study.jsonl")


def test_a_name_is_no_space() -> None:
    with pytest.raises(UsageError, match=r"needs a search space, such as hwcost.space\('supershaper'\), got 'supershaper'"):
        search("supershaper", [Minimize(lambda arch: 1.0)], evaluations=2)


@pytest.mark.parametrize(
    ("objectives", "constraints", "said"),
    [
        (Maximize(depth), (), "objectives: a list of .* got Maximize"),
        ([depth], (), "objectives: a list of .* got <function depth"),
        ([Maximize(depth)], SIZE, "constraints: a list of .* got "),
    ],
)
def test_what_is_not_a_list_of_the_right_things_is_refused(objectives, constraints, said) -> None:
    with pytest.raises(UsageError, match=said):
        search(SPACE, objectives, constraints, evaluations=5)
