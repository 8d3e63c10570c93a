from __future__ import annotations

import pytest

from hwcost.errors import ArchitectureError, UsageError
from hwcost.spaces import space

COLUMNS = [{"name": "op", "categorical": True, "choices": ["a_b", "c"]}, {"name": "width"}]


def test_options_rebuild_it_and_keys_are_read_back():
    table = space("table", columns=COLUMNS)
    assert space("table", **table.options()).genes == table.genes
    arch = table.architecture(["a_b", 1.5])
    assert table.parse(table.key(arch)) == arch
    assert table.parse("a_b, 1.5") == arch


def test_it_describes_data_only():
    table = space("table", columns=COLUMNS)
    assert table.components() == ()
    assert not table.is_buildable
    with pytest.raises(UsageError, match="describes data only"):
        table.sample(1)


def test_texts_of_digits_are_found():
    table = space("table", columns=[{"name": "op", "categorical": True, "choices": ["1", "x"]}])
    assert table.parse("1") == table.architecture(["1"])


@pytest.mark.parametrize("genes", [["z", 1], ["c", "wide"], ["c"], ["c", 1, 2]])
def test_refuses_what_does_not_fit_the_columns(genes):
    with pytest.raises(ArchitectureError):
        space("table", columns=COLUMNS).architecture(genes)


@pytest.mark.parametrize(
    "columns", [[], [{"name": "a"}, {"name": "a"}], [{"name": "a", "categorical": True}], [{"nom": "a"}], [{"name": ""}]]
)
def test_refuses_columns_that_make_no_space(columns):
    with pytest.raises(UsageError):
        space("table", columns=columns)


def test_latency_grows_only_along_the_columns_that_were_named():
    assert space("table", columns=COLUMNS).increasing() == (0, 0)
    table = space("table", columns=COLUMNS, increasing=["width"])
    assert table.increasing() == (0, 1)
    assert space("table", **table.options()).increasing() == (0, 1)


@pytest.mark.parametrize("name", ["op", "height"])
def test_refuses_increasing_columns_that_are_no_numbers(name):
    with pytest.raises(UsageError, match=f"'{name}' is not a numeric column.*Numeric ones: width"):
        space("table", columns=COLUMNS, increasing=[name])
