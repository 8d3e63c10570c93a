"""AutoDistill with latency measured within the search, with accuracy as an objective, and with a teacher of the user's."""

# ruff: noqa: E402 - nothing below can be imported without the optional packages

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("tokenizers")
pytest.importorskip("matplotlib")

from hwcost.errors import DataError, MeasurementError, UsageError
from hwcost.report import drawings
from hwcost.spaces import space as make_space
from hwcost.study import search
from hwcost.supernets import subnet
from hwcost.systems import Settings, pipeline, results_of
from hwcost.systems.autodistill.claims import claims
from hwcost.systems.autodistill.fronts import areas, is_better, searched
from hwcost.systems.autodistill.in_search import MeasuredLatency
from hwcost.systems.autodistill.memory import MEMORY
from hwcost.systems.autodistill.results import (
    Evaluated,
    Regular,
    Results,
    Search,
    Searched,
    Student,
    Winners,
)
from hwcost.systems.autodistill.searches import _quality
from hwcost.testing import autodistill_table
from hwcost.timing.measurement import Measurement
from hwcost.timing.quantity_estimate import QuantityEstimate
from tests.systems.test_parts import table

pytestmark = [pytest.mark.torch, pytest.mark.once, pytest.mark.usefixtures("one_thread")]

SIZES = {
    "evaluations": 4, "winners": 1, "measured": 12, "quality": "mlm_accuracy", "measure_in_search": True,
    "memory": "objective",
}  # fmt: skip


def settings(text: Path, **changes: Any) -> Settings:
    return Settings("smoke", corpus=str(text), backend="null", **changes)


@pytest.fixture(scope="module")
def run(text: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("autodistill") / "run"
    parts = {"sizes": SIZES, "searcher": "random", "constraints": ["params<=1x", "peak_memory_bytes<=4GB"]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Measurement, "quantity", with_memory)
        return folder, pipeline("autodistill", folder, settings(text), **parts).run()


def law(arch: Any) -> float:
    """Bytes that a student takes here: the synthetic runtime has no memory of its own."""
    return 1e6 + 4.0 * make_space("autodistill", scale="mini").params(arch)


OWN = Measurement.quantity


def with_memory(measurement: Measurement, name: str) -> QuantityEstimate:
    if name != MEMORY:
        return OWN(measurement, name)
    return QuantityEstimate(MEMORY, "B", law(measurement.workload.architecture), 0.01, 2)  # type: ignore[attr-defined]


def test_latency_is_measured_for_every_student_and_accuracy_is_the_objective(run) -> None:
    folder, report = run
    results = results_of(report, Results)
    search, space = results.search, make_space("autodistill", scale="mini")
    assert (search.quality, search.is_measured) == ("mlm_accuracy", True)
    trials = {one.arch: one for searched in search.by_name.values() for one in searched.trials}
    assert len((folder / "in_search.jsonl").read_text().splitlines()) == len(trials)
    most = space.params(space.mobilebert)
    for one in trials.values():
        assert 0 <= one.mlm_accuracy <= 1
        assert 0 <= one.nsp_accuracy <= 1
        assert one.latency_s > 0
        assert space.params(space.parse(one.arch)) <= most
    for net in results.regular.nets.values():
        assert 0 <= net.mlm_accuracy <= 1
        assert 0 <= net.flash.nsp_accuracy <= 1
    assert {"in_search", "regular"} <= {one.name for one in drawings(report)}
    assert json.loads(json.dumps(report)) == report


def test_peak_memory_is_measured_modelled_and_an_objective(run) -> None:
    folder, report = run
    results, space = results_of(report, Results), make_space("autodistill", scale="mini")
    fit = results.latencies.memory
    assert fit is not None
    assert fit.rows >= 12
    assert fit.metrics["r2"] > 0.5
    assert (folder / "models" / "memory").is_dir()
    search = results.search
    assert search.has_memory
    for searched_net in search.by_name.values():
        for one in searched_net.trials:
            assert one.memory_bytes == law(space.parse(one.arch))
    for key, net in results.winners.nets.items():
        assert net.peak_memory_bytes == law(space.parse(key))
        assert net.predicted_memory_bytes == pytest.approx(net.peak_memory_bytes, rel=0.3)
    assert {"memory_fit", "memory"} <= {one.name for one in drawings(report)}


def test_a_teacher_of_a_run_teaches_another_one(run, text: Path, tmp_path: Path) -> None:
    given = str(run[0] / "teacher")
    made = pipeline("autodistill", tmp_path / "run", settings(text, weights=given), sizes={"evaluations": 4})
    made.begin()
    found = type(made).stages()["teacher"].work(made)
    assert (found.given, found.curves.steps) == (given, [])
    assert found.perplexity == pytest.approx(run[1]["stages"]["teacher"]["perplexity"], rel=1e-5)
    assert not (tmp_path / "run" / "teacher-training").exists()


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda folder: shutil.rmtree(folder), "holds no net"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "no tokenizer beside it"),
        (lambda folder: _described(folder, name="BertModel"), "is a BertModel; the teacher of AutoDistill is"),
        (lambda folder: _described(folder, blocks=24), "blocks=24; students of scale 'mini' need 4"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"x"), "damaged"),
    ],
)
def test_a_wrong_teacher_is_refused_before_anything_is_written(run, text: Path, tmp_path: Path, damage, why: str) -> None:
    folder = tmp_path / "teacher"
    shutil.copytree(run[0] / "teacher", folder)
    damage(folder)
    with pytest.raises(DataError, match=why):
        pipeline("autodistill", tmp_path / "run", settings(text, weights=str(folder))).run()
    assert not (tmp_path / "run").exists()


