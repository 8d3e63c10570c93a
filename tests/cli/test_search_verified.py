"""``hwcost search --verify``: the time of its measurements, and a search that ends before it is done."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hwcost.cli.main import invoke
from hwcost.cost_models import cost_model
from hwcost.cost_models.training.intervals import calibrate
from hwcost.spaces import space

pytestmark = pytest.mark.usefixtures("laws_here")

SPACE = space("supershaper", scale="mini")
NAME = "supershaper:scale=mini"


@pytest.fixture
def verifying(tmp_path) -> list[str]:
    """A command that verifies by several campaigns, since its cost model knows little."""
    archs = SPACE.sample(40, seed=0)
    seconds = [1e-3 * math.exp(0.1 * rank) for rank in np.random.default_rng(0).standard_normal(40)]
    calibrate(cost_model("lut", SPACE).fit(archs, seconds), archs, seconds).save(tmp_path / "latency")
    command = ["search", "--minimize", str(tmp_path / "latency"), "--constraint", "params>=200k", "-n", "40"]
    return [*command, "--verify", "6", "--backend", "null", "--store", str(tmp_path / "w.db"), "--json", "-"]


class Killed(BaseException):
    """The end of a process, which nothing catches."""


def cut_between_rounds(monkeypatch, how: type[BaseException]) -> None:
    """Lets the next verification end before its model learns what the first round measured."""
    from hwcost.study import verification

    learned = verification._learned

    def cut(*given: object) -> None:
        monkeypatch.setattr(verification, "_learned", learned)
        raise how

    monkeypatch.setattr(verification, "_learned", cut)


def budgets_of(monkeypatch) -> list[float | None]:
    """Returns a list that takes the budget of every campaign that is run."""
    from hwcost.campaign import run as campaign

    run, given = campaign.run, []

    def noted(store, campaign_id, *, budget_s, **options):
        given.append(budget_s)
        return run(store, campaign_id, budget_s=budget_s, **options)

    monkeypatch.setattr(campaign, "run", noted)
    return given


def test_a_search_that_is_killed_between_two_rounds_goes_on_with_what_it_measured(verifying, tmp_path, monkeypatch) -> None:
    from hwcost.stores import open_store

    cut_between_rounds(monkeypatch, Killed)
    with pytest.raises(Killed):
        invoke(verifying)
    with open_store(tmp_path / "w.db") as store:
        (first,) = store.campaigns()
    given = budgets_of(monkeypatch)
    assert invoke([*verifying, "--budget", "40s"]) == 0
    assert given[0] == 0.0  # it has its rounds, and gets no further one
    assert given[1] > 20
    with open_store(tmp_path / "w.db") as store:
        found = store.campaigns()
    assert (found[0].campaign_id, len(found)) == (first.campaign_id, 2)
    assert {one.status for one in found} == {"done"}


def test_measurements_of_winners_share_a_budget(capsys, verifying, monkeypatch) -> None:
    given = budgets_of(monkeypatch)
    assert invoke([*verifying, "--budget", "40s"]) == 0
    assert given[0] == pytest.approx(20, abs=0.1)
    assert given[0] < given[1] < 40
    capsys.readouterr()
    assert invoke(["search", "--space", NAME, "--minimize", "params", "--budget", "8s"]) == 2
    assert "give one of them. --seconds and --evaluations bound the search itself" in capsys.readouterr().err


def test_an_interrupted_search_goes_on_with_what_it_measured(capsys, verifying, tmp_path, monkeypatch) -> None:
    """After Ctrl-C within a round of a verification, and between two rounds; a finished search measures anew."""
    from hwcost.campaign import run as campaign
    from hwcost.stores import open_store

    command = verifying
    finish, begun = campaign.run, []

    def cut_at(number: int) -> None:
        def run(store, campaign_id, *, progress, **options):
            begun.append(campaign_id)
            if len(begun) != number:
                return finish(store, campaign_id, progress=progress, **options)
            seen = []

            def cut(state) -> None:
                seen.append(state)
                if len(seen) == 12:
                    raise KeyboardInterrupt

            return finish(store, campaign_id, progress=cut, **options)

        begun.clear()
        monkeypatch.setattr(campaign, "run", run)

    cut_at(2)
    assert invoke(command) == 130
    said = capsys.readouterr().err
    assert said.endswith("visits are kept. The same command goes on with it where it finds the same winners.\n")
    first = list(begun)
    cut_at(0)
    cut_between_rounds(monkeypatch, KeyboardInterrupt)
    assert invoke(command) == 130
    said = capsys.readouterr().err
    assert said.endswith("what was measured is kept. The same command goes on with it where it finds the same winners.\n")
    assert begun == first[:1]
    cut_at(0)
    assert invoke(command) == 0
    assert f"an interrupted search measured them in campaign {first[1]}" in capsys.readouterr().err
    assert begun[:2] == first
    with open_store(tmp_path / "w.db") as store:
        assert [(one.campaign_id, one.status) for one in store.campaigns()] == [(one, "done") for one in begun]
        for one in begun:
            visits = [(record.visit.round, record.visit.workload_key) for record in store.records(one)]
            assert len(set(visits)) == len(visits)
    assert invoke(command) == 0
    assert not set(begun[-2:]) & set(first)
