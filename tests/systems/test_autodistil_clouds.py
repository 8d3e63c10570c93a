"""Clouds of AutoDistil's nets: in the sizes that the paper counts, beside its points; and the activations of its nets."""

# ruff: noqa: E402 - nothing below can be imported without the optional packages

from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("matplotlib")

from hwcost.errors import UsageError
from hwcost.report.figures import new_figure
from hwcost.spaces.autodistil import STUDENTS as SHAPES
from hwcost.spaces.autodistil import AutoDistil
from hwcost.supernets import subnet
from hwcost.supernets.base import initialise
from hwcost.systems import Settings, pipeline
from hwcost.systems.autodistil.clouds import Sizes, latency_cloud, loss_clouds, score_clouds
from hwcost.systems.autodistil.printed import BERT, DISTILLED, STUDENTS
from hwcost.systems.autodistil.results import (
    Agnostic,
    Candidate,
    ClassMember,
    FineTuned,
    Proxy,
    Results,
    Selected,
    SuperLm,
    Teacher,
    Winners,
)  # fmt: skip
from hwcost.systems.task_scores import TaskScores, TaskUsed
from hwcost.workloads import builder

pytestmark = pytest.mark.torch

SIZES = Sizes("paper", 128)


def key_of(name: str) -> str:
    subspace, genes = SHAPES[name.replace(" ", "-")]
    return f"{subspace} {AutoDistil(subspace).key(AutoDistil(subspace).architecture(genes))}"


NETS = {key_of(name): row.mnli / 100 for name, (_, row) in STUDENTS.items()}
"""The paper's students of Table 5, with the accuracies of Table 4."""


def results(predicted_s: float | None = None) -> Results:
    """A run that found what the paper found."""
    task = TaskUsed(
        task="mnli", kind="classification", metric="accuracy", split="validation", train_examples=1, examples=1, digest="",
    )  # fmt: skip
    rows = [FineTuned(net, score, 1e9, True) for net, score in NETS.items()]
    agnostic = key_of("agnostic")
    nets = [Candidate(net, 1e-6 * (2 + number), 1e9 * (1 + number), predicted_s) for number, net in enumerate(NETS)]
    measured = {"measured_s": 0.01, "measured_low_s": 0.009, "measured_high_s": 0.011}
    chosen = {"tiny": key_of("proxy tiny"), "small": key_of("proxy small"), "base": key_of("proxy base")}
    selected = {name: Selected(net=net, params=1, flops=1.0, **measured) for name, net in chosen.items()}
    winners = Winners(selected, [ClassMember(net=agnostic, score=NETS[agnostic], **measured)])
    return Results(
        Teacher(), SuperLm(), SuperLm(), SuperLm(), Agnostic(5e9, nets, agnostic, [agnostic], [1e-6]),
        Proxy(task, rows, chosen, BERT.mnli / 100), winners, TaskScores([], []),
    )  # fmt: skip


def drawn(drawing):
    """Draws a figure, and returns its points by the names of the legend."""
    _, axes = new_figure()
    drawing.draw(axes)
    return {one.get_label(): sorted(map(tuple, one.get_offsets())) for one in axes.collections}


@pytest.mark.parametrize(("figure", "accuracy"), [("figure-1", 0.002), ("figure-4", 0.003)])
def test_the_papers_students_lie_where_the_paper_prints_them(figure: str, accuracy: float) -> None:
    """Table 5's shapes, at the accuracies of Table 4: own points and printed ones are the same, but for rounding."""
    found = {one.name: one for one in score_clouds(results(), SIZES)}
    points = drawn(found[figure])
    assert set(points) == {
        "tiny, 1 nets", "small, 2 nets", "base, 1 nets", "selected", "the paper's students", "others' students, as printed",
    }  # fmt: skip
    assert len(points["others' students, as printed"]) == len(DISTILLED)
    for own, printed in zip(points["selected"], points["the paper's students"], strict=True):
        assert own == pytest.approx(printed, abs=accuracy)


