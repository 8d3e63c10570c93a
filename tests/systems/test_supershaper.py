"""SuperShaper's stages beside the search: sizes, trainings that are compared, intervals, and the rows of its tables."""

# ruff: noqa: E402 - nothing below can be imported without the optional packages

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import stats

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("tokenizers")

from hwcost.cost_models import cost_model
from hwcost.errors import UsageError
from hwcost.objectives import Constraint
from hwcost.spaces.supershaper import SuperShaper
from hwcost.supernets.masked_lm import NetLm, inputs
from hwcost.supernets.recipe import Recipe
from hwcost.supernets.registry import supernet
from hwcost.supernets.sampling import rule
from hwcost.supernets.training import Phase, moved, train
from hwcost.systems import Settings, pipeline
from hwcost.systems.intervals import Interval, correlation, mean, ratio
from hwcost.systems.processes import Processes
from hwcost.systems.supershaper.bert import bert_like, bert_of
from hwcost.systems.supershaper.budget import least_budget_s
from hwcost.systems.supershaper.by_size import difference, neighbours, range_around
from hwcost.systems.supershaper.claims import _keeps, _shaped
from hwcost.systems.supershaper.evolutions import Evolutions
from hwcost.systems.supershaper.following import follow
from hwcost.systems.supershaper.inheritance import Inheritance
from hwcost.systems.supershaper.presets import PRESETS
from hwcost.systems.supershaper.rules import Rules
from hwcost.systems.supershaper.sizes import ends, limit, params, scaled
from hwcost.systems.supershaper.trajectory import Trajectory
from hwcost.systems.supershaper.tuned import FineTuned, compared_nets
from hwcost.systems.task_scores import TaskScore, TaskScores
from tests.supernets.test_training import words

pytestmark = pytest.mark.torch

PAPER, MINI = SuperShaper(), SuperShaper(scale="mini")


# -- sizes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("millions", [33.19, 53, 63, 66, 80, 90.5, 96, 100])
def test_limits_lie_at_the_same_share_of_the_range(millions: float) -> None:
    assert scaled(PAPER, millions) == pytest.approx(millions * 1e6, rel=1e-12)
    low, high, own_low, own_high = (params(space, arch) for space in (PAPER, MINI) for arch in ends(space))
    share = (scaled(MINI, millions) - own_low) / (own_high - own_low)
    assert share == pytest.approx((millions * 1e6 - low) / (high - low), abs=1e-12)


def test_the_smallest_net_is_the_paper_s_of_33_million() -> None:
    """Table 5, first row; the largest has 116 M."""
    assert [round(params(PAPER, arch) / 1e6) for arch in ends(PAPER)] == [33, 116]


def test_published_nets_keep_the_preset_s_limit_of_66_million() -> None:
    assert 66 in PRESETS["paper"].sizes
    nets = [PAPER.template(f"evo-search-{number}") for number in (1, 2)]
    assert limit(PAPER, scaled(PAPER, 66)).feasible(nets).all()


def test_every_limit_of_a_preset_admits_some_nets_and_not_all() -> None:
    for preset in PRESETS.values():
        space = SuperShaper(scale=preset.scale)
        for size in preset.sizes:
            assert limit(space, scaled(space, size)).feasible(ends(space)).tolist() == [True, False]


@pytest.mark.parametrize("size", [53, 66, 80, 96])
def test_a_limit_on_latency_admits_other_nets_than_the_size_that_it_follows_from(size: float) -> None:
    """Both limits can then lead to different nets; that of the typical net lies about the limit on size."""
    fitted = MINI.sample(60, seed=1)
    latency_s = [1e-3 * (1 + MINI.params(one) / 1e5 + 0.004 * one.genes[0]) for one in fitted]
    cost = cost_model("ridge", MINI).fit(fitted, latency_s)
    cost.errors_ = np.random.default_rng(0).normal(0, 0.01, 60)
    host: Any = SimpleNamespace(settings=SimpleNamespace(seed=0))
    typical = Evolutions(host, MINI, cost, cost)._typical(scaled(MINI, size))
    assert params(MINI, typical) == pytest.approx(scaled(MINI, size), rel=0.02)
    drawn = MINI.sample(1000, seed=4)
    fast = Constraint(cost, most=least_budget_s(cost, typical, 0.95), probability=0.95).feasible(drawn)
    small = limit(MINI, scaled(MINI, size)).feasible(drawn)
    assert (fast & ~small).any()
    assert (small & ~fast).any()
    assert (fast & small).sum() > 5 * (fast ^ small).sum()


