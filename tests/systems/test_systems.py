"""The four systems at their smallest, on a law in place of a device: whole, interrupted anywhere, and killed."""

# ruff: noqa: E402 - nothing below can be imported without the optional packages

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict, fields, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("tokenizers")
pytest.importorskip("matplotlib")

from hwcost.campaign.rounds.progress import Progress
from hwcost.errors import DataError, InterruptedRunError
from hwcost.report import drawings, write_page
from hwcost.spaces import space as make_space
from hwcost.supernets import subnet
from hwcost.systems import PIPELINES, Event, Settings, pipeline, results_of
from hwcost.systems.doubts import doubts
from hwcost.systems.stage_files import Finished
from hwcost.systems.supershaper.results import Evolved, Search
from hwcost.testing.figures import FigureSuite, Page
from tests.conftest import PATIENCE_S
from tests.systems.comparing import differing
from tests.systems.conftest import TASK, task_of

pytestmark = [pytest.mark.torch, pytest.mark.usefixtures("one_thread")]

NAMES = ("autodistil", "autodistill", "components", "supershaper")


def settings(text: Path) -> Settings:
    return Settings("smoke", corpus=str(text), backend="null", tasks=(task_of(text),))


class Runs(dict[str, tuple[Path, dict[str, Any]]]):
    """Folder and report of each system's run, which is made when the first test asks for it, and its page likewise."""

    def __init__(self, text: Path, folder: Path) -> None:
        super().__init__()
        self.text, self.folder, self.pages = text, folder, dict[str, Page]()

    def __missing__(self, name: str) -> tuple[Path, dict[str, Any]]:
        self[name] = self.folder / name, pipeline(name, self.folder / name, settings(self.text)).run()
        return self[name]

    def page(self, name: str) -> Page:
        if name not in self.pages:
            folder, report = self[name]
            before = deepcopy(report)
            self.pages[name] = Page(write_page(report, folder), before)
        return self.pages[name]


