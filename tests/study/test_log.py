"""The log of a study: an interrupted search ends as if it had not been, and logs of other searches are refused."""

from __future__ import annotations

import functools
import hashlib
import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from benchmarks.studies.planted import Gates
from hwcost.cost_models import cost_model
from hwcost.errors import (
    BusyError,
    DataError,
    DeviceError,
    InterruptedRunError,
    StoreError,
)
from hwcost.objectives import Constraint, Maximize, Minimize
from hwcost.study import search
from hwcost.study.sources import code_digest
from tests.conftest import PATIENCE_S, ROOT
from tests.spaces.test_reading import Operations
from tests.study.searches import SIZE, SPACE, both, depth, plain


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


def test_what_runs_beside_an_error_that_ends_the_search_is_kept(tmp_path) -> None:
    calls: list[str] = []
    runs = threading.Event()

    def quality(arch) -> float:
        calls.append(SPACE.key(arch))
        if len(calls) == 1:
            assert runs.wait(PATIENCE_S)
            raise DeviceError("the device is gone")
        runs.set()
        time.sleep(0.05)
        return depth(arch)

    log = tmp_path / "study.jsonl"
    with ThreadPoolExecutor(2) as executor, pytest.raises(DeviceError, match="the device is gone"):
        search(SPACE, [Maximize(quality)], searcher="random", evaluations=40, batch=40, executor=executor, log=log)
    assert {event["arch"] for event in map(json.loads, log.open()) if event["event"] == "tell"} == set(calls[1:])
    assert len(calls) < 40, "those that wait are not begun"


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


def test_a_search_that_is_interrupted_while_it_resumes_tells_of_all_that_is_kept(tmp_path) -> None:
    log = tmp_path / "study.jsonl"
    both(log=log, evaluations=66)

    def interrupted(state) -> None:
        raise KeyboardInterrupt

    with pytest.raises(InterruptedRunError, match="66 evaluations are kept"):
        both(log=log, evaluations=99, progress=interrupted)
    assert both(log=log, evaluations=66).evaluations == 66


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


def test_a_killed_search_ends_in_the_same_study(tmp_path, monkeypatch) -> None:
    """kill -9 at some evaluation, then the same search."""
    (tmp_path / "slow_quality.py").write_text(
        "import os, time\n"
        "from tests.study.searches import depth\n"
        "calls = []\n"
        "def slow(arch):\n"
        "    calls.append(arch)\n"
        "    time.sleep(60 if 'STALLS' in os.environ and len(calls) >= 40 else 0)\n"  # until it is killed
        "    return depth(arch)\n"
    )
    script = (
        "import sys\n"
        "from hwcost.objectives import Maximize\n"
        "from hwcost.study import search\n"
        "from slow_quality import slow\n"
        "from tests.study.searches import SPACE\n"
        "search(SPACE, [Maximize(slow)], searcher='evolution', evaluations=150, seed=1, log=sys.argv[1])\n"
    )
    log = tmp_path / "study.jsonl"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)]), "STALLS": "1"}
    process = subprocess.Popen([sys.executable, "-c", script, str(log)], cwd=ROOT, env=environment)
    while process.poll() is None and (not log.exists() or log.read_text().count('"tell"') < 39):
        time.sleep(0.01)
    process.kill()
    assert process.wait() == -signal.SIGKILL, "the search was over before it was killed"
    monkeypatch.syspath_prepend(tmp_path)
    own = importlib.import_module("slow_quality")
    found = search(SPACE, [Maximize(own.slow)], searcher="evolution", evaluations=150, seed=1, log=log)
    monkeypatch.delitem(sys.modules, "slow_quality")
    assert plain(found) == plain(search(SPACE, [Maximize(depth, "slow")], searcher="evolution", evaluations=150, seed=1))
    assert len(own.calls) == 150 - 39


