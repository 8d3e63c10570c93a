"""``hwcost measure --few``: what is chosen, shown, measured, resumed and refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import hwcost as hc
from hwcost.cli.main import invoke
from hwcost.errors import UsageError

pytestmark = pytest.mark.usefixtures("laws_here")

MINI = "supershaper:scale=mini"
MEASURE = ["measure", "--backend", "null", "--space", MINI, "--seq-len", "16"]
LAWS = [{"flops_per_s": 1e11}, {"flops_per_s": 3e10, "overhead_s": 1e-4}, {"bytes_per_s": 2e9}]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Folders of models of three made-up devices."""
    folder, space = tmp_path_factory.mktemp("models"), hc.space("supershaper", scale="mini")
    rows = space.sample(30, seed=0)
    how: dict[str, Any] = {"backend": "null", "seq_len": 16, "rounds": 2, "store": folder / "s.db"}
    made = [hc.fit(hc.measure(rows, backend_options=law, **how), "lut") for law in LAWS]
    return [str(one.save(folder / f"device{i}")) for i, one in enumerate(made)]


def priors(models: list[str]) -> list[str]:
    return [text for one in models for text in ("--prior", one)]


def test_the_choice_is_shown_before_it_is_measured(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, models: list[str]
) -> None:
    asked = [*MEASURE, "--few", "4", *priors(models), "--store", str(tmp_path / "s.db"), "--dry-run"]
    assert invoke([*asked, "--json", "-"]) == 0
    document = json.loads(capsys.readouterr().out)
    widths = [one["expected_half_width"] for one in document["few"]]
    assert len(document["plan"]["items"]) == 4
    assert widths == sorted(widths, reverse=True)
    assert [Path(one).name for one in document["plan"]["prior"]] == ["device0", "device1", "device2"]
    assert invoke(asked) == 0
    assert "expected 90 %" in " ".join(capsys.readouterr().out.split())
    assert not (tmp_path / "s.db").exists()


def test_a_goal_ends_it_before_all_are_measured_and_it_is_resumed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, models: list[str]
) -> None:
    store = ["--store", str(tmp_path / "s.db")]
    asked = [*MEASURE, "--few", "12", *priors(models), *store, "--until", "interval<=5%"]
    assert invoke([*asked, "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert 3 <= len(found["measurements"]) < 12
    assert all(one["latency_s"] is not None for one in found["measurements"])
    assert (found["until"][0]["goal"], found["until"][0]["met"], found["complete"]) == ("interval<=5%", True, True)
    assert invoke(["measure", "--resume", *store, *priors(models), "--few", "12", "--json", "-"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert [one["latency_s"] for one in again["measurements"]] == [one["latency_s"] for one in found["measurements"]]
    assert invoke(["measure", "--resume", *store, "--prior", "auto"]) == 2
    assert "was planned with --prior" in capsys.readouterr().err
    out = str(tmp_path / "model")
    assert invoke(["fit", str(tmp_path / "s.db"), *priors(models), "--out", out]) == 0


@pytest.mark.slow
def test_what_cannot_be_reached_measures_all_and_says_so(tmp_path: Path, models: list[str]) -> None:
    space = hc.space("supershaper", scale="mini")
    result = hc.measure(
        space, few=5, prior=[hc.load(one) for one in models], backend="null", seq_len=16, store=tmp_path / "s.db",
        until="interval<=0.01%", backend_options={"process_noise": 0.01},
    )  # fmt: skip
    assert all(one.latency_s is not None for one in result.measurements)
    assert len(result.measurements) == 5
    assert "I_UNTIL" in {flag.code for flag in result.flags}
    cost = hc.fit(result, prior=models)
    truth = hc.measure(space.sample(10, seed=9), backend="null", seq_len=16, store=tmp_path / "t.db", rounds=2)
    for one in truth.measurements:
        assert cost(one.workload.architecture) == pytest.approx(one.latency_s, rel=0.05)  # type: ignore[attr-defined]


def test_it_chooses_among_named_architectures(capsys: pytest.CaptureFixture[str], tmp_path: Path, models: list[str]) -> None:
    space = hc.space("supershaper", scale="mini")
    named = [text for arch in space.sample(6, seed=4) for text in ("--arch", space.key(arch))]
    asked = [*MEASURE, "--few", "3", *priors(models), *named, "--store", str(tmp_path / "s.db")]
    assert invoke([*asked, "--dry-run", "--json", "-"]) == 0
    assert {one["architecture"] for one in json.loads(capsys.readouterr().out)["few"]} < set(named)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--few", "2"], "needs 3 at the least"),
        (["--few", "3", "-n", "5"], "-n has no effect with --few"),
        (["--few", "3", "--components"], "--components has no effect with --few"),
        (["--few", "3", "--batch-size", "1,2"], "measured at one shape"),
        (["--few", "3", "--space", "supershaper"], "is of space"),
        (["--few", "3", "--prior", "no/such/folder"], "holds no cost model"),
        (["-n", "5"], "--prior has no effect without --few N"),
    ],
)
def test_what_contradicts_it_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, models: list[str], arguments: list[str], says: str
) -> None:
    store = ["--store", str(tmp_path / "s.db")]
    assert invoke([*MEASURE, *store, *priors(models), *arguments]) == 2
    assert says in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "s.db").exists()


def test_three_of_one_architecture_and_no_prior_are_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, models: list[str]
) -> None:
    space = hc.space("supershaper", scale="mini")
    one = space.key(space.sample(1, seed=0)[0])
    assert invoke([*MEASURE, "--few", "3", *priors(models), *["--arch", one] * 3]) == 2
    assert "1 different architecture to choose among" in " ".join(capsys.readouterr().err.split())
    assert invoke([*MEASURE, "--few", "3"]) == 2
    assert "give --prior DIR or --prior auto" in " ".join(capsys.readouterr().err.split())
    with pytest.raises(UsageError, match="give prior= too"):
        hc.measure(space, few=3, backend="null", store=tmp_path / "s.db")
    with pytest.raises(UsageError, match="give few= too"):
        hc.measure(space.sample(3), prior="auto", backend="null", store=tmp_path / "s.db")