# -- trainings ---------------------------------------------------------------------------------------------------------


def test_the_untrained_backbone_computes_what_bert_does() -> None:
    """Section 4.2: bottlenecks begin as identities without bias, so that the backbone is BERT."""
    net = supernet("supershaper", 3, scale="mini")
    bert, batch = bert_of(net), moved(words(1), "cpu")
    with torch.no_grad():
        own = net.set(net.largest(), "mlm")(*inputs(batch))
        assert torch.allclose(bert(*inputs(batch)), own, atol=1e-5)
    assert not any(name.endswith("enter.weight") for name, _ in bert.named_parameters())


def test_the_rule_of_the_backbone_runs_the_largest_net_alone() -> None:
    net = supernet("supershaper", 0, scale="mini")
    alone = rule("largest", net, count=3)
    assert [alone(step) for step in (0, 7)] == [{"largest": net.largest()}] * 2
    small = rule("largest", net, allowed=limit(MINI, scaled(MINI, 66)).feasible)(0)["largest"]
    assert 0.8 * scaled(MINI, 66) < params(MINI, small) <= scaled(MINI, 66)


class InterruptionError(Exception):
    """Raised in the midst of a training."""


def followed(folder: Path, until: int | None = None) -> tuple[Trajectory, dict[str, Any]]:
    """Trains a net for six steps with evaluations after every second one; interrupted after so many evaluations."""
    seen = 0

    def evaluate() -> dict[str, float]:
        nonlocal seen
        seen += 1
        if seen == until:
            raise InterruptionError
        return {"net": float(sum(one.abs().sum() for one in net.parameters()))}

    net = supernet("supershaper", 0, scale="mini").extract(MINI.architecture([8] * 4), "mlm")
    phase = Phase("training", NetLm(net, words), Recipe(steps=6, batch_size=2, seq_len=8))
    host: Any = SimpleNamespace(folder=folder, say=lambda *rest: None, processes=Processes())
    return follow(host, "one", net, phase, {"what": "test"}, evaluate, 3), dict(net.named_parameters())


def test_evaluations_leave_a_training_as_it_is_and_survive_interruptions(tmp_path: Path) -> None:
    whole, weights = followed(tmp_path / "whole")
    assert whole.steps == [0, 2, 4, 6]
    assert len(set(whole.perplexity["net"])) == 4
    for until in (2, 2, 2):
        with pytest.raises(InterruptionError):
            followed(tmp_path / "parts", until)
    again, resumed = followed(tmp_path / "parts")
    assert again == whole
    net = supernet("supershaper", 0, scale="mini").extract(MINI.architecture([8] * 4), "mlm")
    train(net, [Phase("training", NetLm(net, words), Recipe(steps=6, batch_size=2, seq_len=8))])
    for name, parameter in net.named_parameters():
        assert torch.equal(parameter, weights[name])
        assert torch.equal(parameter, resumed[name])


def test_a_net_that_inherits_saves_steps() -> None:
    steps = [0, 10, 20, 30]
    scratch = Trajectory(steps, {"net": [900.0, 80.0, 40.0, 30.0]})
    for course, reached, saved, better in (
        ([50.0, 29.0, 25.0, 24.0], 10, 2 / 3, 0.2), ([30.0, 29.0, 25.0, 15.0], 0, 1.0, 0.5),
        ([90.0, 80.0, 60.0, 33.0], None, 0, -0.1),
    ):  # fmt: skip
        one = Inheritance.compare("8_8", 100, True, Trajectory(steps, {"net": course}), scratch)
        assert (one.inherited, one.partial, one.scratch) == (course[0], course[-1], 30.0)
        assert one.reached == reached
        assert (one.saved, one.better) == pytest.approx((saved, better))


def test_rules_are_compared_seed_by_seed() -> None:
    def course(end: float) -> Trajectory:
        return Trajectory([0, 5], {"smallest": [99.0, end], "largest": [99.0, 50.0]})

    found = Rules.of(
        {"smallest": "8", "largest": "64"},
        {"sandwich": [course(40.0), course(44.0)], "uniform": [course(50.0), course(55.0)]},
    )
    assert found.ratios["smallest"].value == pytest.approx(1.25)
    assert found.ratios["smallest"].low == pytest.approx(1.25)
    assert found.ratios["largest"].value == 1
    assert Rules.of({"smallest": "8"}, {"sandwich": [], "uniform": []}).ratios == {}