def _described(folder: Path, name: str | None = None, **arguments: Any) -> None:
    described = subnet.describe(folder)
    described["net"]["name"] = name or described["net"]["name"]
    described["net"]["arguments"].update(arguments)
    (folder / "config.json").write_text(json.dumps(described))


def test_nothing_can_be_measured_in_the_search_beside_a_given_cost_model(text: Path, tmp_path: Path) -> None:
    source = table(make_space("autodistill", scale="mini"), tmp_path / "k80.csv")
    with pytest.raises(UsageError, match="measure_in_search measures every student on a device"):
        pipeline("autodistill", tmp_path / "run", settings(text), cost=str(source), sizes={"measure_in_search": True})
    with pytest.raises(UsageError, match="memory=measured measures students to fit a model of their peak memory"):
        pipeline("autodistill", tmp_path / "run", settings(text), cost=str(source), sizes={"memory": "measured"})
    with pytest.raises(UsageError, match="peak_memory_bytes"):
        pipeline("autodistill", tmp_path / "run", settings(text), constraints=["peak_memory_bytes<=1GB"])


def test_an_unknown_quality_is_refused(text: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'quality' cannot be 'bleu'.*mlm_accuracy"):
        pipeline("autodistill", tmp_path / "run", settings(text), sizes={"quality": "bleu"})


class _Drifting:
    """A machine that is slower with each campaign; every student takes seconds of its own beside it."""

    name = "autodistill"

    def __init__(self, space: Any) -> None:
        self.space, self.level, self.campaigns = space, 1.0, 0
        self.preset = SimpleNamespace(measuring=SimpleNamespace(workloads=lambda of, archs: archs))

    def spaces(self) -> dict[str, Any]:
        return {self.name: self.space}

    def quantities(self) -> tuple[str, ...]:
        return ()

    def seconds(self, arch: Any) -> float:
        return 1e-9 * float(self.space.params(arch))


def test_a_drift_of_the_machine_does_not_move_what_is_measured_in_the_search(tmp_path: Path, monkeypatch) -> None:
    space = make_space("autodistill", scale="mini")
    machine = _Drifting(space)

    def measure(archs: Any, role: str) -> Any:
        machine.level *= 1.5
        machine.campaigns += 1
        found = {arch: (machine.level * machine.seconds(arch), None, None) for arch in archs}
        return SimpleNamespace(measurements=found)

    machine.measure = measure  # type: ignore[attr-defined]
    monkeypatch.setattr("hwcost.systems.autodistill.in_search.by_architecture", lambda found: found)
    archs = [space.mobilebert, *space.sample(3, seed=0)]
    latency = MeasuredLatency(machine, space.mobilebert, tmp_path)  # type: ignore[arg-type]
    for _ in range(2):
        assert [latency(arch) for arch in archs] == pytest.approx([1.5 * machine.seconds(arch) for arch in archs])
    assert machine.campaigns == len(archs)
    found = (None, None, None)
    machine.measure = lambda archs, role: SimpleNamespace(measurements=dict.fromkeys(archs, found))  # type: ignore
    with pytest.raises(MeasurementError, match=r"no visit of student .* is usable"):
        latency(space.sample(9, seed=1)[-1])


def test_accuracies_are_maximised_and_perplexity_is_not() -> None:
    one = Evaluated(arch="a", latency_s=1, predicted_s=1, perplexity=300.0, mlm_accuracy=0.2, nsp_accuracy=0.6)
    assert [one.loss(name) for name in ("perplexity", "mlm_accuracy", "nsp_accuracy")] == [300.0, -0.2, -0.6]


@pytest.mark.parametrize("quality", ["perplexity", "mlm_accuracy", "nsp_accuracy"])
def test_any_quality_is_an_objective_beside_latency(quality: str) -> None:
    """The front of all students of the table is found by the objective that a run of that quality has."""
    students = autodistill_table()
    host: Any = SimpleNamespace(
        preset=SimpleNamespace(quality=quality), students=SimpleNamespace(flash=lambda arch: asdict(students.student(arch)))
    )
    objectives = [students.objectives(quality)[0], _quality(host)]
    study = search(students.space, objectives, searcher="exhaustive", evaluations=576)
    assert {students.space.key(trial.architecture) for trial in study.front} == set(students.front(quality))


def student(seconds: float | None, perplexity: float, memory: float | None) -> Student:
    return Student(
        perplexity=perplexity, mlm_accuracy=0.1, nsp_accuracy=0.5, params=1, predicted_s=1.0, measured_s=seconds,
        measured_low_s=None, measured_high_s=None, throughput_per_s=None, flops_utilisation=None, bandwidth_utilisation=None,
        peak_memory_bytes=memory,
    )  # fmt: skip


@pytest.mark.parametrize("has_memory", [False, True])
def test_fronts_of_three_objectives(has_memory: bool) -> None:
    """A student of twice the memory dominates the reference in latency and quality alone."""
    nets = {
        "reference": student(2.0, 4.0, 2.0), "fast": student(1.0, 3.0, 4.0), "small": student(1.5, 3.5, 1.0),
        "unknown": student(1.0, 1.0, None),
    }  # fmt: skip
    trials = [
        Evaluated(
            arch=key, latency_s=net.measured_s or 0, predicted_s=1.0, perplexity=net.perplexity, mlm_accuracy=0.1,
            nsp_accuracy=0.5, memory_bytes=net.peak_memory_bytes,
        )
        for key, net in nets.items() if key != "unknown"
    ]  # fmt: skip
    found = searched(trials, "perplexity", has_memory)
    assert found.dominating == (["small"] if has_memory else ["fast", "small"])
    assert found.front == (["fast", "small"] if has_memory else ["fast"])
    assert found.hypervolume[-1] == pytest.approx(0.5 * 0.5 * 1 if has_memory else 1)
    search = Search("reference", "bayesian", found, found, has_memory=has_memory)
    better = [key for key, net in nets.items() if is_better(net, nets["reference"], search)]
    assert better == (["small"] if has_memory else ["fast", "small", "unknown"])
    whole, beyond = areas(nets, search)
    assert beyond is not None
    assert 0 < beyond["random"] <= 1
    assert 0 < whole["random"] <= 1


@pytest.mark.parametrize(
    ("own", "chance", "is_measured", "told"),
    [
        ([], [], False, "0 against 0 of 4 nets dominate it as predicted"),
        (
            [2, 3, 4], [], False,
            "3 against 0 of 4 nets dominate it as predicted, the first after 2 evaluations against never, the third after 4 "
            "evaluations against never",
        ),
        (
            [3], [4], True,
            "1 against 1 of 4 nets dominate it as measured in the search, the first after 3 evaluations against after 4 "
            "evaluations",
        ),
    ],
)  # fmt: skip
def test_a_claim_says_by_what_nets_dominate_the_reference(
    own: list[int], chance: list[int], is_measured: bool, told: str
) -> None:
    """Latencies of a search are predicted, also where those of its front are measured afterwards."""
    trials = [
        Evaluated(arch=str(place), latency_s=1.0, predicted_s=1.0, perplexity=1.0, mlm_accuracy=0.1, nsp_accuracy=0.5)
        for place in range(1, 5)
    ]  # fmt: skip
    first, second = (Searched(trials, ["1"], list(map(str, places)), [0.0]) for places in (own, chance))
    asked = Search("1", "bayesian", first, second, is_measured=is_measured)
    nets, areas_of = {"1": student(1.0, 1.0, None)}, {"bayesian": 0.5, "random": 0.25}
    parts = {"winners": Winners(nets, areas_of, areas_of), "search": asked, "regular": Regular({})}
    found, *others = claims(cast(Results, SimpleNamespace(**parts)))
    assert len(others) == 1  # nothing was distilled regularly, as in reports of earlier versions
    assert found.found == (
        f"0.500 against 0.250 of the area there; {told}; of the whole area, which neither had as an objective, "
        "0.500 against 0.250"
    )
    assert found.holds


def test_winners_are_compared_with_the_reference_after_regular_distillation_of_both(run) -> None:
    """Table 2 has MobileBERT distilled for as many steps as the seven students."""
    folder, report = run
    results = results_of(report, Results)
    *winners, last = results.regular.nets
    assert (len(winners), last) == (SIZES["winners"], results.search.reference)
    assert {path.name for path in (folder / "winners").iterdir()} == {*winners, last}
    assert [one["claim"] for one in report["verdicts"]][2:] == [
        "distilled regularly, a winner is faster and better than the reference that was distilled alike (Table 2)"
    ]
    winner, reference = (results.regular.nets[key] for key in (winners[0], last))
    assert winner.params_ratio == pytest.approx(winner.params / reference.params)
    assert winner.measured_s == results.winners.nets[winners[0]].measured_s
    assert winner.quality_gain == pytest.approx(winner.mlm_accuracy - reference.mlm_accuracy)  # of one batch
    assert (winner.quality_low_gain, reference.quality_gain, reference.params_ratio) == (None, None, 1.0)


@pytest.mark.parametrize(("half", "holds"), [(None, False), (0.02e-3, True), (0.05e-3, False)])
def test_a_net_dominates_the_reference_where_the_intervals_say_so(half: float | None, holds: bool) -> None:
    nets = {
        key: replace(
            student(seconds, loss, None), measured_low_s=None if half is None else seconds - half,
            measured_high_s=None if half is None else seconds + half,
        )
        for key, seconds, loss in (("reference", 0.65e-3, 4.0), ("own", 0.58e-3, 3.0))
    }  # fmt: skip
    trial = Evaluated(
        arch="reference", latency_s=1.0, predicted_s=1.0, perplexity=1.0, mlm_accuracy=0.1, nsp_accuracy=0.5
    )
    found = Searched([trial], ["own"], [], [0.0])
    parts = {"winners": Winners(nets, {}), "search": Search("reference", "bayesian", found, found), "regular": Regular({})}
    assert claims(cast(Results, SimpleNamespace(**parts)))[1].holds is holds


@pytest.mark.parametrize("best", [student(1e-3, 9.0, None), student(9e-3, 2.5, None)])
def test_nothing_lies_beyond_a_reference_with_the_best_value(best: Student) -> None:
    """A net that is better in the other objective alone dominates nothing, and covers no area there."""
    nets = {"reference": best, "middle": student(2e-3, 3.0, None)}
    trials = [
        Evaluated(
            arch=key, latency_s=net.measured_s or 0, predicted_s=1.0, perplexity=net.perplexity, mlm_accuracy=0.1,
            nsp_accuracy=0.5,
        )
        for key, net in nets.items()
    ]  # fmt: skip
    found = searched(trials, "perplexity")
    assert found.dominating == []
    search = Search("reference", "bayesian", found, found)
    assert not any(is_better(net, best, search) for net in nets.values())
    _, beyond = areas(nets, search)
    assert beyond == {"bayesian": 0.0, "random": 0.0}
