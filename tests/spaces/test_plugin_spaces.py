"""Spaces of other people: a slip in a class is named when the space is made, not when its measurements are wrong."""

from __future__ import annotations

import numpy as np
import pytest

from hwcost.cost_models import cost_model
from hwcost.errors import ContractError
from hwcost.objectives import Minimize
from hwcost.spaces import Gene, SearchSpace, space
from hwcost.study import search
from hwcost.testing.plugins import registered

HERE = "tests.spaces.test_plugin_spaces"


class Own(SearchSpace):
    """A space of two genes."""

    name = "own"
    genes = (Gene("blocks", (4, 2, 1)), Gene("act", ("relu", "gelu"), categorical=True))

    def __init__(self, width: int = 64) -> None:
        self.width = width

    def options(self):
        return {"width": self.width}


class Renamed(Own):
    """Calls itself otherwise."""

    name = "renamed"


class TwoOfAName(Own):
    """Two genes of one name."""

    genes = (Gene("blocks", (1, 2)), Gene("blocks", (3, 4)))


class TwiceAChoice(Own):
    """A choice twice."""

    genes = (Gene("blocks", (1, 2, 2.0)),)


class Texts(Own):
    """Texts in an order."""

    genes = (Gene("act", ("relu", "gelu")),)


class NoGenes(Own):
    """No gene."""

    genes = ()


class Pairs(Own):
    """Genes of another type."""

    genes = (("blocks", (1, 2)),)


class ShortIncreasing(Own):
    """An entry too few."""

    def increasing(self):
        return (1,)


class LostOption(Own):
    """Says nothing of its width."""

    def options(self):
        return {}


class NoSpace:
    """Not a space at all."""


def made(kind: str, **options):
    with registered("hwcost.spaces", {"own": f"{HERE}:{kind}"}):
        return space("own", **options)


def test_a_space_in_order_is_made():
    assert made("Own", width=32).options() == {"width": 32}
    assert made("LostOption").width == 64, "nothing was given that could be lost"


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("Renamed", "class Renamed breaks .* as space 'own': its attribute name is 'renamed'.*; call both 'own'"),
        ("TwoOfAName", "two genes are called 'blocks'"),
        ("TwiceAChoice", "gene 'blocks' has the choice 2 twice"),
        ("Texts", r"texts as choices: make it Gene\('act', choices, categorical=True\)"),
        ("NoGenes", r"genes is a tuple of Gene\(name, choices\), got \(\)"),
        ("Pairs", r"genes is a tuple of Gene\(name, choices\), got \(\('blocks'"),
        ("ShortIncreasing", r"increasing\(\) has 1 entries for 2 genes"),
        ("NoSpace", "not a subclass of hwcost.spaces.SearchSpace"),
    ],
)
def test_slips_are_named(kind, said):
    with pytest.raises(ContractError, match=said):
        made(kind)


def test_an_option_that_a_measuring_process_would_not_get_is_named():
    with pytest.raises(ContractError, match=r"options\(\) lacks 'width', with which it was made"):
        made("LostOption", width=32)


class Switch(Own):
    """A truth value as a choice."""

    genes = (Gene("bias", (True, False)),)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (TwoOfAName, "two genes are called 'blocks'"),
        (TwiceAChoice, "has the choice 2 twice"),
        (Texts, "categorical=True"),
        (Switch, "gene 'bias' has the choice True; a choice is a number or a text, such as 0 or 'off'"),
    ],
)
def test_slips_of_a_space_in_a_script_are_named_when_it_is_first_used(kind, said):
    with pytest.raises(ContractError, match=said):
        search(kind(), [Minimize(lambda arch: 1.0, name="one")], evaluations=3)
    with pytest.raises(ContractError, match=said):
        cost_model("ridge", kind()).fit([(1,)], [1.0])


def test_choices_may_stand_in_a_list_or_an_array():
    for choices in ([1, 2.5], np.array([1.0, 2.5]), range(1, 3)):
        gene = Gene("width", choices)
        assert gene.choices == tuple(map(float, choices))
        assert type(gene.choices[0]) is int