# -- intervals ---------------------------------------------------------------------------------------------------------


def test_intervals_are_those_of_scipy() -> None:
    values = [1.2, 0.9, 1.4, 1.1, 1.3]
    known = stats.t.interval(0.95, 4, loc=np.mean(values), scale=stats.sem(values))
    found = mean(values)
    assert (found.low, found.high) == pytest.approx(known, rel=1e-12)
    assert (mean([2.0]).value, mean([2.0]).low) == (2.0, None)
    assert ratio([2.0, 8.0], [1.0, 1.0]).value == pytest.approx(4.0)
    assert str(ratio([2.0], [1.0])) == "2"


def test_correlations_are_those_of_scipy_and_their_intervals_hold_them() -> None:
    rng = np.random.default_rng(1)
    one = rng.normal(size=40)
    other = one + rng.normal(size=40)
    for kind, known in (("spearman", stats.spearmanr), ("pearson", stats.pearsonr)):
        found = correlation(one, other, kind)
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        assert found.value == pytest.approx(known(one, other).statistic, abs=1e-12)
        assert found.low < found.value < found.high
        assert found.high - found.low < 0.6
    assert correlation([1, 2, 3], [1, 2, 3]) is None
    assert correlation([1, 1, 1, 1], [1, 2, 3, 4]) is None


# -- shapes around the evolved one (Table 7) ---------------------------------------------------------------------------


@pytest.mark.parametrize("space", [PAPER, MINI])
def test_nets_around_the_evolved_one_are_of_its_size(space: SuperShaper) -> None:
    arch = space.sample(1, seed=5)[0]
    least, most = range_around(space, arch)
    assert (most - least) / 2 == pytest.approx(scaled(space, 67) - scaled(space, 66))
    near = neighbours(space, arch, [], 20, seed=1)
    assert 8 <= len(near) <= 20
    assert arch not in near
    assert all(least <= params(space, one) <= most for one in near)


def test_they_are_all_those_of_the_sampled_nets_and_only_as_many_others_as_are_missing() -> None:
    """Section 4.4 takes them "from the 10,000 random sampled subnetworks"; ``paper`` draws no others."""
    arch, sampled = MINI.sample(1, seed=5)[0], MINI.sample(200, seed=1)
    least, most = range_around(MINI, arch)
    own = [one for one in sampled if least <= params(MINI, one) <= most and one != arch]
    assert 0 < len(own) < 24
    assert neighbours(MINI, arch, sampled, PRESETS["paper"].neighbours, seed=6) == own
    more = neighbours(MINI, arch, sampled, PRESETS["quick"].neighbours, seed=6)
    assert more[: len(own)] == own
    assert len(own) < len(set(more)) == len(more) <= 24
    assert neighbours(MINI, arch, sampled, len(own), seed=6) == own


def test_a_planted_difference_of_shapes_is_found() -> None:
    arch = MINI.sample(1, seed=5)[0]
    near = neighbours(MINI, arch, [], 20, seed=1)
    distances = [float(np.linalg.norm(np.subtract(one.genes, arch.genes))) for one in near]
    row = difference(MINI, "params 66M", (arch, 100.0), [(one, 100 + far) for one, far in zip(near, distances, strict=True)])
    assert row.count == len(near)
    assert row.spearman is not None
    assert row.pearson is not None
    assert (row.spearman.value, row.pearson.value) == pytest.approx((1, 1))
    assert row.number_in_words == f"{len(near)} nets"


def test_a_size_of_too_few_nets_is_a_row_that_says_so() -> None:
    """By the paper's counts the range of 96 M has 6 of 10,000 random nets."""
    pytest.importorskip("matplotlib")
    from hwcost.report.figures import new_figure
    from hwcost.systems.supershaper.shape_figures import _table_7

    arch, near = MINI.sample(1, seed=5)[0], neighbours(MINI, MINI.sample(1, seed=5)[0], [], 9, seed=1)
    full = difference(MINI, "params 66M", (arch, 100.0), [(one, 100.0 + place) for place, one in enumerate(near)])
    few = difference(MINI, "params 96M", (arch, 100.0), [(near[0], 101.0)])
    assert (few.count, few.spearman, few.pearson) == (1, None, None)
    _, ax = new_figure()
    _table_7(ax, [full, few])
    assert [one.get_text() for one in ax.get_xticklabels()] == ["params 66M\n9 nets", "params 96M\n1: too few"]