def test_a_panel_of_figure_3_needs_a_cloud() -> None:
    assert [one.name for one in score_clouds(results(), SIZES)] == ["figure-1", "figure-4"]
    whole, rest = results(), [f"tiny 4_{width}_2_7" for width in (128, 160, 192)]
    more = [FineTuned(net, 0.7, 1e8, False) for net in rest]
    whole = replace(whole, proxy=replace(whole.proxy, nets=whole.proxy.nets + more))
    found = {one.name: one for one in score_clouds(whole, SIZES)}
    assert list(found) == ["figure-1", "figure-3c", "figure-4", "figure-3f"]
    points = drawn(found["figure-3f"])
    assert {name: len(one) for name, one in points.items()} == {
        "tiny, 4 nets": 4, "selected": 1, "the paper's students": 1,
    }  # fmt: skip


def test_reports_without_the_teachers_metric_have_no_figure_relative_to_it() -> None:
    whole = results()
    assert not list(score_clouds(replace(whole, proxy=replace(whole.proxy, teacher_score=None)), SIZES))


def test_losses_are_drawn_by_operations_parameters_and_predicted_latency() -> None:
    assert [one.name for one in loss_clouds(results().agnostic, SIZES)] == ["agnostic", "agnostic-params"]
    found = {one.name: one for one in loss_clouds(results(0.003).agnostic, SIZES)}
    assert list(found) == ["agnostic", "agnostic-params", "agnostic-latency"]
    points = drawn(found["agnostic-params"])
    space = AutoDistil("small")
    assert points["selected"] == [(space.params(space.parse(key_of("agnostic").split()[1])), 2e-6)]
    assert [x for x, _ in drawn(found["agnostic-latency"])["small, 2 nets"]] == pytest.approx([3.0, 3.0])


def test_measured_nets_are_drawn_by_their_latency() -> None:
    (found,) = latency_cloud(results())
    assert {name: len(one) for name, one in drawn(found).items()} == {
        "tiny, 1 nets": 1, "small, 2 nets": 2, "base, 1 nets": 1, "selected": 4,
    }  # fmt: skip
    whole = results()
    nets = {name: replace(one, measured_s=None) for name, one in whole.winners.nets.items()}
    members = [replace(one, measured_s=None) for one in whole.winners.size_class]
    assert not list(latency_cloud(replace(whole, winners=Winners(nets, members))))


# -- activations -------------------------------------------------------------------------------------------------------


def planned(tmp_path, **sizes):
    return pipeline("autodistil", tmp_path / "run", Settings("smoke", backend="null"), sizes=sizes, dry_run=True)


def test_students_and_teacher_have_the_activations_that_are_set(tmp_path) -> None:
    made = planned(tmp_path, activation="relu")
    assert [made.space(name).activation for name in ("tiny", "base", "reference")] == ["relu", "relu", "gelu"]
    assert made.space("tiny").options()["activation"] == "relu"
    assert planned(tmp_path, teacher_activation="relu").space("reference").activation == "relu"
    plain = planned(tmp_path)
    assert "activation" not in plain.space("tiny").options()
    pairs = [(made.nets.parse(text), plain.nets.parse(text)) for text in ("tiny 4_16_2_7", "base 12_80_4_12")]
    for net, of_plain in (*pairs, (made.nets.teacher, plain.nets.teacher)):
        assert made.nets.flops(net) == plain.nets.flops(of_plain)
        assert made.space(net[0]).params(net[1]) == plain.space(net[0]).params(of_plain[1])


@pytest.mark.parametrize("field", ["activation", "teacher_activation"])
def test_unknown_activations_are_refused(tmp_path, field: str) -> None:
    with pytest.raises(UsageError, match="unknown activation 'swish'. Known: gelu, relu"):
        planned(tmp_path, **{field: "swish"})


def test_a_given_teacher_has_the_activation_that_is_set(text, tmp_path) -> None:
    space = AutoDistil("reference", scale="mini", activation="relu")
    blueprint = builder(space).blueprint(space.architecture((12, space.sizes.width, 4, 12)), "mlm")
    net = blueprint.build()
    initialise(net, 0)
    subnet.save(tmp_path / "teacher", net, blueprint)
    given = Settings("smoke", backend="null", corpus=str(text), weights=str(tmp_path / "teacher"))
    made = pipeline("autodistil", tmp_path / "run", given, sizes={"teacher_activation": "relu"})
    made.read_inputs()
    with pytest.raises(UsageError, match="has relu, and teacher_activation is gelu. Set teacher_activation"):
        pipeline("autodistil", tmp_path / "other", given).read_inputs()
    assert not (tmp_path / "other").exists()
