"""What the papers print and the presets, spaces and figures have: the numbers of their pages that no other test holds."""

from __future__ import annotations

import re
from typing import cast

import numpy as np
import pytest
from scipy import stats

pytest.importorskip("torch")

from hwcost.objectives import Minimize
from hwcost.searchers import Problem
from hwcost.searchers.bayesian import Bayesian
from hwcost.searchers.evolution import PRESETS as EVOLUTIONS
from hwcost.searchers.sampling import Sampling
from hwcost.spaces import Architecture, space
from hwcost.spaces.autodistill import AutoDistill
from hwcost.spaces.components import Components
from hwcost.spaces.supershaper import RELEASED_FLOORED, SuperShaper
from hwcost.study import search
from hwcost.supernets.distillation import Distillation
from hwcost.supernets.registry import supernet
from hwcost.supernets.transformer import kept_layers
from hwcost.systems import Settings, pipeline
from hwcost.systems.autodistil.presets import PRESETS as AUTODISTIL
from hwcost.systems.autodistil.searches import SHARE
from hwcost.systems.autodistill.presets import PRESETS as AUTODISTILL
from hwcost.systems.components import claims, series
from hwcost.systems.components.paper_tables import PAPER_TABLES
from hwcost.systems.components.presets import PRESETS as COMPONENTS
from hwcost.systems.supershaper.presets import PRESETS as SUPERSHAPER
from hwcost.testing import autodistill_table
from hwcost.workloads import builder
from hwcost.workloads.autodistill import AutoDistillBuilder
from hwcost.workloads.weights import count_parameters
from tests.conftest import ROOT

pytestmark = pytest.mark.torch