QUALITY = "FACTOR = 1\ndef score(arch):\n    return FACTOR * float(sum(arch.genes))\n"
AS_CLASS = (
    "FACTOR = 1\nclass Score:\n    name = 'score'\n    def __init__(self, space):\n        self.space = space\n"
    "    def __call__(self, arch):\n        return FACTOR * float(sum(arch.genes))\n"
)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        (QUALITY, lambda own: own.score),
        (QUALITY, lambda own: functools.partial(own.score)),
        (AS_CLASS, lambda own: own.Score(SPACE)),
        (AS_CLASS, lambda own: own.Score(SPACE).__call__),
    ],
    ids=["function", "partial", "object", "method"],
)
def test_scores_of_other_code_are_refused(tmp_path, monkeypatch, text, made) -> None:
    """A helper of the function counts too: it is in the same file."""
    path, log = tmp_path / "quality.py", tmp_path / "study.jsonl"
    monkeypatch.syspath_prepend(tmp_path)

    def searched(code: str) -> object:
        path.write_text(code)
        importlib.invalidate_caches()
        sys.modules.pop("quality", None)
        own = importlib.import_module("quality")
        how = {"searcher": "random", "evaluations": 12, "log": log}
        limit = Constraint(made(own), most=1e9, measured=True, name="limit")
        return plain(search(SPACE, [Maximize(made(own), "score")], [limit], **how))

    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    first = searched(text)
    assert searched(text) == first
    changed = text.replace("FACTOR = 1", "FACTOR = 2")
    with pytest.raises(DataError, match="study.jsonl' cannot be resumed: the code of the objective 'score' has changed"):
        searched(changed)
    lines = log.read_text().splitlines(keepends=True)
    header = json.loads(lines[0])
    assert len(header.pop("code_sha256")) == 2
    log.write_text("".join([json.dumps(header) + "\n", *lines[1:]]))  # as earlier releases wrote it
    assert searched(changed) == first
    monkeypatch.delitem(sys.modules, "quality")


def test_a_script_may_change_around_its_function(tmp_path) -> None:
    """A longer search by the same script goes on; another function in it does not."""
    log = tmp_path / "study.jsonl"
    text = (
        "import sys\n"
        "from hwcost.objectives import Maximize\n"
        "from hwcost.study import search\n"
        "from tests.study.searches import SPACE\n"
        "def score(arch):\n"
        "    return float(sum(arch.genes))\n"
        "found = search(SPACE, [Maximize(score)], searcher='random', evaluations=12, log=sys.argv[1])\n"
        "print(found.evaluations)\n"
    )

    def ran(code: str) -> subprocess.CompletedProcess[str]:
        script = tmp_path / "script.py"
        script.write_text(code)
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, str(script), str(log)]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert ran(text).stdout == "12\n"
    assert ran(text.replace("=12", "=20")).stdout == "20\n"
    assert "the code of the objective 'score' has changed" in ran(text.replace("float(sum", "-float(sum")).stderr


def test_only_code_of_the_user_is_compared() -> None:
    assert code_digest(SIZE) is None
    assert code_digest(cost_model("lut", SPACE)) is None
    assert code_digest(len) is None
    assert code_digest(depth) == hashlib.sha256((ROOT / "tests/study/searches.py").read_bytes()).hexdigest()


def test_a_log_is_kept_by_one_search_at_a_time(tmp_path) -> None:
    log = tmp_path / "study.jsonl"

    def nested(arch):
        before = log.read_bytes()
        with pytest.raises(BusyError, match=f"'{log}' is being written by process {os.getpid()}, which runs a search"):
            both(log=log)
        assert log.read_bytes() == before
        return depth(arch)

    search(SPACE, [Maximize(nested)], searcher="random", evaluations=2, log=log)
    assert [path.name for path in tmp_path.iterdir()] == ["study.jsonl"]
    with pytest.raises(DataError, match="another search"):
        both(log=log)
    assert [path.name for path in tmp_path.iterdir()] == ["study.jsonl"], "a search that is refused holds nothing"


def test_unwritable_logs_are_told(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot keep a study in"):
        both(log=tmp_path / "file" / "study.jsonl")


def test_a_search_of_operations_with_underscores_is_resumed(tmp_path) -> None:
    made = Operations()
    how = {"searcher": "random", "evaluations": made.size, "log": tmp_path / "study.jsonl"}
    first = search(made, [Maximize(len_of_key)], **how)
    again = search(made, [Maximize(refused, name="len_of_key")], **how)
    assert plain(again) == plain(first)
    assert len(again.trials) == made.size


def len_of_key(arch) -> float:
    return float(len(str(arch)))


def refused(arch) -> float:
    raise AssertionError("the log knows every trial")