@pytest.fixture(scope="module")
def runs(text: Path, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(text, tmp_path_factory.mktemp("runs"))


def test_these_are_all() -> None:
    assert tuple(PIPELINES.names()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_run_ends_in_a_report(runs, name: str) -> None:
    folder, report = runs[name]
    kept = json.loads((folder / "report.json").read_text())
    assert kept == {"schema_version": 3, **report}
    assert report["verdicts"]
    assert report["is_rehearsal"]
    assert report["doubts"][0].startswith("This preset rehearses a run")
    assert all(set(verdict) == {"claim", "found", "holds"} for verdict in report["verdicts"])
    page = runs.page(name).path.read_text()
    assert page.count("<svg") == len(drawings(report)) >= 6
    assert re.findall(r"<th>\w+_(?:s|j|bytes)</th>", page) == []  # values have their unit, headings are in words
    assert all(verdict["found"].split(";")[0] in page.replace("&#39;", "'") for verdict in report["verdicts"])
    assert {path.suffix for path in (folder / "figures").iterdir()} == {".png", ".svg"}


class FiguresOf(FigureSuite):
    """The figures of one of the runs above."""

    @pytest.fixture(scope="class")
    @classmethod
    def report(cls, runs):
        return runs[cls.name][1]

    @pytest.fixture(scope="class")
    @classmethod
    def page(cls, runs):
        return runs.page(cls.name)


for system in NAMES:
    globals()[f"TestFigures{system.title()}"] = type(f"TestFigures{system.title()}", (FiguresOf,), {"name": system})


@pytest.mark.parametrize("name", NAMES)
def test_results_have_one_attribute_per_stage(runs, name: str) -> None:
    """Figures and claims read a report through these types."""
    kind = import_module(f"hwcost.systems.{name}.results").Results
    assert [field.name for field in fields(kind)] == list(PIPELINES.load(name).stages())
    results = results_of(runs[name][1], kind)
    for stage, found in runs[name][1]["stages"].items():
        assert json.loads(json.dumps(asdict(getattr(results, stage)))) == found


@pytest.mark.parametrize("name", NAMES)
def test_winners_run_by_themselves(runs, name: str) -> None:
    folder, _ = runs[name]
    saved = sorted((folder / "winners").iterdir())
    assert saved
    for one in saved:
        net, described = subnet.load(one), subnet.describe(one)
        space = make_space(described["space"], **described["options"])
        assert space.parse(described["arch"])
        ids = torch.ones((1, 8), dtype=torch.long)
        assert torch.isfinite(net(ids, ids, torch.zeros_like(ids))).all()


@pytest.mark.parametrize(
    ("name", "every"),
    [
        ("supershaper", 97), *(
            pytest.param(name, every, marks=pytest.mark.slow)
            for name, every in (("autodistill", 101), ("components", 23), ("autodistil", 41))
        ),
    ],
)  # fmt: skip
def test_a_run_that_is_interrupted_again_and_again_ends_in_the_same(runs, text, tmp_path, name: str, every: int) -> None:
    """Every so many events Ctrl-C; what was finished is never begun again, and the report is the same to the last bit.

    A campaign counts a round whose process made half of its passes, and how many events these are is the machine's to say:
    after a Ctrl-C while measuring, twice as many may follow, so that every machine gets there.
    """
    begun: list[str] = []
    allowed = every
    for _ in range(200):
        left, doing = allowed, ""

        def tell(event: Event) -> None:
            nonlocal left, doing
            left, doing = left - 1, event.doing
            if event.doing == "begins":
                begun.append(event.stage)
            if not left:
                raise KeyboardInterrupt

        try:
            report = pipeline(name, tmp_path / "run", settings(text), tell).run()
            break
        except InterruptedRunError:
            allowed = 2 * allowed if doing == "measuring" else every
    else:
        pytest.fail(f"the run does not end: it was begun 200 times, the last time in stage '{begun[-1]}'")
    assert len(begun) > len(report["stages"])
    assert list(dict.fromkeys(begun)) == list(report["stages"])
    assert begun == sorted(begun, key=list(report["stages"]).index)
    assert not list(differing(report["stages"], runs[name][1]["stages"]))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_kill_9_and_the_same_command(runs, text, tmp_path, name: str) -> None:
    """Killed soon after two of its stages have ended, whenever that is on this machine."""
    command = [
        sys.executable, "-m", "hwcost", "pipeline", name, "--preset", "smoke", "--backend", "null", "--corpus", str(text),
        "--out", str(tmp_path / "run"), "--task", task_of(text),
    ]  # fmt: skip
    rng, stages = np.random.default_rng(0), tmp_path / "run" / "stages"
    quiet = {**os.environ, "OMP_NUM_THREADS": "1"}
    for finished in sorted(rng.choice(np.arange(1, len(runs[name][1]["stages"]) - 2), 2, replace=False)):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=quiet)
        while process.poll() is None and len(list(stages.glob("*.json"))) < finished:
            time.sleep(0.01)
        time.sleep(float(rng.uniform(0, 0.3)))
        process.kill()
        assert process.wait(PATIENCE_S) == -signal.SIGKILL, "the run was over before it was killed"
    subprocess.run(command, check=True, capture_output=True, env=quiet)
    assert not list(differing(json.loads((tmp_path / "run" / "report.json").read_text())["stages"], runs[name][1]["stages"]))


def test_a_run_says_whom_it_waits_for(text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def held(store: object, campaign_id: str, *, progress: Callable[[Progress], None], **options: object) -> None:
        progress(Progress(0, 0, 0, None, "", waiting="CPU 0 held by process 7; waiting up to 10 min"))
        raise KeyboardInterrupt

    monkeypatch.setattr("hwcost.systems.campaigns.run_campaign", held)
    events: list[Event] = []
    with pytest.raises(InterruptedRunError):
        pipeline("components", tmp_path, settings(text), events.append).run()
    assert events[-1].doing == "CPU 0 held by process 7; waiting up to 10 min"


@pytest.mark.parametrize("name", NAMES)
def test_selected_nets_are_fine_tuned_on_the_task_given(runs, name: str) -> None:
    found = runs[name][1]["stages"]["fine_tuned"]
    assert [(one["task"], one["kind"], one["metric"], one["split"]) for one in found["tasks"]] == [
        (TASK, "regression", "spearman", "validation")
    ]
    assert found["nets"]
    assert all(-1 <= row["score"] <= 1 and set(row["others"]) == {"validation pearson"} for row in found["nets"])
    assert "fine-tuned" in [one.name for one in drawings(runs[name][1])]


def test_tables_3_to_5_have_the_heuristic_net_the_ends_of_the_space_and_bert_beside_the_evolved_ones(runs) -> None:
    stages = runs["supershaper"][1]["stages"]
    rows = {row["net"]: row for row in stages["fine_tuned"]["by_net"]}
    assert list(rows) == ["params 66M", "latency 66M", "cigar 66M", "smallest", "largest", "bert"]
    scores = {row["net"]: row["score"] for row in stages["fine_tuned"]["nets"]}
    space, nets = make_space("supershaper", scale="mini"), stages["winners"]["nets"]
    for name, row in rows.items():
        assert (row["scores"], row["average"]) == ({TASK: scores[name]}, scores[name])
        assert row["perplexity"] == (None if name == "bert" else nets[name]["perplexity"])
        assert name == "bert" or row["params"] == space.params(space.parse(nets[name]["arch"]), "paper")
        assert name == "bert" or row["params"] == nets[name]["paper_params"] <= nets[name]["params"]
    assert rows["smallest"]["params"] < rows["cigar 66M"]["params"] < rows["bert"]["params"] < rows["largest"]["params"]
    assert "<h2>Stage fine_tuned, by net</h2>" in runs.page("supershaper").path.read_text()


def test_tables_3_to_5_of_autodistil_have_the_teacher_beside_the_selected_students(runs) -> None:
    stages = runs["autodistil"][1]["stages"]
    rows = {row["net"]: row for row in stages["fine_tuned"]["by_net"]}
    assert list(rows) == ["teacher", "agnostic", "proxy tiny", "proxy small", "proxy base"]
    scores = {row["net"]: row["score"] for row in stages["fine_tuned"]["nets"]}
    space = make_space("autodistil", subspace="reference", scale="mini")
    whole = space.architecture((12, 96, 4, 12))
    for name, row in rows.items():
        assert (row["scores"], row["average"]) == ({TASK: scores[name]}, scores[name])
        assert row["gain"] == pytest.approx(scores[name] - scores["teacher"])
        assert row["fewer_params"] == pytest.approx(1 - row["params"] / space.params(whole, "paper"))
        assert row["fewer_macs"] == pytest.approx(1 - row["macs"] / rows["teacher"]["macs"])
    assert rows["teacher"]["params"] == space.params(whole, "paper")
    assert "<h2>Stage fine_tuned, by net</h2>" in runs.page("autodistil").path.read_text()


def test_tables_2_and_8_of_components_have_scores_speed_and_size_of_each_net(runs) -> None:
    stages = runs["components"][1]["stages"]
    rows = {row["net"]: row for row in stages["fine_tuned"]["by_net"]}
    assert list(rows) == ["base", "do", "do-r", "sdo", "sdo-r"]
    scores = {row["net"]: row["score"] for row in stages["fine_tuned"]["nets"]}
    for name, row in rows.items():
        assert row["scores"] == {TASK: scores[name]}
        assert row["params"] == stages["retraining"]["nets"][name]["params"]
        speed = stages["winners"]["mean_speed_up"].get(name.removesuffix("-r"), {"ratio": 1.0, "low": None, "high": None})
        ends = [row[f"speed_{part}ratio"] for part in ("", "low_", "high_")]
        assert ends == [speed["ratio"], speed["low"], speed["high"]]
    assert "<h2>Stage fine_tuned, by net</h2>" in runs.page("components").path.read_text()
    assert "<h2>Stage profile, by kind</h2>" in runs.page("components").path.read_text()


def test_table_3_of_autodistill_has_the_reference_beside_the_winners(runs) -> None:
    stages = runs["autodistill"][1]["stages"]
    rows = stages["fine_tuned"]["by_net"]
    assert [row["net"] for row in rows] == list(stages["regular"]["nets"])
    assert rows[-1]["net"] == stages["search"]["reference"]
    for row in rows:
        measured = stages["winners"]["nets"][row["net"]]
        for name in ("params", "measured_s", "measured_low_s", "measured_high_s"):
            assert row[name] == measured[name]
        assert row["average"] == row["scores"][TASK]


@pytest.mark.parametrize(
    ("name", "stages"),
    [
        ("autodistil", ["teacher", "superlm_tiny", "superlm_small", "superlm_base"]), ("autodistill", ["teacher"]),
        ("components", ["base"]), ("supershaper", ["backbone", "supernet", "rules", "inherited"]),
    ],
)  # fmt: skip
def test_what_nets_have_learnt_is_known_of_every_one_that_others_rest_on(runs, name: str, stages: list[str]) -> None:
    """Four steps teach them nothing, which a report would say if its preset were not a rehearsal."""
    report = runs[name][1]
    rows = {stage: found["learnt"] for stage, found in report["stages"].items() if found.get("learnt")}
    assert list(rows) == stages
    assert all(row["gain_low"] < row["unigram"] - row["loss"] for row in rows.values() if "unigram" in row)
    found = doubts(vars(results_of(report, import_module(f"hwcost.systems.{name}.results").Results)), is_rehearsal=False)
    told = [one for one in found if "has learnt nothing that shows" in one]
    assert told == found[: len(told)]
    assert told


def test_gates_cost_what_was_measured(runs) -> None:
    """The null backend's law prices a feed-forward by its operations; DO and SDO pay in these shares."""
    profile = runs["components"][1]["stages"]["profile"]
    assert profile["shares"]["ff"] > profile["shares"]["mean"]
    assert profile["shares"] == {kind: max(one[kind] for one in profile["by_length"].values()) for kind in profile["shares"]}


def test_a_latency_budget_follows_from_the_size(runs) -> None:
    rows = runs["supershaper"][1]["stages"]["search"]["winners"]
    assert [row["limit"] for row in rows] == ["params", "latency"]
    assert rows[0]["budget_s"] == rows[1]["budget_s"]
    space = make_space("supershaper", scale="mini")
    assert space.params(space.parse(rows[0]["arch"]), "paper") == rows[0]["params"] <= rows[0]["max_params"]


def test_stages_of_supershaper_start_from_what_was_trained_before(runs) -> None:
    """Supernets start from the backbone's weights by either rule of sampling; compared nets start from the supernet's."""
    stages = runs["supershaper"][1]["stages"]
    largest, bert = (stages["backbone"][name]["perplexity"] for name in ("backbone", "bert"))
    assert stages["backbone"]["backbone"]["steps"] == stages["backbone"]["bert"]["steps"] == [0, 1, 2]
    assert largest["largest"][0] == pytest.approx(bert["net"][0], rel=1e-5)
    courses = stages["rules"]["courses"]
    assert [one[0]["perplexity"]["largest"][0] for one in courses.values()] == pytest.approx([largest["largest"][-1]] * 2)
    assert len({one[0]["perplexity"]["smallest"][-1] for one in courses.values()}) == 2
    cloud = stages["by_size"]
    assert len(cloud["cloud"]) == len(cloud["cloud_params"]) == len(stages["perplexities"]["archs"])
    assert set(cloud["nets"]) == {"params 66M", "cigar 66M"}
    known = {one["arch"]: one["perplexity"] for one in cloud["nets"].values()}
    known |= dict(zip(stages["perplexities"]["archs"], stages["perplexities"]["perplexity"], strict=True))
    shared = [one for one in stages["inherited"]["nets"] if one["arch"] in known]
    assert [one["inherited"] for one in shared] == pytest.approx([known[one["arch"]] for one in shared], rel=1e-5)
    assert list(stages["predictor"]["boosted"]["importance"]) == ["l1", "l2", "l3", "l4"]
    assert list(stages["latencies"]["boosted"]["importance"]) == ["l1", "l2", "l3", "l4", "params"]


def test_the_agnostic_choice_is_the_least_loss_within_half_of_the_teacher(runs) -> None:
    stages = runs["autodistil"][1]["stages"]
    rows, winners = stages["agnostic"]["nets"], stages["winners"]["nets"]
    assert stages["agnostic"]["limit_flops"] == winners["teacher"]["flops"] / 2
    assert all(row["flops"] <= stages["agnostic"]["limit_flops"] for row in rows)
    assert winners["agnostic"]["net"] == min(rows, key=lambda row: row["loss"])["net"]


def test_both_searches_begin_with_the_reference_and_share_what_is_known(runs) -> None:
    folder, report = runs["autodistill"]
    rows = report["stages"]["search"]
    assert all(rows[name]["trials"][0]["arch"] == rows["reference"] for name in ("own", "random"))
    archs = {trial["arch"] for name in ("own", "random") for trial in rows[name]["trials"]}
    assert len((folder / "flash.jsonl").read_text().splitlines()) == len(archs)
    assert not list((folder / "students").iterdir())


def test_no_bert_can_be_the_teacher_of_autodistill(text, tmp_path) -> None:
    given = Settings("smoke", corpus=str(text), backend="null", weights="bert")
    with pytest.raises(DataError, match="'bert' holds no net"):
        pipeline("autodistill", tmp_path / "run", given).run()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("preset", ["quick", "paper"])
def test_every_preset_is_there(text, tmp_path, name: str, preset: str) -> None:
    made = pipeline(name, tmp_path / "run", Settings(preset, corpus=str(text), backend="null"))
    assert replace(made.preset, measuring=made.presets[preset].measuring) == made.presets[preset]


def test_a_budget_is_the_least_that_a_net_is_sure_to_keep() -> None:
    from hwcost.cost_models import cost_model
    from hwcost.objectives import Constraint
    from hwcost.systems.supershaper.budget import least_budget_s

    space = make_space("supershaper", scale="mini")
    archs, rng = space.sample(40, seed=0), np.random.default_rng(0)
    cost = cost_model("ridge", space).fit(archs, [1e-3 * (1 + space.params(arch) / 1e5) for arch in archs])
    cost.errors_ = rng.normal(0, 0.1, 40)
    for probability in (0.95, 0.5, None):
        budget_s = least_budget_s(cost, archs[0], probability)
        assert Constraint(cost, most=budget_s, probability=probability or 0).feasible([archs[0]]).all()
        tighter = Constraint(cost, most=0.999 * budget_s, probability=probability or 0)
        assert not tighter.feasible([archs[0]]).any()


@pytest.mark.parametrize(("preset", "close"), [("paper", 0.06), ("quick", 0.1)])
def test_heuristic_shapes_have_the_size_of_the_evolved_ones(text: Path, tmp_path: Path, preset: str, close: float) -> None:
    made = pipeline("supershaper", tmp_path / "run", Settings(preset, corpus=str(text), backend="null"))
    space = made.space
    evolved = space.sample(3, seed=0)
    rows = [
        Evolved(
            limit=limit, size=size, arch=space.key(arch), params=space.params(arch, "paper"), max_params=1e8, budget_s=1.0,
            probability=None, predicted_perplexity=10.0, evaluations=1, progress=[10.0],
        )
        for size, arch in zip((53.0, 66.0, 90.5), evolved, strict=True) for limit in ("params", "latency")
    ]  # fmt: skip
    made._finished["search"] = Finished(Search(rows, []), 0.0)
    named = made.named_nets()
    for size, arch in zip((53, 66, 90.5), evolved, strict=True):
        own = space.params(named[f"cigar {size:g}M"], "paper")
        assert own == pytest.approx(space.params(arch, "paper"), rel=close)
