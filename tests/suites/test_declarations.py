"""What a suite says, what it expands to, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hwcost.configuration.table import checked
from hwcost.errors import DataError, UnknownNameError, UsageError
from hwcost.suites import Suite, expand, load_suite, suites
from hwcost.suites.planning import plan_parts

SET = {"name": "a", "space": "supershaper:scale=mini", "n": 2}


def suite(**values: Any) -> Suite:
    return checked(Suite, {"name": "mine", "workloads": [SET], "devices": ["cpu"], **values}, "mine.toml")


def test_a_suite_expands_to_a_campaign_per_device_backend_and_shape() -> None:
    found = expand(
        suite(
            devices=["cpu", {"name": "k80", "on": "ssh://far", "backends": ["onnxruntime"]}],
            backends=["null", {"name": "torch", "threads": 2}],
            shapes=[{"batch_size": 1, "seq_len": 32}, {"batch_size": 2}],
        )
    )
    assert [str(part) for part in found] == [
        "cpu, null, batch 1, 32 tokens", "cpu, null, batch 2", "cpu, torch, batch 1, 32 tokens", "cpu, torch, batch 2",
        "k80 on ssh://far, onnxruntime, batch 1, 32 tokens", "k80 on ssh://far, onnxruntime, batch 2",
    ]  # fmt: skip
    assert [part.options().threads for part in found] == [1, 1, 2, 2, 1, 1]
    assert found[0].plan().protocol.tier == "standard"
    limited = expand(suite(backends=["null"], blocks=5, until=["half-width<=2%"]))[0].plan()
    assert (limited.protocol.min_blocks, limited.until) == (5, ("half-width<=2%",))


def test_devices_that_are_typed_take_the_place_of_the_suites() -> None:
    found = expand(suite(), devices=["k80@ssh://user@far", "here"], tier="quick")
    assert [(part.device, part.on) for part in found] == [("k80", "ssh://user@far"), ("cpu", None)]
    with pytest.raises(UnknownNameError, match="unknown device 'k8'"):
        expand(suite(), devices=["k8"])


def test_sets_have_tiers_and_shapes_of_their_own() -> None:
    small = {**SET, "name": "small", "tiers": ["quick"], "shapes": [{"seq_len": 16}]}
    declared = suite(workloads=[SET, small], budget={"quick": "4m"})
    assert [len(part.sets) for part in expand(declared)] == [1]
    assert [[one.name for one in part.sets] for part in expand(declared, tier="quick")] == [["a"], ["small"]]
    assert (declared.budget_of("quick"), declared.budget_of("standard")) == ("4m", None)
    with pytest.raises(UsageError, match="measures nothing at tier 'strict'"):
        expand(suite(workloads=[small]), tier="strict")


def test_workloads_are_the_same_every_night_and_stand_once() -> None:
    twice = [SET, {**SET, "name": "b", "n": 3}, {**SET, "name": "c", "components": True, "n": 1, "seed": 3}]
    first, again = (expand(suite(workloads=twice, backends=["null"]))[0].plan() for _ in range(2))
    assert list(first.by_key) == list(again.by_key)
    roles = [item.role for item in first.items]
    assert roles[:2] == ["fit", "fit"]
    assert {"fit", "component", "check"} == set(roles)
    only = expand(suite(workloads=twice, backends=["null"]), only=["a"])[0].plan()
    assert list(only.by_key) == list(first.by_key)[:2]
    with pytest.raises(UsageError, match="--only nothing leaves no workload"):
        expand(suite(), only=["nothing"])[0].plan()


def test_what_a_suite_does_not_say_is_what_is_configured() -> None:
    configured = {"tier": "quick", "backend": "null", "seq_len": 16, "budget": "5m", "device": "k80", "threads": None}
    found = suite(budget="1m").with_defaults(configured)
    assert (found.tier, found.backends[0].name, found.budget_of("quick")) == ("quick", "null", "1m")
    assert [(part.device, part.shape.seq_len) for part in expand(found)] == [("cpu", 16)]
    assert suite(tier="strict", shapes=[{"seq_len": 8}]).with_defaults(configured).shapes[0].seq_len == 8


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"workload": []}, "unknown key 'workload'. Did you mean 'workloads'?"),
        ({"workloads": [{**SET, "seeds": 1}]}, "workloads[1]: unknown key 'seeds'. Did you mean 'seed'?"),
        ({"workloads": [{"name": "a"}]}, "workloads[1]: set 'a' names neither a space nor a model"),
        ({"workloads": [SET, SET]}, "two sets of workloads are called 'a'"),
        ({"workloads": [{**SET, "archs": ["x"]}]}, "give archs or n"),
        ({"workloads": [{**SET, "of_models": True}]}, "of_models says which components are priced; add components = true"),
        ({"budget": "8 parsec"}, "'8 parsec' is not a duration"),
        ({"budget": {"fast": "8m"}}, "unknown tier 'fast'"),
        ({"models": {"m": {"path": "m", "refit": "often"}}}, "models.m.refit: "),
        ({"policy": [{"lest": 0.1}]}, "policy[1]: unknown key 'lest'. Did you mean 'least'?"),
    ],
)
def test_what_cannot_be_used_names_the_file_and_the_key(values: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError) as caught:
        suite(**values)
    assert str(caught.value).startswith("mine.toml: ")
    assert said in str(caught.value)


def test_suites_are_found_in_projects_files_and_among_those_shipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hwcost.toml").write_text(
        '[[suite.smoke.workloads]]\nname = "a"\nspace = "space.toml"\n[suite.smoke.models.m]\npath = "models/m"\n'
    )
    own = load_suite("smoke")
    assert own.workloads[0].space == str(tmp_path / "space.toml")
    assert own.models["m"].path == str(tmp_path / "models" / "m")
    assert suites()["smoke"].startswith(str(tmp_path))
    (tmp_path / "one.toml").write_text('[[workloads]]\nname = "a"\nspace = "supershaper"\n')
    assert load_suite(tmp_path / "one.toml").name == "one"
    with pytest.raises(UnknownNameError, match=r"unknown suite 'nightli'. Did you mean 'nightly'\?"):
        load_suite("nightli")


SLOW = pytest.mark.slow


@pytest.mark.torch
@pytest.mark.parametrize(
    "tier", ["quick", pytest.param("standard", marks=SLOW), pytest.param("strict", marks=SLOW)],
)  # fmt: skip
def test_the_nightly_suite_covers_all_four_spaces_at_every_tier(tier: str) -> None:
    nightly = load_suite("nightly")
    sets = [one for one in nightly.workloads if tier in one.tiers]
    spaces = {str(one.space).partition(":")[0] for one in sets}
    assert spaces == {"supershaper", "autodistil", "components", "autodistill"}
    assert nightly.budget_of(tier)
    (part,) = expand(nightly, tier=tier, devices=["cpu"])
    roles: dict[str, set[str]] = {}
    for item in part.plan().items:
        roles.setdefault(item.workload.space, set()).add(item.role)  # type: ignore[attr-defined]
    assert roles.keys() == spaces
    assert all({"fit", "component", "check"} <= of_space for of_space in roles.values())


def test_of_very_many_components_those_of_the_models_are_priced() -> None:
    chosen = {"name": "a", "space": "autodistill:scale=mini", "components": True, "of_models": True, "n": 2, "seed": 1}
    items = expand(suite(workloads=[chosen], backends=["null"]))[0].plan().items
    wholes = [item.workload for item in items if item.role == "check"]
    stacks = [item.workload for item in items if item.role == "component"]
    assert len(wholes) == 2
    priced = {one.part for one in stacks}  # type: ignore[attr-defined]
    space = wholes[0].search_space()  # type: ignore[attr-defined]
    assert priced == {part for one in wholes for part in space.components(one.architecture)}  # type: ignore[attr-defined]
    assert len(priced) < len(space.components()) / 10
    assert {one.depth for one in stacks} == {1, 2, 4, 8}  # type: ignore[attr-defined]


def test_what_is_not_asked_for_is_left_out_of_a_run() -> None:
    sets = [SET, {**SET, "name": "b", "shapes": [{"seq_len": 8}]}]
    parts = expand(suite(workloads=sets, backends=["null"]), only=["b"])
    assert [str(one.part) for one in plan_parts(parts, None)] == ["cpu, null, 8 tokens"]
    with pytest.raises(UsageError, match="--only c leaves no workload"):
        plan_parts(expand(suite(), only=["c"]), None)