PAGES = ("papers", "supershaper", "autodistil", "fast-transformers", "autodistill")
TOLD = "\n".join((ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8") for name in PAGES)


def row(beginning: str) -> str:
    """The row of docs/papers.md, or of a paper's page, that begins so; numbers without the commas of thousands."""
    (found,) = [line for line in TOLD.splitlines() if line.startswith(f"| {beginning}")]
    return re.sub(r"(?<=\d),(?=\d{3})", "", found)


# -- SuperShaper -----------------------------------------------------------------------------------------------------------


def test_supershapers_search() -> None:
    """Section 4.1: populations of 100, and 300 iterations after the first one, each of 66 new members."""
    paper, evolution = SUPERSHAPER["paper"], EVOLUTIONS["supershaper-paper"]
    assert space("supershaper").size == 7**12
    assert (evolution.population, evolution.parents, evolution.mutants, evolution.crosses) == (100, 34, 33, 33)
    assert evolution.probability == 0.4
    assert paper.evaluations == 100 + 300 * 66
    assert (paper.sampled, paper.measured) == (10_000, 1000)
    assert paper.backbone_steps == paper.recipe.steps == paper.compared.rule_steps == 175_000
    assert f"{paper.evaluations} evaluations" in row("evolution")
    assert ", ".join(f"{size:g}" for size in paper.sizes[:-1]) in row("limits of")


def test_supershapers_search_is_a_population_and_300_generations() -> None:
    """Every generation has its 66 new nets, counted as the study asks for them, on a law with one best shape."""
    of, sizes = space("supershaper"), list[int]()
    best = of.sample(1, seed=3)[0].genes

    def law(arch: Architecture) -> float:
        return float(sum((one - other) ** 2 for one, other in zip(arch.genes, best, strict=True)))

    study = search(
        of, [Minimize(law)], searcher="evolution", searcher_options={"preset": "supershaper-paper"},
        evaluations=SUPERSHAPER["paper"].evaluations, progress=lambda state: sizes.append(state.iterations),
    )  # fmt: skip
    assert [one for one in np.diff([0, *sizes]).tolist() if one] == [100] + 300 * [66]
    assert study.evaluations == len({of.key(trial.architecture) for trial in study.trials}) == 19_900
    assert study.best.architecture.genes == best


def test_the_sizes_of_supershapers_evolved_nets() -> None:
    """Table 6 prints 65 and 63 M; 69.7 and 68.4 M are built, which ``params<=66M`` refuses."""
    import torch

    of = SuperShaper()
    nets = [of.template(f"evo-search-{number}") for number in (1, 2)]
    assert [of.params(one, "paper") / 1e6 for one in nets] == pytest.approx([64.7, 63.4], abs=0.05)
    with torch.device("meta"):
        built = [count_parameters(builder(of).blueprint(one).build()) for one in nets]
    assert built == [of.params(one) for one in nets] == pytest.approx([69.7e6, 68.4e6], rel=1e-3)
    assert "`params:paper<=66M` admits its two evolved nets" in row("space of 7^12 shapes")


@pytest.mark.slow
def test_supershapers_batches_take_what_is_told() -> None:
    """Planned on tensors without values, which takes eight seconds each."""
    told = " ".join((ROOT / "docs" / "pipelines.md").read_text(encoding="utf-8").split())
    assert "of 2048 take 210 GB, and 15.2 GB with `--set recipe.accumulate=16`" in told
    for sizes, wanted in (({}, 210e9), ({"recipe.accumulate": 16}, 15.2e9)):
        plan = pipeline("supershaper", "nowhere", Settings("paper"), dry_run=True, sizes=sizes).plan()
        assert plan.memory_bytes == pytest.approx(wanted, rel=0.005)


def test_supershapers_heuristic() -> None:
    """Figure 10 prints nine sizes: six are met exactly, by the shapes that were released, and three nearly."""
    of = SuperShaper()
    found = [of.params(of.cigar(size * 1e6, floored=RELEASED_FLOORED), "paper") / 1e6 for size in (47, 56, 59)]
    assert found == pytest.approx([46.35, 56.87, 58.23], abs=0.01)
    assert "46.35, 56.87 and 58.23 M" in row("heuristic")
    for size in (37, 42, 61, 70, 87, 91):
        assert of.params(of.cigar(size * 1e6, floored=RELEASED_FLOORED), "paper") / 1e6 == pytest.approx(size, abs=0.5)


def test_what_is_told_of_supershapers_quick_runs() -> None:
    quick, of = SUPERSHAPER["quick"], space("supershaper", scale="mini")
    assert f"{quick.compared.seeds} in `quick`, {SUPERSHAPER['paper'].compared.seeds} in `paper`" in row("sandwich rule")
    assert quick.compared.nets == 8
    assert f"eight nets of {quick.compared.net_steps} steps" in row("inherited weights")
    assert f"on {quick.sampled} subnets" in row("perplexity predictor")
    assert f"{quick.sampled} random shapes in `quick`" in row("perplexity by size")
    assert f"the space of `mini` has {of.size}" in row("perplexity by size")


# -- AutoDistil ------------------------------------------------------------------------------------------------------------


def test_autodistils_training_and_search() -> None:
    """Section 4.1: 128 sequences on each of 16 GPUs, 10 epochs; section 4.2: within half of the teacher's operations."""
    paper = AUTODISTIL["paper"]
    assert paper.relations.batch_size == 16 * 128
    assert paper.relations.steps == 994_600 == pytest.approx(10 * 203.7e6 / 2048, rel=1e-3)
    assert (paper.relations.random, paper.relations.relations) == (3, ("softmax-mse", (1.0, 1.0, 1.0), -1))
    assert (paper.candidates, paper.tuned) == (None, None)  # all nets of every sub-space
    assert f"{paper.relations.steps} steps" in row("128 sequences")
    of_table_9 = 10 * 40e6 / 2048  # 40 million sequences of Wikipedia and books
    assert of_table_9 == pytest.approx(195_300, rel=1e-3)
    assert "relations.steps=195300" in row("128 sequences")


def test_the_operations_of_autodistils_tiny_nets_are_not_those_of_table_2() -> None:
    of = space("autodistil", subspace="tiny")
    flops = [of.flops(arch, seq_len=128, accounting="paper") / 1e6 for arch in of.architectures()]
    assert (min(flops), max(flops)) == (pytest.approx(2 * 68.5, rel=2e-3), pytest.approx(2 * 521, rel=2e-3))
    assert "68.5 M to 521 M" in row("sub-spaces of 256 nets")


def test_the_layers_of_autodistils_superlms() -> None:
    """The released code keeps layer ``floor(i / (l / 12))`` of BERT's twelve, so that a SuperLM of seven has gaps too."""
    net = supernet("autodistil:subspace=tiny,scale=mini")
    depth = int(net.largest().genes[0])
    kept = kept_layers(depth, net.layers)
    assert (depth, net.layers) == (7, 12)
    assert kept == [int(index / (depth / 12)) for index in range(depth)]
    assert ", ".join(map(str, kept)) in row("the SuperLM")


def test_autodistils_choices_of_nets() -> None:
    """Section 4.2: within half of the teacher's operations, of all nets; a class is within a tenth of the chosen size."""
    quick = AUTODISTIL["quick"]
    assert (SHARE, quick.tuned, quick.compared + 1) == (0.5, 3, 6)
    assert "three nets of each sub-space and six of the selected one's class" in row("clouds of")
    assert "GELU; `--set activation=relu`" in row("feed-forward layers")
    assert quick.activation == "gelu"


# -- Finding Fast Transformers ---------------------------------------------------------------------------------------------


def test_the_units_of_costs() -> None:
    """The whole net costs 100 in DO, percent; in SDO as many as BERT-base takes microseconds for 16 x 128 at 18 TFLOP/s."""
    paper, of = COMPONENTS["paper"], Components("bert-base")
    assert (paper.direct_whole_cost, paper.sampled_whole_cost) == (100.0, 20_000.0)
    seconds = of.flops(of.base(), seq_len=128, batch_size=16) / 18e12
    assert 1e6 * seconds == pytest.approx(paper.sampled_whole_cost, rel=0.02)
    nats = [penalty * paper.sampled_whole_cost for penalty in paper.sweep.sampled_penalties]
    assert nats == pytest.approx([0.02, 0.2, 2.0])
    assert "100 in DO" in row("costs: shares")


def test_the_shares_of_components_are_those_printed() -> None:
    """Table 1, BERT-base, and Table 4, MiniBERT: percent of the time at 32, 128 and 512 tokens, row by row."""
    kinds = ("ff", "head", "qk", "v", "mean", "joint")
    printed = {
        "bert-base": "43.3 58.6 51.0  54.9 40.6 48.7  28.9 20.6 21.6  22.8 19.9 21.6  0.8 0.8 0.7  0.9 1.3 0.1",
        "minibert": "32.2 36.2 30.2  41.2 36.7 47.1  21.3 16.4 21.3  18.9 15.5 21.3  6.6 6.4 4.6  19.1 22.4 14.7",
    }
    for grid, percent in printed.items():
        found = [100 * share for kind in kinds for share in PAPER_TABLES[grid][kind]]
        assert found == pytest.approx(list(map(float, percent.split())))
        assert set(PAPER_TABLES[grid]) == set(kinds)


def test_components_are_divided_as_is_told() -> None:
    """Section 5.3: two equal parts of everything; section 5.4.1: eight feed-forwards, and single heads."""

    def pieces(grid: str) -> dict[str, int]:
        return dict(Components(grid).grid.sizes)

    halves = {"ff": 2, "joint": 1, "qk": 2, "v": 2, "mean": 2, "head": 2}
    assert pieces("bert-base-halves") == pieces("bert-base-multilingual") == halves
    assert pieces("bert-base") == {**halves, "head": 12}
    assert pieces("minibert") == {**halves, "ff": 8, "joint": 7, "head": Components("minibert").grid.heads}
    assert [COMPONENTS[name].grid for name in ("paper", "multilingual")] == ["bert-base", "bert-base-multilingual"]
    assert "halves but for the heads" in row("every component divided")


@pytest.mark.parametrize("grid", ["bert-base", "bert-base-halves", "minibert"])
def test_heads_of_one_attention_share_the_dimension_of_their_values(grid: str) -> None:
    """Section 3.3: "two heads with different d_v in the same multi-head attention" are "not considered"."""
    of = Components(grid)
    assert dict(of.grid.sizes)["v"] == of.grid.parts == 2  # for a block, however many heads it has
    for arch in of.sample(4, seed=1):
        for gates in of.blocks(arch):
            for part in of.parts_of(gates):
                if part.kind == "attention":
                    width = of.grid.width // of.grid.heads // of.grid.parts
                    assert part.dim("value") == width * sum(gates.values)


def test_the_papers_searches() -> None:
    """Table 7: four settings of DO and three of SDO; a policy that begins at the base net, with a probability of 0.88."""
    sweep, of = COMPONENTS["paper"].sweep, Components("mini")
    assert (len(sweep.direct_penalties), len(sweep.sampled_penalties) * len(sweep.sampled_rates)) == (4, 3)
    assert "the seven settings of Table 7" in row("λ and ν")
    policy = Sampling(Problem(of, [Minimize(lambda arch: 0.0, "loss")]), start=of.base().genes)
    begun = policy.probabilities[np.arange(len(of.genes)), of.base().genes]
    assert begun == pytest.approx(0.88, abs=0.001)
    assert "a probability of 0.88" in row("the policy begins")


def test_the_papers_choices_of_nets() -> None:
    """Section 1: 1.4 times the time; section 5.4.3: 0.3 percent; Table 7: one percent, and 0.05 is a collapse."""
    paper = COMPONENTS["paper"]
    assert (claims.OVERHEAD, claims.DROP, paper.sweep.drop, series.COLLAPSE) == (1.4, 0.003, 0.01, 0.05)
    assert (paper.direct_penalty, paper.sampled_penalty, paper.sampled_rate) == (1e-3, 1e-5, 1e-2)
    assert (paper.direct_scaled, paper.sampled_optimizer, paper.estimator, paper.samples) == (True, "adam", "rloo", 4)
    assert "1.4 times" in row("1.4 times")


def test_the_multilingual_net_is_larger_than_printed() -> None:
    """120,000 pieces of 768 channels are 69 M more than those of BERT-base."""
    base, multilingual = (Components(name) for name in ("bert-base-halves", "bert-base-multilingual"))
    more = multilingual.params(multilingual.base()) - base.params(base.base())
    assert more == (120_000 - 30_522) * 768 == pytest.approx(69e6, rel=0.01)


# -- AutoDistill -----------------------------------------------------------------------------------------------------------


def test_autodistills_teacher_and_steps() -> None:
    """Section 4.1: IB-BERT large has 293 M parameters, flash 37,000 steps; 4.2: regular 740,000; equation 3's weight."""
    import inspect

    import torch

    with torch.device("meta"):
        count = count_parameters(AutoDistillBuilder(AutoDistill()).teacher("none").build())
    assert count == pytest.approx(294.2e6, rel=2e-3)
    paper = AUTODISTILL["paper"]
    assert [24 * one.block_steps + one.pretraining_steps for one in (paper.flash, paper.regular)] == [37_000, 740_000]
    assert inspect.signature(Distillation.phases).parameters["alpha"].default == 0.5
    assert paper.quality == "mlm_accuracy"
    assert (paper.recipe.optimizer, paper.recipe.batch_size, paper.recipe.learning_rate) == ("lamb", 2048, 1e-3)
    assert "steps of 2048 sequences with LAMB" in row("flash of")
    assert "at a rate of 0.001" in row("flash of")
    assert f"{paper.teacher.steps} steps" in row("teacher IB-BERT")
    assert "294.2 M" in row("teacher IB-BERT")


def test_autodistills_search() -> None:
    """Section 4.3: 110 iterations to the third better student on average, of 500 at the most; Table 2: seven students."""
    paper = AUTODISTILL["paper"]
    assert (paper.evaluations, paper.winners) == (110, 7)
    told = row("multi-objective Bayesian search")
    assert f"{paper.evaluations} evaluations in `paper`" in told
    assert f"`--set evaluations={500}`" in told
    assert "up to seven in `paper`" in row("seven students")


def test_autodistills_searcher_asks_for_what_dominates_the_reference_unless_told_otherwise() -> None:
    """A search with a reference, as that of the pipeline is, does not go by hypervolume by itself."""
    of = space("autodistill", scale="mini")
    objectives = [Minimize(lambda arch: float(of.params(arch)), "cost"), Minimize(lambda arch: 1.0, "loss")]
    for options, seeks in (({}, True), ({"goal": "front"}, False)):
        study = search(
            of, objectives, searcher="bayesian", searcher_options=options, evaluations=3, reference=of.mobilebert
        )
        assert cast(Bayesian, study.searcher)._seeks_reference is seeks
    told = row("multi-objective Bayesian search")
    assert "most probably dominates" in told
    assert "--searcher bayesian --searcher-option goal=front" in told


def test_accuracies_of_small_students_hardly_differ() -> None:
    """The table of students of scale mini, each distilled by itself."""
    students = autodistill_table().students.values()
    assert len(students) == 576
    assert len({one.mlm_accuracy for one in students}) == 63
    assert "576 of them have 63 different ones" in row("quality: accuracy")


def test_flash_distillation_ranks_students_as_regular_distillation_does_as_far_as_is_told() -> None:
    """Section 4.7, Figure 6: Kendall's tau over the students of the table that were distilled both ways."""
    table, told = autodistill_table(), (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    taus = []
    for quality in ("perplexity", "mlm_accuracy"):
        pairs = [(getattr(table.students[key], quality), getattr(one, quality)) for key, one in table.regular.items()]
        taus.append(stats.kendalltau(*zip(*pairs, strict=True)).statistic)
    assert len(table.regular) == 20
    assert taus == pytest.approx([0.621, 0.496], abs=5e-4)
    assert "over the 20 students is 0.621 by perplexity" in told
    assert "and 0.496 by accuracy" in told


def test_how_many_students_dominate_the_references_of_the_comparison() -> None:
    """Section 4.2: seven dominate MobileBERT; by accuracy of masked words 125 do here, and two by perplexity."""
    table = autodistill_table()
    counts = [len(table.dominating(quality)) for quality in ("mlm_accuracy", "perplexity")]
    assert counts == [125, 2]
    assert len(table.dominating("perplexity", table.dominated_by(7, "perplexity"))) == 7
