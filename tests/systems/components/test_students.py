"""Students within a run: what is planned and refused before a training, and runs that distil and search them."""

# ruff: noqa: E402 - nothing below can be imported without the optional packages

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("tokenizers")

from hwcost.errors import InterruptedRunError, UsageError
from hwcost.report import drawings
from hwcost.spaces.components import Components
from hwcost.supernets.components import ComponentSupernet
from hwcost.supernets.finetuning import scores
from hwcost.supernets.folding import keep_scales
from hwcost.supernets.heads import ElasticTaskNet
from hwcost.supernets.silver_gold import GOLD, RAMP, SILVER
from hwcost.supernets.training import read_log
from hwcost.supernets.tuned_folder import load_tuned
from hwcost.systems import Event, Settings, pipeline, results_of
from hwcost.systems.components.claims import claims
from hwcost.systems.components.distilling import Distilling
from hwcost.systems.components.presets import PRESETS
from hwcost.systems.components.results import Results
from tests.supernets.processes import together as in_processes
from tests.systems.comparing import differing

pytestmark = pytest.mark.torch

ON: dict[str, Any] = {
    "distillation.is_on": True, "sweep.direct_penalties": [], "sweep.sampled_penalties": [], "tuning.other.base.steps": 1,
    "timed_steps": 1,
}  # fmt: skip
TASKS = ("truecasing", "docstring")


def settings(text: Path, *tasks: str) -> Settings:
    return Settings("smoke", corpus=str(text), backend="null", tasks=tasks or TASKS)


def test_the_papers_sizes_are_the_printed_ones() -> None:
    """Appendix A.4: 704 silver and 64 gold sequences of MiniBERT, whose weight rises from 80 % on; off unless asked for."""
    for name in ("paper", "multilingual"):
        found = PRESETS[name].distillation
        assert not found.is_on
        assert (found.grid, found.shares, found.ramp, found.recipe.steps) == ("minibert", (SILVER, GOLD), RAMP, 2_000_000)
        made = pipeline("components", "nowhere", Settings(name, tasks=TASKS), dry_run=True)
        assert (made.taggers.direct_penalty, made.taggers.sampled_penalty) == (1e-3, 1e-5)  # appendix A.2
        assert made.preset.sampled_rate == 1e-2
    for preset in PRESETS.values():
        preset.distillation.check()
    assert not PRESETS["smoke"].distillation.is_on
    assert not PRESETS["quick"].distillation.is_on


def test_sequences_of_both_kinds_are_in_every_micro_batch() -> None:
    recipe = Distilling().recipe
    for accumulate, shares in ((1, (704, 64)), (64, (11, 1)), (256, (2, 1)), (384, (1, 1))):
        assert Distilling(recipe=replace(recipe, accumulate=accumulate)).shares == shares
    for wrong in ({"gold": 768}, {"gold": 0}, {"recipe": replace(recipe, accumulate=768)}):
        with pytest.raises(UsageError, match="has a labelled sequence and one that the teacher labels"):
            Distilling(**wrong).check()
    with pytest.raises(UsageError, match=r"distillation.ramp rises .* got \(1.0, 0.5\)"):
        Distilling(ramp=(1.0, 0.5)).check()


