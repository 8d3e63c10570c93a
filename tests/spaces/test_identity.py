"""Architectures of a space with other options are not taken for those of the space itself, wherever they are asked about."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwcost
from hwcost.cost_models import cost_model
from hwcost.errors import ArchitectureError, HwcostError, UsageError
from hwcost.objectives import Constraint, Flops, Minimize, Params
from hwcost.searchers import Trial, searcher
from hwcost.searchers.problem import Problem
from hwcost.spaces import Architecture, Candidates, Gene, SearchSpace, space
from hwcost.spaces.shaped import Shape, Shaped
from hwcost.study import search
from hwcost.systems.components import PAPER_SHARES, GateCosts

SMALL = {"layers": [2, 4], "hidden": [64, 128], "ffn_ratio": [2, 4], "heads": [4]}
PER_LAYER = {"elastic": "per_layer", "layers": [2], "ffn_ratio": [2, 4], "heads": [4]}


def table(*columns: str, choices: tuple[str, ...] = ("relu", "gelu"), **options: Any) -> SearchSpace:
    """A table of numeric columns and one of texts."""
    first = [{"name": name} for name in columns]
    return space("table", columns=[*first, {"name": "act", "categorical": True, "choices": list(choices)}], **options)


VARIANTS = {
    "merged": (space("supershaper:scale=mini,merged=true"), space("supershaper:scale=mini")),
    "scale": (space("supershaper:scale=mini"), space("supershaper")),
    "heads": (space("autodistil", heads="retained"), space("autodistil", heads="scaled")),
    "activation": (space("autodistil", activation="relu"), space("autodistil")),
    "heads-of-mini": (space("autodistil:scale=mini,heads=scaled"), space("autodistil:scale=mini")),
    "students": (space("autodistill:scale=mini"), space("autodistill")),
    "vocabulary": (space("components:grid=bert-base-multilingual"), space("components:grid=bert-base-halves")),
    "connected": (space("components:grid=mini-connected"), space("components:grid=mini")),
    "head": (space("transformer", **SMALL, head="pooler"), space("transformer", **SMALL)),
    "pieces": (space("transformer", **SMALL, vocabulary=100), space("transformer", **SMALL)),
    "per-layer": (space("transformer", **PER_LAYER, hidden=[64, 128]), space("transformer", **PER_LAYER, hidden=[64, 256])),
    "own-genes": (space("custom", genes={"a": [1, 2], "b": [1, 2]}), space("custom", genes={"b": [1, 2], "a": [1, 2]})),
    "columns": (table("a", "b"), table("b", "a")),
}
"""Two spaces of one name whose equal genes are other nets: the one that made an architecture, and the one that is asked."""

ALIKE = {
    "subspace": (space("autodistil:subspace=tiny"), space("autodistil:subspace=one-shot-864"), (6, 224, 3, 8)),
    "printed": (space("autodistill"), space("autodistill:printed=true"), (512, 128, 1, 384, 4)),
    "ranges": (space("transformer", **SMALL), space("transformer", **{**SMALL, "layers": [4, 6]}), (4, 128, 4, 4)),
    "own-choices": (
        space("custom", genes={"a": [1, 2], "b": [1, 2]}),
        space("custom", genes={"a": [2, 4], "b": [2, 8]}, increasing=["a"], operators=["conv-{a}"]),
        (2, 2),
    ),
    "categories": (
        table("a", "b"), table("a", "b", choices=("gelu", "silu", "relu"), increasing=["a"], padded=["b"]), (1, 2.5, "relu")
    ),
}  # fmt: skip
"""Two spaces that differ in what may be chosen, and the genes of a net that both have."""


def points(of: SearchSpace, n: int = 6) -> list[Architecture]:
    """Some architectures of a space, also of one that cannot be sampled."""
    if of.name != "table":
        return of.sample(min(n, of.size), seed=0)
    return [of.architecture((1 + i, 2 + i * i, "relu" if i % 2 else "gelu")) for i in range(n)]


def fitted(of: SearchSpace, name: str = "ridge") -> Any:
    archs = points(of)
    return cost_model(name, of).fit(archs, [1e-3 * (i + 2) for i in range(len(archs))])


def surfaces(of: SearchSpace) -> dict[str, Callable[[Architecture], Any]]:
    """Everything that takes an architecture of a space."""
    cost, rng = fitted(of), np.random.default_rng(0)
    own = points(of)[0]
    found = {
        "key": of.key, "named": of.named, "as_architecture": of.as_architecture,
        "encode": lambda arch: of.encode([own, arch]), "cost": cost, "predict": lambda arch: cost.predict([own, arch]),
        "measured": cost.with_measured(), "source": cost.with_measured().source, "doubt": cost.with_measured().doubt,
        "fit": lambda arch: cost_model("ridge", of).fit([own, arch], [1.0, 2.0]),
    }  # fmt: skip
    if of.name != "table":
        found |= {
            "mutate": lambda arch: of.mutate(arch, rng), "cross": lambda arch: of.cross(own, arch, rng),
            "candidates": lambda arch: Candidates.of(of, [own, arch]),
        }  # fmt: skip
    if of.is_buildable:
        found |= {
            "params": of.params, "flops": of.flops, "work": of.work, "components": of.components,
            "params of": Params(of), "flops of": Flops(of), "lut": fitted(of, "lut"),
            **{accounting: lambda arch, name=accounting: of.params(arch, name) for accounting in of.accountings},
        }  # fmt: skip
    return found


@pytest.mark.parametrize("which", VARIANTS)
def test_an_architecture_of_other_options_is_refused_everywhere(which: str) -> None:
    other, asked = VARIANTS[which]
    stranger = points(other)[-1]
    for name, ask in surfaces(asked).items():
        with pytest.raises(ArchitectureError, match="equal genes stand for other nets") as caught:
            print(name, ask(stranger))
        said = str(caught.value)
        for of in (other, asked):  # what was given, and what was expected
            assert f"space '{of.name}' (" in said
            for option, value in of.identity_options().items():
                assert f"{option}={value!s:.40}" in said
        assert said.index(", not to ") < said.index("hc.space(")
        assert said.endswith(".architecture(arch.genes)")


@pytest.mark.parametrize("which", VARIANTS)
def test_architectures_of_the_same_options_are_taken_however_they_came(which: str) -> None:
    for of in VARIANTS[which]:
        again = type(of)(**json.loads(json.dumps(of.options())))
        asked = surfaces(of)
        own = points(of)[-1]
        turned = json.dumps(dict(reversed(of.options().items())))
        others = (
            again.made(own.genes), pickle.loads(pickle.dumps(own)), Architecture(of.name, own.genes),
            Architecture(of.name, own.genes, turned),
        )  # fmt: skip
        for name in asked.keys() - {"mutate", "cross"}:
            wanted = repr(asked[name](own))
            assert [repr(asked[name](one)) for one in others] == [wanted] * len(others), name


@pytest.mark.parametrize("which", ["merged", "heads", "activation", "vocabulary", "head", "pieces", "own-genes", "columns"])
def test_the_way_out_that_an_error_names(which: str) -> None:
    other, asked = VARIANTS[which]
    stranger = points(other)[-1]
    meant = asked.architecture(stranger.genes)
    assert meant == stranger
    for ask in surfaces(asked).values():
        ask(meant)


@pytest.mark.parametrize("which", ALIKE)
def test_what_may_be_chosen_does_not_make_another_net(which: str) -> None:
    one, other, genes = ALIKE[which]
    for of, maker in ((one, other), (other, one)):
        wanted = of.architecture(genes)
        assert wanted.space_options != maker.architecture(genes).space_options
        for name, ask in surfaces(of).items():
            found = ask(maker.architecture(genes))
            assert name in ("mutate", "cross") or repr(found) == repr(ask(wanted))


CHOICES = st.lists(st.text(max_size=5), min_size=1, max_size=4, unique=True)


@given(CHOICES, CHOICES)
def test_a_table_prices_architectures_of_another_one_whose_values_it_knows(mine: list[str], theirs: list[str]) -> None:
    asked, other = (table("a", "b", choices=tuple(choices)) for choices in (mine, theirs))
    rows = [asked.architecture((i, i * i, mine[0])) for i in range(1, 5)]
    cost = cost_model("ridge", asked).fit(rows, [1.0, 2.0, 4.0, 8.0])
    for choice in theirs:
        arch = other.architecture((3, 9, choice))
        if choice in mine:
            assert cost(arch) == cost.predict([arch]).values[0] == cost(asked.architecture((3, 9, choice)))
        else:
            with pytest.raises(ArchitectureError, match="gene 'act' of space 'table' cannot be"):
                cost(arch)


def test_options_that_are_left_out_are_the_defaults_and_others_are_refused() -> None:
    of = space("supershaper:scale=mini")
    genes = of.sample(1)[0].genes
    assert of.params(Architecture("supershaper", genes, '{"scale": "mini"}')) == of.params(genes)
    for text in ("{}", "[1]", "no JSON", '{"colour": 1, "scale": "mini"}', '{"scale": "none"}'):
        with pytest.raises(ArchitectureError, match=r"belongs to space 'supershaper' .*not to .*merged=False, scale=mini"):
            of.params(Architecture("supershaper", genes, text))


# -- shapes --------------------------------------------------------------------------------------------------------------


def test_points_with_shapes_know_the_options_of_their_space() -> None:
    other, base = VARIANTS["heads"]
    of = Shaped(base)
    archs = base.sample(4, seed=0)
    shapes = (Shape(1, 32), Shape(8, 32), Shape(1, 128), Shape(8, 128))
    rows = [of.at(arch, shape) for arch, shape in zip(archs, shapes, strict=True)]
    cost = cost_model("ridge", of).fit(rows, [1.0, 2.0, 3.0, 4.0])
    stranger = other.made(archs[0].genes)
    point = Shaped(other).at(stranger, shapes[0])
    asked = {
        "at": lambda: of.at(stranger, shapes[0]), "point": lambda: cost(point), "predict": lambda: cost.predict([point]),
        "sizes": lambda: cost(stranger, batch_size=1, seq_len=32), "one shape": lambda: cost.at(1, 32)(stranger),
        "no shape": lambda: cost(stranger), "work": lambda: of.work(point), "key": lambda: of.key(point),
    }  # fmt: skip
    for name, ask in asked.items():
        with pytest.raises(ArchitectureError, match=r"heads=retained.*, not to .*heads=scaled"):
            print(name, ask())
    again = Shaped(space("autodistil", heads="scaled", subspace="small"))
    assert cost(again.at(archs[0], shapes[0])) == cost(rows[0]) == cost(archs[0], batch_size=1, seq_len=32)
    with pytest.raises(ArchitectureError, match=r"space=supershaper.*, not to .*space=autodistil"):
        cost(Shaped(space("supershaper")).at(space("supershaper").sample(1)[0], shapes[0]))


# -- searching -----------------------------------------------------------------------------------------------------------


def test_candidates_trials_and_bounds_of_other_options_are_refused() -> None:
    other, of = VARIANTS["merged"]
    strangers = other.sample(2)
    asking = searcher("random", Problem(of, [Minimize(Params(of))]), seed=0)
    bound, model = Constraint(Params(of), most=1e9), Constraint(fitted(of), most=1e9, probability=0)
    for ask in (
        lambda: asking.tell([Trial(arch, values=(1.0,)) for arch in strangers]),
        lambda: Candidates.of(of, Candidates.of(other, strangers)),
        lambda: fitted(of).predict(Candidates.of(other, strangers)),
        lambda: bound.feasible(strangers), lambda: model.feasible(strangers), lambda: bound.violation(strangers),
        lambda: Constraint(Params(of), most=1.0, of=strangers[0]),
    ):  # fmt: skip
        with pytest.raises(ArchitectureError, match="merged=True.*not to.*merged=False"):
            ask()
    for limit in (bound, model):
        with pytest.raises(UsageError, match=r"is of space 'supershaper' .*False.*architectures are of .*True"):
            limit.feasible(Candidates.of(other, strangers))
    assert {arch.space_options for arch in asking.ask(4)} == {of.options_text}


def test_an_objective_of_ones_own_that_asks_another_variant_is_told() -> None:
    other, of = VARIANTS["merged"]
    study = search(of, [Minimize(lambda arch: of.params(arch), "size")], evaluations=3, seed=0)
    assert study.best.values[0] > 0
    with pytest.raises(HwcostError, match="merged=False.*not to.*merged=True"):
        search(of, [Minimize(lambda arch: other.params(arch), "size")], evaluations=3, seed=0)


def test_the_costs_of_gates_are_of_their_grid() -> None:
    other, of = VARIANTS["vocabulary"]
    costs = GateCosts(of, PAPER_SHARES["bert-base"])
    assert costs(of.base()) == pytest.approx(1.0)
    with pytest.raises(ArchitectureError, match="grid=bert-base-multilingual.*not to.*grid=bert-base-halves"):
        costs(other.base())


# -- models --------------------------------------------------------------------------------------------------------------


def test_a_saved_model_knows_the_options_of_its_space(tmp_path) -> None:
    other, of = VARIANTS["heads"]
    cost = fitted(of, "lut")
    cost.save(tmp_path / "model")
    again = hwcost.load(tmp_path / "model")
    own = of.sample(3, seed=4)
    assert [again(arch) for arch in own] == [cost(arch) for arch in own] == cost.predict(own).values.tolist()
    for ask in (again, again.compile(), lambda arch: again.predict([arch])):
        with pytest.raises(ArchitectureError, match="heads=retained.*not to.*heads=scaled"):
            ask(other.made(own[0].genes))


@pytest.mark.parametrize("name", ["lut", "ridge", "lightgbm", "xgboost", "hybrid", "auto", "constant"])
def test_every_way_to_ask_one_architecture(name: str) -> None:
    other, of = VARIANTS["merged"]
    archs = of.sample(40, seed=0)
    cost = cost_model(name, of).fit(archs, [1e-3 + 1e-9 * of.params(arch) for arch in archs])
    stranger = other.made(archs[0].genes)
    for _ in range(2):
        assert cost(archs[0]) == cost.predict([archs[0]]).values[0]
        for ask in (cost, lambda arch: cost.predict([arch])):
            with pytest.raises(ArchitectureError, match="merged=True.*not to.*merged=False"):
                ask(stranger)
        cost.compile()


# -- spaces of other people ----------------------------------------------------------------------------------------------


class Blocks(SearchSpace):
    """A space of a script: nobody can make it by its name."""

    name = "blocks"
    genes = (Gene("blocks", (1, 2, 4)),)

    def __init__(self, width: int = 64) -> None:
        if width < 1:
            raise RuntimeError("whatever")
        self.width = width

    def options(self) -> dict[str, Any]:
        return {"width": self.width}


class Bare(Blocks):
    """A space without options, which makes architectures that carry none."""

    def options(self) -> dict[str, Any]:
        return {}

    def made(self, genes: Any) -> Architecture:
        return Architecture(self.name, tuple(genes))


def test_spaces_of_scripts_differ_in_their_options() -> None:
    of, same, other = Blocks(32), Blocks(32), Blocks(16)
    cost = cost_model("ridge", of).fit(of.sample(3), [1.0, 2.0, 3.0])
    arch = of.architecture([2])
    assert cost(same.architecture([2])) == cost(Architecture("blocks", (2,))) == cost(arch)
    for stranger in (other.architecture([2]), Architecture("blocks", (2,), '{"width": -1}')):
        with pytest.raises(ArchitectureError, match=r"width=.*not to space 'blocks' .width=32"):
            cost(stranger)
    assert Blocks().named(Architecture("blocks", (2,), "{}")) == {"blocks": 2}


def test_spaces_without_options_go_on_working() -> None:
    one, other = Bare(32), Bare(16)
    cost = cost_model("ridge", one).fit(one.sample(3), [1.0, 2.0, 3.0])
    assert cost(other.architecture([2])) == cost.predict([one.architecture([2])]).values[0]
