"""Systems with the user's parts: one table's cost model with evolution, SDO and BO in each, and nothing is measured."""

# ruff: noqa: E402 - nothing below can be imported without the optional packages

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("tokenizers")
pytest.importorskip("matplotlib")

import hwcost as hc
from hwcost.errors import DataError, InterruptedRunError, UsageError
from hwcost.report import drawings
from hwcost.spaces import SearchSpace
from hwcost.systems import Event, Settings, pipeline

pytestmark = [pytest.mark.torch, pytest.mark.once, pytest.mark.usefixtures("one_thread")]

SPACES = {
    "supershaper": ("supershaper", {"scale": "mini"}), "autodistil": ("autodistil", {"subspace": "tiny", "scale": "mini"}),
    "autodistill": ("autodistill", {"scale": "mini"}), "components": ("components", {"grid": "mini"}),
}  # fmt: skip
SIZES: dict[str, dict[str, Any]] = {
    "supershaper": {"evaluations": 10},
    "autodistil": {"candidates": 7, "tuned": 5, "compared": 1, "tuning.other.base.steps": 1},
    "autodistill": {"evaluations": 7, "winners": 1}, "components": {"evaluations": 7, "tuning.other.base.steps": 1},
}  # fmt: skip
SEARCHED = {"supershaper": "search", "autodistil": "agnostic", "autodistill": "search", "components": "search"}
"""The first stage of each system that the searcher has a part in."""
NEXT = {"supershaper": "winners", "autodistil": "winners", "autodistill": "winners", "components": "retraining"}
"""The first stage behind those."""
LONG = (("components", "evolution"), ("components", "bayesian"), ("autodistill", "bayesian"))
"""Systems and searchers of which a run takes long: a model of 68 gates, and a distillation each time."""
AGAIN = (("supershaper", "evolution"), ("supershaper", "sdo"), ("autodistil", "bayesian"), ("autodistill", "sdo"))
"""Those of which the searcher is seen in another system and the system with another searcher."""
SEARCHERS: dict[str, dict[str, Any]] = {"evolution": {"population": 4}, "sdo": {"samples": 3}, "bayesian": {"initial": 6}}


def table(space: SearchSpace, path: Path, seed: int = 0) -> Path:
    """Writes the latencies of another machine: a law of the parameters, with noise."""
    rng, archs = np.random.default_rng(seed), space.sample(48, seed=seed, design="spread")
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow([*(gene.name for gene in space.genes), "latency_s"])
        for arch in archs:
            rows.writerow([*arch.genes, (1e-3 + 2e-8 * space.params(arch)) * np.exp(rng.normal(0, 0.01))])
    return path


def made(name: str, folder: Path, text: Path, cost: Any, tell: Callable[[Event], None] = lambda event: None, **parts: Any):
    settings = Settings("smoke", corpus=str(text), backend="null")
    return pipeline(name, folder, settings, tell, cost=cost, **{"sizes": SIZES[name], **parts})


def until(stage: str) -> Callable[[Event], None]:
    def stop(event: Event) -> None:
        if (event.stage, event.doing) == (stage, "begins"):
            raise KeyboardInterrupt

    return stop


@pytest.fixture(scope="module")
def begun(text: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, Path]]:
    """Returns a system's table, and a folder in which everything is finished that comes before its searches."""
    kept: dict[str, tuple[Path, Path]] = {}

    def begin(name: str) -> tuple[Path, Path]:
        if name not in kept:
            torch.set_num_threads(1)
            folder = tmp_path_factory.mktemp(name)
            space, options = SPACES[name]
            source = table(hc.space(space, **options), folder / "k80.csv")
            with pytest.raises(InterruptedRunError):
                made(name, folder / "run", text, source, until(SEARCHED[name])).run()
            kept[name] = source, folder / "run"
        source, run = kept[name]
        (run / "pipeline.json").unlink(missing_ok=True)  # what is finished is the same with any searcher
        shutil.rmtree(run / "studies", ignore_errors=True)
        numbers = {path: int(path.name.partition("-")[0]) for path in (run / "stages").iterdir()}
        first = next((number for path, number in numbers.items() if path.stem.endswith(SEARCHED[name])), 99)
        for path, number in numbers.items():
            if number >= first:
                path.unlink()
        return source, run

    return begin


@pytest.mark.parametrize(
    "name",
    ["supershaper", *(pytest.param(name, marks=pytest.mark.slow) for name in ("autodistil", "autodistill", "components"))],
)
def test_a_table_of_another_machine_drives_a_whole_run(begun, text: Path, name: str) -> None:
    source, folder = begun(name)
    given: dict[str, Any] = {"searcher": "evolution", "searcher_options": SEARCHERS["evolution"]}
    report = made(name, folder, text, source, **given).run()
    assert report["device"] is None
    assert not (folder / "measurements.db").exists()
    assert " of k80.csv" in str(report["parts"]["cost"])
    told = [verdict for verdict in report["verdicts"] if "measured" in verdict["claim"]]
    assert told or name == "supershaper"
    assert not any(verdict["holds"] for verdict in told)
    unmeasured = ("not measured", "its gates are those of the base net")
    assert all(verdict["found"].startswith(unmeasured) for verdict in told)
    assert drawings(report)
    assert made(name, folder, text, source, **given).run() == report