# -- nets on tasks (Tables 3 to 5) -------------------------------------------------------------------------------------


def test_the_heuristic_net_of_table_4_is_the_one_nearest_to_61_million() -> None:
    """And BERT has the 110 M of Tables 3 and 4, but for its pooler, 1 M."""
    named = {f"cigar {size}M": PAPER.cigar(size * 1e6) for size in (53, 63, 80)}
    named |= {"params 66M": PAPER.template("evo-search-2"), "rectangle": PAPER.template("rectangle")}
    named |= dict(zip(("smallest", "largest"), ends(PAPER), strict=True))
    assert list(compared_nets(PAPER, named, ["params 66M"])) == ["params 66M", "cigar 63M", "smallest", "largest"]
    plain, arch = bert_like(PAPER)
    assert plain.params(arch) == pytest.approx(110e6, rel=0.02)


def test_the_average_is_the_mean_over_tasks() -> None:
    def row(net: str, task: str, score: float) -> TaskScore:
        return TaskScore(
            net=net, task=task, metric="accuracy", split="validation", score=score, others={}, start=None,
            learning_rate=1e-5, batch_size=16, steps=10, weight_decay=0.0, warmup_steps=0, tried=1,
        )  # fmt: skip

    scores = TaskScores([], [row("a", "mnli", 0.8), row("a", "rte", 0.7), row("bert", "mnli", 0.6)])
    found = FineTuned.of(scores, {"a": 5, "bert": 7, "b": 9}, {"a": 12.0}).by_net
    assert [(one.net, one.params, one.perplexity, one.average) for one in found] == [
        ("a", 5, 12.0, pytest.approx(0.75)), ("bert", 7, None, 0.6)
    ]  # fmt: skip
    assert FineTuned.of(TaskScores([], []), {"a": 5}, {}).by_net == []


# -- the pipeline ------------------------------------------------------------------------------------------------------


def test_wrong_presets_are_refused(text: Path, tmp_path: Path) -> None:
    given = Settings("smoke", corpus=str(text), backend="null")
    with pytest.raises(UsageError, match="set an even number, got 3"):
        pipeline("supershaper", tmp_path / "run", given, sizes={"compared.nets": 3})
    with pytest.raises(UsageError, match="Did you mean 'xgboost'"):
        pipeline("supershaper", tmp_path / "run", given, sizes={"predictor": "xgbost"})
    assert not (tmp_path / "run").exists()


def test_a_correlation_counts_by_the_lower_end_of_its_interval() -> None:
    def judged(*rows: Interval) -> bool:
        differences = [SimpleNamespace(name=f"params {size}M", spearman=row) for size, row in enumerate(rows)]
        found: Any = SimpleNamespace(
            winners=SimpleNamespace(nets={}), search=SimpleNamespace(winners=[]), latencies=SimpleNamespace(boosted=None),
            by_size=SimpleNamespace(differences=differences),
        )  # fmt: skip
        (claim,) = _shaped(found)
        return claim.holds

    assert judged(Interval(0.7, 0.4, 0.9))
    assert judged(Interval(0.7, None, None))
    assert not judged(Interval(0.8, -1.0, 1.0))
    assert judged(Interval(0.8, -1.0, 1.0), Interval(0.7, 0.4, 0.9), Interval(0.6, 0.1, 0.9))


@pytest.mark.parametrize(
    ("ends", "kept", "within"),
    [((11e-3, 12e-3), True, "11.0 ms to 12.0 ms"), ((11e-3, 13e-3), False, "11.0 ms to 13.0 ms"),
     ((None, None), None, "without an interval")],
)  # fmt: skip
def test_a_net_keeps_a_latency_with_its_whole_interval(ends: tuple[Any, Any], kept: bool | None, within: str) -> None:
    net = SimpleNamespace(at_level_s=11.5e-3, at_level_low_s=ends[0], at_level_high_s=ends[1], keeps_budget=kept)
    row: Any = SimpleNamespace(name="latency 66M", budget_s=12.2e-3)
    found: Any = SimpleNamespace(winners=SimpleNamespace(nets={row.name: net}, level=None))
    claim = _keeps(found, "it keeps it", row, [row])
    assert claim.holds is (kept is True)
    assert claim.found == f"11.5 ms ({within}) of 12.2 ms; {int(kept is True)} of 1 budgets are kept"
