"""A forked child reads and fits models without waiting for threads that it has not, whoever started those of its parent."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from hwcost.cost_models import cost_model, load
from hwcost.cost_models.families import boosters
from hwcost.spaces import space
from hwcost.testing.cost_models import PATIENCE_S
from tests.conftest import ROOT
from tests.cost_models.test_one_way import MANY, from_child, is_installed, questions

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
SPACE = space("supershaper")
BOOSTED = [name for name in ("lightgbm", "xgboost") if is_installed(name)]


def send_read(folder: Path, pickled: bytes, channel: Connection) -> None:
    channel.send([one.predict(questions()[:9]).values.tolist() for one in (load(folder), pickle.loads(pickled))])


@pytest.mark.parametrize("name", BOOSTED)
def test_a_forked_child_reads_what_its_parent_fitted_in_many_threads(name: str, tmp_path: Path) -> None:
    model = cost_model(name, SPACE, rounds=40, monotone=False).fit(questions(), questions().sum(axis=1))
    expected = model.predict(questions()[:9]).values.tolist()
    assert from_child("fork", send_read, model.save(tmp_path / "model"), pickle.dumps(model)) == [expected, expected]
    assert load(tmp_path / "model").predict(questions()[:9]).values.tolist() == expected  # so has the parent's own reading
    assert from_child("fork", send_read, tmp_path / "model", pickle.dumps(model)) == [expected, expected]


SCRIPT = f"""
import multiprocessing
import numpy as np

ROWS = np.random.default_rng(0).random(({MANY}, 12))

def fit(channel):
    from hwcost.cost_models.families import boosters
    booster = boosters.train_lightgbm(ROWS, ROWS.sum(axis=1), np.ones({MANY}), 3, 3, 0.1)
    channel.send(boosters.predict_lightgbm(booster, ROWS[:3]).tolist())

if __name__ == "__main__":
    import lightgbm
    lightgbm.train({{"num_threads": 2, "verbosity": -1}}, lightgbm.Dataset(ROWS, ROWS.sum(axis=1)), 3)
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=fit, args=(there,))
    child.start()
    print(here.recv() if here.poll({PATIENCE_S}) else "no answer")
    child.kill()
"""


def test_a_child_fits_whose_parent_used_the_library_without_hwcost(tmp_path: Path) -> None:
    script = tmp_path / "theirs.py"
    script.write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("["), done.stdout


def test_only_the_first_user_of_a_library_fits_in_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    name, users = "colorsys", dict[str, Any]()  # any module that nothing here needs
    monkeypatch.setattr(boosters, "threads", lambda rows: 8)
    monkeypatch.setattr(boosters, "_users", users)
    monkeypatch.delitem(sys.modules, name, raising=False)
    boosters.library(name)
    assert boosters.fitting_threads(MANY, name) == 8
    users[name] += 1  # as in a child
    assert boosters.fitting_threads(MANY, name) == 1
    users.clear()
    boosters.library(name)  # which is loaded by now, as if somebody else had done that
    assert boosters.fitting_threads(MANY, name) == 1