@pytest.mark.parametrize(
    ("name", "searcher"),
    [
        pytest.param(name, searcher, marks=pytest.mark.slow if (name, searcher) in (*LONG, *AGAIN) else ())
        for name in SPACES for searcher in SEARCHERS
    ],
)  # fmt: skip
def test_any_searcher_searches_with_it(begun, text: Path, name: str, searcher: str) -> None:
    source, folder = begun(name)
    given: dict[str, Any] = {"searcher": searcher, "searcher_options": SEARCHERS[searcher]}
    with pytest.raises(InterruptedRunError):
        made(name, folder, text, source, until(NEXT[name]), **given).run()
    logs = [log.read_text() for log in (folder / "studies").iterdir() if log.stem != "random"]
    assert logs
    assert all(f'"searcher": "{searcher}"' in log for log in logs)


def test_a_resumed_run_is_given_the_same_parts(begun, text: Path, tmp_path: Path) -> None:
    source, folder = begun("supershaper")
    same: dict[str, Any] = {"searcher": "random", "constraints": ["params:paper<=0.9x"]}
    report = made("supershaper", folder, text, source, **same).run()
    assert report["stages"]["search"]["winners"][0]["limit"] == "given"
    space = hc.space("supershaper", scale="mini")
    found = space.parse(report["stages"]["search"]["winners"][0]["arch"])
    largest = space.architecture([gene.choices[-1] for gene in space.genes])
    assert space.params(found, "paper") <= 0.9 * space.params(largest, "paper")
    other = table(space, tmp_path / "other.csv", seed=1)
    for changed, told in (
        ({"searcher": "bayesian"}, "searcher='random'"), ({"constraints": ["params<=1M"]}, "constraints="),
        ({"sizes": {"evaluations": 13}}, "sizes.evaluations=10"), ({"searcher": "sdo", "estimator": "score"}, "searcher="),
    ):  # fmt: skip
        with pytest.raises(DataError, match=f"holds a run with other settings: it has {told}"):
            made("supershaper", folder, text, source, **{**same, **changed})
    with pytest.raises(DataError, match=r"it has cost\.supershaper="):
        made("supershaper", folder, text, other, **same)
    hc.fit(source, space=space).save(tmp_path / "model")
    assert made("supershaper", folder, text, tmp_path / "model", **same).run() == report  # the same content, from a folder


def test_what_does_not_fit_is_refused_before_anything_is_trained(text: Path, tmp_path: Path) -> None:
    space = hc.space("supershaper", scale="mini")
    source, folder = table(space, tmp_path / "k80.csv"), tmp_path / "run"
    lut = hc.fit(source, space=space, model="lut")
    gates = hc.space("components", grid="mini")
    trees = hc.fit(table(gates, tmp_path / "gates.csv"), space=gates, model="lightgbm")
    small = table(hc.space("autodistil", subspace="small", scale="mini"), tmp_path / "small.csv")
    for name, cost, parts, told in (
        ("autodistill", lut, {}, r"is of space 'supershaper' .*scale=mini.*; expected a cost model of space 'autodistill'"),
        ("autodistil", source, {}, r"^\S*k80.csv: line 1: space 'autodistil' needs the column 'layers'"),
        ("autodistil", tmp_path / "absent.csv", {}, r"^\S*absent.csv: No such file or directory. Give the path of\D*$"),
        ("autodistil", [small, small], {}, "two cost models of space 'autodistil'"),
        ("components", trees, {}, "needs a table over genes, which 'lightgbm' is not"),
        ("components", None, {"constraints": ["latency_s<=1ms"]}, "'latency_s' is a quantity.* with --cost"),
        ("supershaper", None, {"constraints": ["latency_s<=10M"]}, "bounds a time"),
        ("supershaper", None, {"constraints": ["params:printed<=66M"]}, "accounting"),
        ("supershaper", None, {"searcher": "evolutoin"}, "Did you mean 'evolution'"),
        ("supershaper", None, {"searcher_options": {"population": 3}}, "need the searcher that takes them"),
        ("supershaper", None, {"searcher": "evolution", "searcher_options": {"populaton": 3}}, "does not take these"),
        ("autodistill", None, {"searcher": "evolution", "searcher_options": {"population": -3}}, "population"),
        ("components", None, {"searcher": "sdo", "searcher_options": {"samples": "few"}}, "one has a wrong type"),
        ("supershaper", None, {"estimator": "score"}, "takes no estimator"),
        ("components", None, {"estimator": "scores"}, "unknown estimator 'scores'"),
        ("supershaper", None, {"sizes": {"recipe.step": 3}}, r"no field 'recipe.step' of the preset. Known in recipe: st"),
        ("supershaper", None, {"sizes": {"recipe.steps": 1.5}}, r"'recipe.steps' cannot be 1.5: .*integer"),
        ("supershaper", None, {"sizes": {"recipe": 3}}, "has fields of its own; set one of recipe.steps"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=told):
            made(name, folder, text, cost, **parts)
    assert not folder.exists()


def test_a_model_of_half_the_space_searches_that_half(begun) -> None:
    stages = {path.name: json.loads(path.read_text()) for path in (begun("autodistil")[1] / "stages").iterdir()}
    assert stages["2-superlm_tiny.json"]["result"]["curves"] is not None
    assert stages["4-superlm_base.json"]["result"]["curves"] is None
