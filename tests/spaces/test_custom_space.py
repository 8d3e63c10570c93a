"""A space that the user declares: genes, keys, draws, files, operators."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hwcost.errors import ArchitectureError, DataError, UsageError
from hwcost.spaces import space
from hwcost.spaces.custom import from_architectures
from hwcost.spaces.files import written

GENES = {"layers": [6, 2, 4], "hidden": [128, 256], "activation": ["relu", "gelu"], "bias": [True, False]}

names = st.text("abXY_-. =,[\"é", min_size=1, max_size=5).filter(lambda name: name.strip() == name)
numbers = st.lists(st.integers(-50, 50) | st.floats(-9, 9).map(lambda x: round(x, 3)), min_size=1, max_size=4, unique=True)
texts = st.lists(st.text("ab12,=[_\" é", min_size=1, max_size=4), min_size=1, max_size=4, unique=True)
declared = st.dictionaries(names, numbers | texts, min_size=1, max_size=4)


def test_numbers_are_ordered_and_texts_are_categories() -> None:
    made = space("custom", genes=GENES)
    assert [gene.choices for gene in made.genes] == [(2, 4, 6), (128, 256), ("relu", "gelu"), (0, 1)]
    assert [gene.categorical for gene in made.genes] == [False, False, True, False]
    assert made.size == 24
    arch = made.architecture({"bias": True, "layers": 4, "activation": "gelu", "hidden": 256})
    assert arch.genes == (4, 256, "gelu", 1)
    assert made.named(arch) == {"layers": 4, "hidden": 256, "activation": "gelu", "bias": 1}
    assert made.key(arch) == "layers=4,hidden=256,activation=gelu,bias=1"
    for text in ("bias=1, layers=4, hidden=256, activation=gelu", "4,256,gelu,1", '[4, 256, "gelu", 1]'):
        assert made.parse(text) == arch


@example({"X": ["1"], "Y": [" "]})
@given(declared)
def test_options_keys_and_files_are_read_back(tmp_path_factory, genes) -> None:
    made = space("custom", genes=genes)
    again = space("custom", **json.loads(json.dumps(made.options(), sort_keys=True)))
    assert again.genes == made.genes
    path = tmp_path_factory.mktemp("spaces") / "own.toml"
    path.write_text(written(made), encoding="utf-8")
    assert space(str(path)).options() == made.options()
    for arch in made.sample(min(5, made.size), seed=1):
        assert made.parse(made.key(arch)) == arch


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"genes": {}}, "at least one gene"),
        ({"genes": {"a": []}}, "gene 'a' needs a list of choices"),
        ({"genes": {"a": "relu"}}, "gene 'a' needs a list of choices"),
        ({"genes": {"a": [1, 1.0]}}, "'a' has a choice twice"),
        ({"genes": {"a": [1, "b"]}}, "all numbers or all texts"),
        ({"genes": {"a": [None]}}, "a number, a text, true or false; got None"),
        ({"genes": {"a": [float("nan")]}}, "finite number"),
        ({"genes": [["a", [1]], ["a", [2]]]}, "repeated: a"),
        ({"genes": ["ab"]}, "genes are choices by name"),
        ({"genes": {"a": [1]}, "increasing": ["b"]}, "increasing names 'b'.*Known: a"),
        ({"genes": {"a": ["x"]}, "increasing": ["a"]}, "not a numeric gene.*Known: none"),
        ({"genes": {"a": [1]}, "operators": ["x-{b}"]}, "operator 'x-{b}' names the unknown gene 'b'. Known: a"),
        ({"genes": {"a": [1]}, "operators": [{"name": "x", "when": {"a": [2]}}]}, "gene 'a' is never 2"),
        ({"genes": {"a": [0.5]}, "operators": [{"name": "x", "times": "a"}]}, "expected whole numbers"),
        ({"genes": {"a": [1]}, "operators": [{"nome": "x"}]}, "an operator is a text"),
        ({"genes": {"a": [1]}, "operators": ["x-{a"]}, "not a template"),
        ({"genes": 5}, "one has a wrong type"),
    ],
)
def test_mistakes_are_explained(options, says) -> None:
    with pytest.raises(UsageError, match=says):
        space("custom", **options)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("layers=2", "missing: hidden, activation, bias"),
        ("layers=2,hidden=128,activation=relu,bias=1,more=1", "unknown: more"),
        ("layers=3,hidden=128,activation=relu,bias=1", "gene 'layers' .* cannot be 3. Allowed: 2, 4, 6"),
        ("2,128", "has 4 genes"),
        ("layers=2,layers=4,hidden=128,activation=relu,bias=1", "gives 'layers' twice"),
    ],
)
def test_architectures_outside_are_explained(text, says) -> None:
    with pytest.raises(ArchitectureError, match=says):
        space("custom", genes=GENES).parse(text)


@given(st.integers(1, 60), st.integers(0, 5))
def test_a_spread_shows_every_choice_about_equally_often(n, seed) -> None:
    made = space("custom", genes={"a": list(range(20)), "b": list(range(15)), "c": list(range(11)), "kind": ["x", "y", "z"]})
    archs = made.sample(n, seed=seed, design="spread")
    assert len(set(archs)) == n
    assert archs == made.sample(n, seed=seed, design="spread")
    for i, gene in enumerate(made.genes):
        counts = Counter(arch.genes[i] for arch in archs)
        assert max(counts.values()) - min(counts.get(choice, 0) for choice in gene.choices) <= 2


@given(st.integers(0, 24), st.sampled_from(["spread", "uniform"]))
def test_a_small_space_can_be_drawn_whole(n, design) -> None:
    made = space("custom", genes=GENES)
    assert len(set(made.sample(n, seed=3, design=design))) == n


def test_sizes_are_not_known_and_it_says_what_to_do() -> None:
    made = space("custom", genes=GENES)
    with pytest.raises(UsageError, match="counts no parameters and FLOPs; count them in a function"):
        made.params(made.sample(1)[0])
    with pytest.raises(UsageError, match="counts no parameters, so"):
        made.sample(1, params=(0, 1))


def test_a_files_mistakes_name_the_file(tmp_path) -> None:
    path = tmp_path / "own.toml"
    with pytest.raises(DataError, match="cannot read the space '.*own.toml': No such file"):
        space(str(path))
    for text, says in (
        ("genes = [", "not valid TOML"),
        ("[gens]\na = [1]\n", "own.toml: space 'custom' does not take .*'gens' is unknown .did you mean 'genes'"),
        ("[genes]\na = []\n", "own.toml: gene 'a' needs"),
        ("space = 3\n", "'space' is the name of a space"),
    ):
        path.write_text(text)
        with pytest.raises(DataError, match=says):
            space(str(path))
    path.write_text('space = "supershaper"\nmerged = true\n')
    assert space(str(path)).options() == space("supershaper", merged=True).options()


def test_a_name_in_a_file_is_an_unknown_option(tmp_path) -> None:
    (path := tmp_path / "own.toml").write_text('name = "mine"\n[genes]\ndepth = [2, 4]\n')
    with pytest.raises(DataError, match="'name' is unknown. Known: genes, categorical"):
        space(str(path))


def test_operators_of_an_architecture(tmp_path) -> None:
    operators = [
        "stem", {"name": "layer-{hidden}-{activation}", "times": "layers"}, {"name": "norm-{hidden}", "when": {"bias": 1}}
    ]  # fmt: skip
    made = space("custom", genes=GENES, operators=operators)
    arch = made.parse("layers=4,hidden=256,activation=gelu,bias=1")
    assert Counter(part.name for part in made.components(arch)) == {"stem": 1, "layer-256-gelu": 4, "norm-256": 1}
    without = made.parse("layers=2,hidden=128,activation=relu,bias=0")
    assert Counter(part.name for part in made.components(without)) == {"stem": 1, "layer-128-relu": 2}
    assert len(made.components()) == 1 + 4 + 2
    assert space("custom", **json.loads(json.dumps(made.options()))).components() == made.components()
    assert not made.is_buildable
    (tmp_path / "own.toml").write_text(written(made))
    assert space(str(tmp_path / "own.toml")).components(arch) == made.components(arch)


def test_distinct_values_of_a_table_declare_a_space() -> None:
    table = space("table", columns=[{"name": "width"}, {"name": "op", "categorical": True, "choices": ["a", "b"]}])
    rows = [table.architecture(genes) for genes in ([8, "a"], [4, "b"], [8, "b"])]
    made = from_architectures(table, rows)
    assert made.options()["genes"] == [["width", [4, 8]], ["op", ["a", "b"]]]
    many = [table.architecture([width, "a"]) for width in range(101)]
    with pytest.raises(UsageError, match="'width' has 101 distinct values.*--columns op"):
        from_architectures(table, many)
    assert from_architectures(table, many, ["op"]).size == 1
