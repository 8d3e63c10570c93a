"""Members of families are found by name; the installed distributions are scanned once a process."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from hwcost import registry
from hwcost.errors import HwcostError, UnknownNameError
from hwcost.registry import Registry
from hwcost.testing.plugins import registered
from tests.conftest import ROOT

GROUP = "hwcost.colours"


@pytest.fixture
def colours() -> Registry:
    return Registry(GROUP, "colour", {"red": "math:pi", "blue": "math:tau"})


def test_own_and_registered_members_are_found_alike(colours: Registry) -> None:
    with registered(GROUP, {"sea-green": "math:e"}):
        assert colours.names() == ["blue", "red", "sea-green"]
        assert "sea-green" in colours
        assert round(colours.load("sea-green"), 2) == 2.72
        assert (colours.origin("red"), colours.origin("sea-green")) == ("hwcost", "an unnamed distribution")
    assert colours.names() == ["blue", "red"]
    assert round(colours.load("red"), 2) == 3.14


def test_registrations_nest(colours: Registry) -> None:
    with registered(GROUP, {"green": "math:e"}):
        with registered(GROUP, {"grey": "math:nan"}):
            assert {"green", "grey"} <= set(colours.names())
        assert "green" in colours
        assert "grey" not in colours


def test_unknown_names_list_the_known_ones(colours: Registry) -> None:
    for attempt in (colours.load, colours.origin):
        with pytest.raises(UnknownNameError, match="unknown colour 'bleu'. Did you mean 'blue'. Known: blue, red"):
            attempt("bleu")


def test_a_name_that_two_claim_is_an_error_that_names_both(colours: Registry) -> None:
    with (
        registered(GROUP, {"red": "math:e"}),
        pytest.raises(HwcostError, match="two colours are called 'red': math:pi and math:e .from an unnamed.* Uninstall"),
    ):
        colours.names()
    with registered(GROUP, {"red": "math:pi"}):  # an entry point that says what the source says
        assert colours.names() == ["blue", "red"]


@pytest.mark.parametrize(
    ("value", "why"), [("no_such_module:x", "ModuleNotFoundError"), ("math:no_such_name", "AttributeError")]
)
def test_a_broken_member_is_named_when_it_is_loaded(
    colours: Registry, value: str, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    with registered(GROUP, {"grey": value}):
        assert "grey" in colours.names()
        with pytest.raises(HwcostError, match=f"colour 'grey' .{value}. of .* cannot be imported: {why}.*uninstall"):
            colours.load("grey")
        assert colours.load("red")
        assert set(colours.members()) == {"red", "blue"}
        assert "left out: colour 'grey'" in caplog.text


def test_distributions_are_scanned_once_for_all_groups(colours: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    scans = []
    scan = registry.entry_points
    monkeypatch.setattr(registry, "entry_points", lambda prefix: scans.append(1) or scan(prefix))
    registry.refresh()
    other = Registry("hwcost.shapes", "shape", {"round": "math:pi"})
    for _ in range(3):
        assert colours.names()
        assert colours.load("red")
        assert other.names() == ["round"]
    assert len(scans) == 1
    registry.refresh(EntryPoint("square", "math:e", "hwcost.shapes"))
    assert other.names() == ["round", "square"]
    assert len(scans) == 2
    registry.refresh()


def test_members_of_other_distributions_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "entry_points", lambda prefix: {})
    registry.refresh()
    assert not registry.has_members_of_others()
    registry.refresh(EntryPoint("square", "math:e", "hwcost.shapes"))
    assert registry.has_members_of_others()
    monkeypatch.undo()
    registry.refresh()


def test_naming_workloads_scans_nothing_and_makes_a_space_once() -> None:
    """A worker names every workload that it is sent; neither distributions nor spaces are looked up again for it."""
    script = """
from hwcost import registry
from hwcost.spaces import SearchSpace, space
from hwcost.spaces.supershaper import SuperShaper
from hwcost.workloads import ModelWorkload, from_dict
made, scans = [], []
init, scan = SuperShaper.__init__, registry.entry_points
SuperShaper.__init__ = lambda self, *a, **k: (made.append(1), init(self, *a, **k))[1]
registry.entry_points = lambda prefix: (scans.append(1), scan(prefix))[1]
archs = space("supershaper", merged=True).sample(20)
for arch in archs:
    workload = ModelWorkload.of(space("supershaper", merged=True), arch)
    made.clear()
    again = from_dict(workload.as_dict())
    print(len(made), len(scans), again.name == workload.name, again.work() == workload.work())
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(done.stdout.splitlines()[1:]) == {"0 1 True True"}
