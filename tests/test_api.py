"""The functions behind ``import hwcost``: what editors show of them, and that all ways to a plan are one."""

from __future__ import annotations

import dataclasses
import inspect
import json
import pickle
import re

import pytest

import hwcost as hc
from hwcost.campaign.targets import drawn_items, space_of, workloads
from hwcost.cli.main import invoke
from hwcost.errors import UsageError
from hwcost.exchange.table import read_table
from hwcost.spaces import Architecture
from hwcost.spaces.encoding import encoding_of
from tests.conftest import ROOT

FUNCTIONS = [name for name in hc.__all__ if inspect.isfunction(getattr(hc, name))]
OPTIONS = {field.name for field in dataclasses.fields(hc.MeasureOptions)}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_signatures_name_their_parameters(name: str) -> None:
    function = getattr(hc, name)
    signature = inspect.signature(function)
    assert not any(one.kind is one.VAR_POSITIONAL for one in signature.parameters.values())
    assert function.__module__.startswith("hwcost.")
    for parameter in signature.parameters:
        assert re.search(rf"^ +\**{parameter}: ", function.__doc__, re.MULTILINE), f"{name}() does not describe {parameter}"


def test_measure_names_every_option_of_measuring_with_the_same_default() -> None:
    parameters = inspect.signature(hc.measure).parameters
    of_its_own = {"what", "few", "prior", "space", "model", "budget_s", "wait_s", "store", "on", "progress", "remark"}
    assert set(parameters) - OPTIONS == of_its_own
    defaults = hc.MeasureOptions()
    for name in OPTIONS - {"backend_options"}:
        assert parameters[name].default == getattr(defaults, name), name


def test_commands_name_every_option_of_measuring_and_of_tables() -> None:
    from hwcost.cli import audit, evaluate, fit, measure

    of_measure = inspect.signature(measure.measure).parameters
    one_by_one = {"backend_options", "quantities"}  # with --backend-option and --quantity; a role goes by what is drawn
    assert OPTIONS - set(of_measure) == {*one_by_one, "role"}
    for name in OPTIONS & set(of_measure):
        assert of_measure[name].default == getattr(hc.MeasureOptions(), name), name
    of_tables = {field.name for field in dataclasses.fields(hc.TableOptions)}
    for command in (audit.audit, evaluate.evaluate, fit.fit):
        assert of_tables <= set(inspect.signature(command).parameters)


def test_python_and_the_command_line_make_equal_plans(capsys, tmp_path) -> None:
    arguments = ["--backend", "null", "--backend-option", "noise=0.02", "--space", "autodistil:subspace=tiny", "-n", "3"]
    arguments += ["--test-rows", "2", "--seq-len", "64", "--tier", "quick", "--blocks", "5", "--seed", "7", "--no-pin"]
    assert invoke(["measure", *arguments, "--dry-run", "--json", "-", "--store", str(tmp_path / "s.db")]) == 0
    shown = json.loads(capsys.readouterr().out)["plan"]
    options = hc.MeasureOptions(
        backend="null", backend_options={"noise": 0.02}, seq_len=64, tier="quick", blocks=5, seed=7, pin=False
    )
    plan = options.plan(drawn_items(hc.space("autodistil", subspace="tiny"), options, 3, test=2))
    assert json.loads(json.dumps(plan.to_dict())) == shown
    assert [item.role for item in plan.items] == ["fit"] * 3 + ["test"] * 2


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"tier": "best"}, "unknown tier 'best'"),
        ({"rounds": 0}, "at least 1 round"),
        ({"blocks": 3}, "at least 4 blocks"),
        ({"arrival": "often"}, "often"),
    ],
)
def test_options_are_checked_when_they_are_made(wrong, says) -> None:
    with pytest.raises(UsageError, match=says):
        hc.MeasureOptions(**wrong)


def test_options_of_tables_are_found_where_they_belong() -> None:
    options = hc.TableOptions(categorical="a, b", keep=["c"])
    assert (options.categorical, options.keep, options.given) == (("a", "b"), ("c",), ("categorical", "keep"))
    assert dataclasses.replace(options, unit="ms").unit == "ms"
    assert options == hc.TableOptions(categorical=("a", "b"), keep="c")
    with pytest.raises(UsageError, match=r"give table=hc.TableOptions\(unit='ms'\)"):
        hc.fit({"a": [1, 2], "latency": [3, 4]}, space="table", unit="ms")


# -- the space that made an architecture ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options"),
    [("autodistil", {"subspace": "tiny", "heads": "scaled"}), ("supershaper", {"merged": True}), ("transformer", {})],
)
def test_what_is_measured_is_what_the_space_made(name: str, options: dict[str, object]) -> None:
    space = hc.space(name, **options)
    one, other = space.sample(2)
    archs = [one, space.parse(space.key(other)), pickle.loads(pickle.dumps(one)), space.mutate(one, _rng())]
    assert space_of(archs).options() == space.options()
    made = workloads(archs, hc.MeasureOptions())
    assert [work.search_space().options() for work in made] == [space.options()] * 4
    decoded = encoding_of(space).decode(space.encode([one])[0])
    columns = {gene.name: [value, value] for gene, value in zip(space.genes, one.genes, strict=True)}
    read = read_table({**columns, "latency_s": [1.0, 2.0]}, space).architectures
    assert space_of([decoded, *read]).options() == space.options()
    assert space_of([work.architecture for work in made]).options() == space.options()


def test_architectures_of_a_space_of_ones_own_know_their_genes() -> None:
    space = hc.space("custom", genes={"layers": [1, 2], "hidden": [8, 16]})
    assert space_of(space.sample(2)).options() == space.options()
    with pytest.raises(UsageError, match="do not hold its genes"):
        space_of([Architecture("custom", (1, 8))])


def test_architectures_of_differing_options_are_not_measured_as_one() -> None:
    plain, merged = hc.space("supershaper"), hc.space("supershaper", merged=True)
    mixed = [plain.sample(1)[0], merged.sample(1, seed=1)[0]]
    with pytest.raises(UsageError, match="differing options.*two campaigns, or say with space="):
        workloads(mixed, hc.MeasureOptions())
    made = workloads(mixed, hc.MeasureOptions(), merged)
    assert {work.search_space().merged for work in made} == {True}
    by_hand = Architecture("supershaper", plain.sample(1)[0].genes)
    assert space_of([by_hand, plain.sample(1)[0]]).options() == plain.options()


def test_options_of_the_space_do_not_count_for_identity() -> None:
    plain, merged = hc.space("supershaper"), hc.space("supershaper", merged=True)
    one, other = plain.sample(1)[0], merged.sample(1)[0]
    assert (one, hash(one), str(one), repr(one)) == (other, hash(other), str(other), repr(other))


def _rng():
    import numpy as np

    return np.random.default_rng(0)


def test_the_command_line_page_names_every_option() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for name in [*OPTIONS - {"role"}, *(field.name for field in dataclasses.fields(hc.TableOptions))]:
        assert f"`{name}=" in page, name