@pytest.mark.parametrize(
    ("sizes", "tasks", "told"),
    [
        ({}, ("docstring",), r"no task does: docstring \(classification\)"),
        ({"distillation.gold": 4}, TASKS, "a labelled sequence and one that the teacher labels"),
        ({"distillation.grid": "maxi"}, TASKS, "unknown grid 'maxi'"),
        ({"grid": "minibert", "distillation.grid": "mini"}, TASKS, "tokenizer of 120000 pieces, and grid 'mini' has"),
        ({"distillation.recipe.seq_len": 1000}, TASKS, "at most 512 tokens"),
        ({"direct_mode": "decay", "direct.steps": 10**9, "direct_rate": 0.01}, TASKS, "keep stepping over 0"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_trained(
    tmp_path: Path, sizes: dict[str, Any], tasks: tuple[str, ...], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        pipeline("components", tmp_path / "run", Settings("smoke", tasks=tasks), sizes=ON | sizes, dry_run=True).calls()


def planned(folder: Path) -> Any:
    sizes = ON | {"distillation.grid": "minibert"}
    return pipeline("components", folder / "run", Settings("smoke", tasks=TASKS), sizes=sizes, dry_run=True)


@pytest.mark.slow
def test_the_memory_of_a_distillation_is_that_of_student_and_teacher(tmp_path: Path) -> None:
    made = planned(tmp_path)
    found = made.trainings()["distillation.recipe"].memory().at(3, is_summed=False)
    nets = [of.params(of.base()) for of in (made.taggers.space, made.space)]
    assert found.parameters_bytes == pytest.approx(4 * sum(nets), rel=0.02)  # and the heads
    assert found.optimizer_bytes == pytest.approx(8 * nets[0], rel=0.02)


def test_students_are_part_of_the_plan(tmp_path: Path) -> None:
    """Components of a grid of its own are measured, and no more where nothing is distilled."""
    made = planned(tmp_path)
    own = [one for one in made.calls() if one.stage in ("distillation", "students")]
    stacks, nets = (one.nets or 0 for one in own)
    assert stacks > 10
    assert nets == 4  # teacher, whole student, and one of either search
    assert "distillation.recipe" in made.trainings()
    off = pipeline("components", tmp_path / "run", Settings("smoke", tasks=TASKS), dry_run=True)
    assert "distillation.recipe" not in off.trainings()
    assert {one.stage for one in off.calls()} == {"profile", "sweep", "winners"}


@pytest.fixture(scope="module")
def whole(text: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("whole") / "run"
    return folder, pipeline("components", folder, settings(text), sizes=ON).run()


@pytest.mark.slow
def test_a_run_distils_and_searches_students(whole: tuple[Path, dict[str, Any]], text: Path) -> None:
    """Tables 5 and 6 have a row for each; gold counts from 80 % on; every student can be loaded, and does as reported."""
    folder, report = whole
    results = results_of(report, Results)
    found = results.distillation
    assert (found.grid, found.profile, [one.task for one in found.tasks]) == ("mini", None, ["truecasing"])
    rows = {row.net: row for row in found.nets}
    assert list(rows) == ["student", "do", "do-r", "sdo", "sdo-r"]
    assert (rows["student"].cost, rows["do-r"].arch, rows["sdo-r"].arch) == (1.0, rows["do"].arch, rows["sdo"].arch)
    assert set(found.gates) == {"do on truecasing", "sdo on truecasing"}
    logs = list(read_log(folder / "do-truecasing-distillation"))
    assert [one.losses["gold"] > 0 for one in logs] == [False, False, False, True]
    assert set(results.students.speed_up) == {"student", "do on truecasing", "sdo on truecasing"}
    own = [one for one in claims(results) if "student" in one.claim]
    assert len(own) == 2
    assert all("the teacher's" in one.found and "accuracy on truecasing" in one.found for one in own)
    names = {one.name for one in drawings(report)}
    assert {"students", "students-latencies", "gates-do-on-truecasing", "gates-sdo-on-truecasing"} <= names
    taggers = pipeline("components", folder, settings(text), sizes=ON).taggers
    task, space = taggers.task("truecasing"), Components("mini")
    for name, row in rows.items():
        elastic = ElasticTaskNet(ComponentSupernet(space), task.target)
        model = elastic.extract(space.parse(row.arch))
        about = load_tuned(folder / "students" / f"{name}-truecasing", model)
        assert (about["arch"], about["grid"]) == (row.arch, "mini")
        assert scores(model, taggers.encoded(task))["validation"]["accuracy"] == pytest.approx(row.score)


@pytest.mark.slow
def test_students_of_another_grid_have_costs_of_their_own(text: Path, tmp_path: Path) -> None:
    """Their components are measured; what is left as scales is kept with the gates."""
    sizes = ON | {"distillation.grid": "mini-connected", "direct_scaled": True, "direct_penalty": 1e-3}
    report = pipeline("components", tmp_path / "run", settings(text), sizes=sizes).run()
    found = results_of(report, Results).distillation
    assert found.profile is not None
    assert "hjoint" in found.profile.shares
    assert len(found.gates["do on truecasing"][0]) == 20
    space = Components("mini-connected")
    taggers = pipeline("components", tmp_path / "run", settings(text), sizes=sizes).taggers
    elastic = ElasticTaskNet(ComponentSupernet(space), taggers.task("truecasing").target)
    row = next(row for row in found.nets if row.net == "do")
    assert keep_scales(elastic.net, torch.tensor(found.gates["do on truecasing"])) == space.parse(row.arch)
    model = elastic.extract(space.parse(row.arch))
    load_tuned(tmp_path / "run" / "students" / "do-truecasing", model)
    accuracy = scores(model, taggers.encoded(taggers.task("truecasing")))["validation"]["accuracy"]
    assert accuracy == pytest.approx(row.score)


@pytest.mark.slow
def test_a_distillation_is_interrupted_within_each_student_and_resumed(
    whole: tuple[Path, dict[str, Any]], text: Path, tmp_path: Path
) -> None:
    seen: set[str] = set()

    def tell(event: Event) -> None:
        if event.doing.startswith("distilling") and event.done == 3 and event.doing not in seen:
            seen.add(event.doing)
            raise KeyboardInterrupt

    for _ in range(5):
        with pytest.raises(InterruptedRunError):
            pipeline("components", tmp_path / "run", settings(text), tell, sizes=ON).run()
    again = pipeline("components", tmp_path / "run", settings(text), tell, sizes=ON).run()
    assert len(seen) == 5
    assert not list(differing(again["stages"], whole[1]["stages"]))


@pytest.mark.slow
def test_two_processes_distil_what_one_with_twice_the_micro_batches_does(text: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    recipes = ("base", "direct", "sampled", "retraining", "tuning.other.base", "distillation.recipe")
    twice = {f"{name}.accumulate": 2 for name in recipes}

    def run(folder: str, sizes: dict[str, Any]) -> dict[str, Any]:
        return pipeline("components", tmp_path / folder, settings(text), sizes=ON | sizes).run()

    in_processes(2, tmp_path, lambda: run("two", {}))
    shared = json.loads((tmp_path / "two" / "report.json").read_text())
    assert not list(differing(shared["stages"], run("one", twice)["stages"], scores=1e-3))
