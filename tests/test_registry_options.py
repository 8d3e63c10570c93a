"""Whatever family a thing belongs to: a wrong option is named together with those that are known."""

from __future__ import annotations

import pytest

from hwcost.cost_models import COST_MODELS, cost_model
from hwcost.errors import UsageError
from hwcost.registry import made, parse_options
from hwcost.spaces import SPACES, space


@pytest.mark.parametrize("name", COST_MODELS.names())
def test_every_cost_model_names_an_unknown_option_and_its_own(name):
    with pytest.raises(UsageError, match=f"cost model '{name}' does not take.*'colour' is unknown.*Known: .*batch_size=1"):
        cost_model(name, space("supershaper"), colour=1)


@pytest.mark.parametrize("name", SPACES.names())
def test_every_space_names_an_unknown_option(name):
    with pytest.raises(UsageError, match=f"space '{name}' does not take these options: 'colour' is unknown") as caught:
        space(name, colour=1)
    assert "__init__" not in str(caught.value)


def test_a_near_miss_is_guessed_and_a_missing_option_is_named():
    with pytest.raises(UsageError, match="'mergde' is unknown .did you mean 'merged'"):
        space("supershaper", mergde=True)
    with pytest.raises(UsageError, match="space 'custom' does not take these options: 'genes' is needed. Known: genes"):
        space("custom")


def test_a_value_of_a_wrong_type_is_shown_with_what_is_known():
    with pytest.raises(UsageError, match="one has a wrong type .*Given: columns=4. Known: columns"):
        space("table", columns=4)


def test_a_switch_takes_no_text():
    """Any text but the empty one counts as true in Python, "False" too."""
    for text in ("False", "yes", ""):
        with pytest.raises(UsageError, match=f"space 'supershaper': 'merged' is true or false, got '{text}'"):
            space("supershaper", merged=text)
    with pytest.raises(UsageError, match="'merged' is true or false"):
        space("supershaper:merged=False")


def test_functions_and_open_factories():
    def closed(first: int, *, second: int = 2) -> int:
        return first + second

    assert made("sum", closed, 1, second=4) == 5
    with pytest.raises(UsageError, match="sum does not take these options: 'third' is unknown. Known: second=2"):
        made("sum", closed, 1, third=4)
    assert made("all", lambda **options: options, anything=1) == {"anything": 1}
    assert made("builtin", dict, anything=1) == {"anything": 1}


@pytest.mark.parametrize(
    ("text", "options"),
    [("supershaper:scale=small", {"scale": "mini"}), ("supershaper:scale=small,scale=mini", {})],
)
def test_an_option_of_a_space_is_not_given_twice_with_different_values(text, options):
    with pytest.raises(UsageError, match="supershaper:.*'scale' is given twice, as 'small' and as 'mini'. Give it once"):
        space(text, **options)


def test_an_option_may_be_repeated():
    assert space("supershaper:scale=mini", scale="mini").options() == {"merged": False, "scale": "mini"}
    assert space("supershaper:scale=mini,scale=mini", merged=True).options() == {"merged": True, "scale": "mini"}
    assert parse_options(["rounds=3", "rounds=3.0"], "--option NAME=VALUE") == {"rounds": 3}
    with pytest.raises(UsageError, match="--option NAME=VALUE: option 'rounds' is given twice, as 3 and as 4"):
        parse_options(["rounds=3", "rounds=4"], "--option NAME=VALUE")
