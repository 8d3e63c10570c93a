"""Architectures as people hold them."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.cost_models import cost_model
from hwcost.errors import ArchitectureError
from hwcost.spaces import Gene, SearchSpace, space
from hwcost.spaces.base import Architecture

TABLE = space("table", columns=[{"name": "layers"}, {"name": "hidden"}])
NESTED = space("table", columns=[{"name": name} for name in ("ks.0", "ks.1", "d")])
OPS = space("table", columns=[{"name": "op", "categorical": True, "choices": ["a=b", "conv"]}, {"name": "width"}])
WANTED = Architecture("table", (4, 512))
Row = namedtuple("Row", ["hidden", "layers"])


class Series:
    """A row of a data frame: it can be turned into a mapping."""

    def to_dict(self) -> dict[str, Any]:
        return {"name": "net_7", "layers": np.int64(4), "hidden": 512.0, "latency_s": 0.1}


@pytest.mark.parametrize(
    "value",
    [
        WANTED, (4, 512), [4, 512], np.array([4.0, 512.0]), {"hidden": 512, "layers": 4}, Row(512, 4), Series(),
        "4,512", "[4, 512]", "layers=4,hidden=512", " hidden = 512 , layers = 4 ", '{"layers": 4, "hidden": 512}',
        "{'hidden': 512, 'layers': 4}", {"arch": {"layers": 4, "hidden": 512}}, {"arch": "{'layers': 4, 'hidden': 512}"},
    ],
)  # fmt: skip
def test_everything_that_says_an_architecture(value: Any) -> None:
    assert TABLE.as_architecture(value) == WANTED


def test_lists_within_mappings_and_texts_with_signs() -> None:
    assert NESTED.as_architecture({"ks": [5, 7], "d": 9}).genes == (5, 7, 9)
    assert NESTED.as_architecture("{'ks': (5, 7), 'd': 9}").genes == (5, 7, 9)
    assert NESTED.parse("ks.0=5,ks.1=7,d=9").genes == (5, 7, 9)
    assert OPS.parse("op=conv,width=8").genes == ("conv", 8)
    assert OPS.parse('["a=b", 8]').genes == ("a=b", 8)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (4, "is 2 values in a sequence, a mapping such as {'layers': ...}, a row of a data frame, or a text; got 4"),
        (None, "got None"),
        ((4,), "has 2 genes"),
        ({"layers": 4}, "needs a value for hidden. Given: layers. Genes: layers, hidden"),
        ({}, "Given: nothing"),
        ("layers=4", "needs a value for hidden"),
        ("{'layers': }", "neither a JSON object nor a dictionary"),
        ({"layers": 4, "hidden": "wide"}, "is numeric, got the text 'wide'"),
        ({"layers": 4, "hidden": None}, "a number or a text, got None"),
        (Architecture("hat", (1,)), "belongs to space 'hat'"),
    ],
)
def test_what_is_no_architecture_is_said(value: Any, said: str) -> None:
    with pytest.raises(ArchitectureError) as caught:
        TABLE.as_architecture(value)
    assert said in str(caught.value)


@given(st.integers(0, 2**32 - 1))
def test_a_key_and_names_read_back_in_any_space(seed: int) -> None:
    for name in ("supershaper", "transformer"):
        one = space(name)
        arch = one.sample(1, seed=seed)[0]
        named = {gene.name: value for gene, value in zip(one.genes, arch.genes, strict=True)}
        text = ",".join(f"{gene}={value}" for gene, value in named.items())
        for value in (arch, arch.genes, named, one.key(arch), text):
            assert one.as_architecture(value) == arch


def test_cost_models_take_them_all() -> None:
    archs = [TABLE.architecture((1 + i % 5, 64 + 32 * i)) for i in range(12)]
    cost = cost_model("ridge", TABLE).fit([arch.genes for arch in archs], np.arange(1.0, 13.0))
    wanted = cost(archs[3])
    assert cost(archs[3].genes) == wanted
    assert cost({"layers": archs[3].genes[0], "hidden": archs[3].genes[1]}) == wanted
    values = [arch.genes for arch in archs]
    columns = {"layers": [genes[0] for genes in values], "hidden": [genes[1] for genes in values]}
    records = np.array(values, dtype=[("layers", "i8"), ("hidden", "i8")])
    for given_archs in (values, columns, records, [archs[0], *values[1:]], iter(values), np.array(values, dtype=float)):
        np.testing.assert_array_equal(cost.predict(given_archs).latency_s, cost.predict(archs).latency_s)
    with pytest.raises(ArchitectureError, match="got 4"):
        cost.predict((4, 512))
    with pytest.raises(ArchitectureError, match="needs a value for hidden"):
        cost({"layers": 4})


class Operations(SearchSpace):
    """Texts that hold underscores, a text that looks like a number, and numbers with many digits."""

    name = "operations"
    genes = (
        Gene("a", ("conv_3x3", "conv", "3"), categorical=True), Gene("b", ("3x3_conv", "conv"), categorical=True),
        Gene("c", [0.3333333, 1 / 3, 12345678.25, 1.0]),
    )  # fmt: skip


def test_keys_of_a_space_of_ones_own_differ_and_are_read_back() -> None:
    made = Operations()
    archs = list(made.architectures())
    assert len({made.key(arch) for arch in archs}) == made.size == 24
    assert [made.parse(made.key(arch)) for arch in archs] == archs
    assert made.parse("conv_3x3,conv,1").genes == ("conv_3x3", "conv", 1)
    assert made.parse("a=3, b=conv, c=1").genes == ("3", "conv", 1)


def test_a_declared_space_reads_json_and_what_an_architecture_prints() -> None:
    made = space("custom", genes={"layers": [2, 4], "act": ["relu", "gelu"], "bias": [False, True]})
    wanted = made.architecture([4, "gelu", 1])
    for text in ('{"layers": 4, "act": "gelu", "bias": true}', "{'act': 'gelu', 'layers': 4, 'bias': 1}", str(wanted)):
        assert made.parse(text) == wanted
    assert cost_model("ridge", made).fit(made.sample(8), np.arange(1.0, 9.0))('{"layers": 4, "act": "gelu", "bias": 1}') > 0


def test_arrays_of_objects_are_lists() -> None:
    made = space("custom", genes={"layers": [1, 2, 3, 4], "act": ["relu", "gelu"]})
    archs = made.sample(8)
    cost = cost_model("ridge", made).fit(np.array(archs), np.arange(1.0, 9.0))
    wanted = cost.predict(archs).latency_s
    for held in (np.array(archs), np.array([arch.genes for arch in archs], dtype=object), np.array([str(a) for a in archs])):
        np.testing.assert_array_equal(cost.predict(held).latency_s, wanted)
    torch_like = np.array(3)  # a scalar with a dimension of its own, as tensors are iterated over
    assert made.architecture([torch_like, "gelu"]) == made.architecture([3, "gelu"])
