"""The table of AutoDistill's students: whole, consistent with itself, and a search with a known answer."""

from __future__ import annotations

from importlib import resources

import numpy as np
import pytest
from scipy import stats

from hwcost.errors import UnknownNameError, UsageError
from hwcost.pareto import dominates
from hwcost.spaces.candidates import Candidates
from hwcost.study import search
from hwcost.supernets.recipe import Recipe
from hwcost.testing import autodistill_table

QUALITIES = ("perplexity", "mlm_accuracy", "nsp_accuracy")


def test_every_student_is_there_once_in_the_order_of_the_space() -> None:
    table = autodistill_table()
    everything = Candidates.all(table.space).architectures
    assert list(table.students) == [table.space.key(arch) for arch in everything]
    assert len(table.students) == 576
    assert resources.files("hwcost.testing").joinpath("autodistill_table.json").stat().st_size <= 1_000_000


def test_values_are_what_they_are_called() -> None:
    table = autodistill_table()
    vocabulary = table.space.sizes.vocabulary
    for one in [*table.students.values(), *table.regular.values(), *(row for rows in table.shares.values() for row in rows)]:
        assert 1 < one.perplexity < vocabulary
        assert 0 <= one.mlm_accuracy <= 1
        assert 0 <= one.nsp_accuracy <= 1
    for row in table.students.values():
        assert 0 < row.low_s <= row.latency_s <= row.high_s


def test_latency_grows_with_work_and_quality_with_width() -> None:
    table = autodistill_table()
    archs = [table.space.parse(key) for key in table.students]
    latency, perplexity = table.values().T
    assert stats.kendalltau(latency, [table.space.flops(arch, 16, 32) for arch in archs]).statistic > 0.4
    assert stats.kendalltau(perplexity, [arch.genes[0] for arch in archs]).statistic < -0.5


def test_provenance_says_from_what_on_what_and_how() -> None:
    found = autodistill_table().provenance
    assert {"versions", "machine", "date", "seed", "teacher", "student", "flash", "regular", "latency", "text"} <= set(found)
    assert {"python", "torch", "hwcost"} <= set(found["versions"])
    assert {name: 20 * steps for name, steps in found["flash"].items()} == found["regular"]
    assert set(found["student"]) <= set(Recipe.__dataclass_fields__)


@pytest.mark.parametrize("quality", QUALITIES)
def test_the_front_is_what_no_student_dominates(quality: str) -> None:
    table = autodistill_table()
    values = dict(zip(table.students, table.values(quality), strict=True))
    front = set(table.front(quality))
    assert front
    for key in [*front, *list(table.students)[::19]]:
        assert (key in front) == (not any(dominates(other, values[key]) for other in values.values()))


def test_a_reference_is_dominated_by_as_many_as_asked_for() -> None:
    table = autodistill_table()
    reference = table.dominated_by(7)
    assert len(table.dominating(reference=reference)) == 7
    assert table.space.key(table.dominated_by(len(table.dominating()))) == table.space.key(table.reference)
    with pytest.raises(UsageError, match="dominated by exactly 600 others"):
        table.dominated_by(600)
    with pytest.raises(UnknownNameError, match=r"bleu.*Known: mlm_accuracy"):
        table.values("bleu")


def test_an_exhaustive_search_finds_what_the_table_says_dominates() -> None:
    table = autodistill_table()
    reference = table.dominated_by(7)
    study = search(table.space, table.objectives(reference=reference), searcher="exhaustive", evaluations=576)
    found = {table.space.key(trial.architecture) for trial in study.dominating}
    assert found == set(table.dominating(reference=reference))


def test_shares_and_the_regular_sample_are_comparable() -> None:
    table = autodistill_table()
    assert table.space.key(table.reference) in table.regular
    assert list(table.shares) == [0.0125, 0.025, 0.05, 0.1]
    medians = [np.median([one.perplexity for one in rows]) for rows in table.shares.values()]
    assert medians == sorted(medians, reverse=True)
    assert all(row.perplexity < table.students[key].perplexity for key, row in table.regular.items())
