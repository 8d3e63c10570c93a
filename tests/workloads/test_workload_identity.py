"""A workload is its own key, survives JSON, and refuses what it cannot be."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.errors import ArchitectureError, DataError, UsageError
from hwcost.spaces import space
from hwcost.spaces.supershaper import WIDTHS
from hwcost.workloads import (
    ChainWorkload,
    ComponentWorkload,
    FactoryWorkload,
    ModelWorkload,
    OnnxWorkload,
    SyntheticWorkload,
    component_stacks,
    from_dict,
    models,
)

SPACE = space("supershaper")
GATED = space("components", grid="mini")
GENES = (360,) * 12

shapes = st.fixed_dictionaries(
    {
        "batch_size": st.integers(1, 512),
        "seq_len": st.integers(1, 512),
        "dtype": st.sampled_from(["float32", "bfloat16", "float16"]),
    }
)
options = st.sampled_from([(("merged", False),), (("merged", True),), ()])
genes = st.tuples(*[st.sampled_from(WIDTHS)] * 12)
parts = st.sampled_from([*SPACE.components(), *SPACE.parts()])
workloads = st.one_of(
    st.builds(
        lambda genes, options, seed, shape: ModelWorkload("supershaper", genes, options, seed=seed, **shape),
        genes, options, st.integers(0, 9), shapes,
    ),
    st.builds(
        lambda part, depth, options, shape: ComponentWorkload(
            "supershaper", part.kind, part.dims, depth, options, **shape
        ),
        parts, st.integers(1, 16), options, shapes,
    ),
    st.builds(
        lambda chain, depth, shape: ChainWorkload.of(GATED, chain, depth=depth, **shape),
        st.lists(st.sampled_from(GATED.components()[1:]), min_size=1, max_size=3), st.integers(1, 16), shapes,
    ),
    st.builds(lambda shape: FactoryWorkload("package.module:make", **shape), shapes),
    st.builds(lambda path, shape: OnnxWorkload(path, "ab" * 32, **shape), st.text(), shapes),
    st.builds(
        lambda name, flops, shape: SyntheticWorkload(name, flops, 7, **shape),
        st.text(min_size=1), st.integers(0, 10**15), shapes,
    ),
)  # fmt: skip


@given(workloads)
def test_a_workload_survives_json(workload) -> None:
    again = from_dict(json.loads(json.dumps(workload.as_dict())))
    assert again == workload
    assert hash(again) == hash(workload)
    assert again.key == workload.key
    assert again.name == workload.name


@given(workloads, workloads)
def test_keys_are_equal_exactly_when_workloads_are(one, other) -> None:
    assert (one.key == other.key) == (one == other)


def test_a_key_depends_on_the_shape_and_is_the_same_everywhere() -> None:
    workload = models(SPACE, [SPACE.architecture(GENES)])[0]
    assert workload.key == "6089e4d176bcfb28b122921ad3d22d8e75f270820ca98ad5917ff31f35d47bdc"
    assert models(SPACE, [SPACE.architecture(GENES)], batch_size=2)[0].key != workload.key


def test_an_onnx_file_is_its_content_wherever_it_lies() -> None:
    one, other = OnnxWorkload("/a.onnx", "00" * 32), OnnxWorkload("/b.onnx", "00" * 32)
    assert one == other
    assert one.key == other.key


@pytest.mark.parametrize(
    ("workload", "name"),
    [
        (ModelWorkload("supershaper", GENES), "360_" * 11 + "360@1x128"),
        (ModelWorkload("supershaper", GENES, (("merged", True),), 4), "merged=True " + "360_" * 11 + "360@4x128"),
        (ComponentWorkload("supershaper", "layer", (("hidden", 360),), 4), "4 x layer[hidden=360]@1x128"),
        (ComponentWorkload("supershaper", "head", dtype="bfloat16"), "head@1x128-bfloat16"),
        (ChainWorkload.of(GATED, GATED.parts(), depth=2), "2 x (dense, gelu)@1x128"),
        (FactoryWorkload("a.b:c", 2, 3), "a.b:c@2x3"),
        (OnnxWorkload("/x/bert.onnx", "00", 8), "bert.onnx@8"),
        (SyntheticWorkload("anything", 1, 1), "anything"),
    ],
)
def test_names_are_for_people(workload, name) -> None:
    assert workload.name == name


def test_work_is_the_spaces_own_count() -> None:
    arch = SPACE.architecture(GENES)
    assert ModelWorkload.of(SPACE, arch, batch_size=3).work() == SPACE.work(arch, 3, 128)
    stack = next(part for part in component_stacks(SPACE) if part.depth == 4)
    assert stack.work() == SPACE.component_work(stack.part, 1, 128).times(4)
    assert FactoryWorkload("a:b").work() is None
    assert SyntheticWorkload("a", 5, 6).work().elements == 6


GOOD = ModelWorkload("supershaper", GENES).as_dict()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"kind": "nothing"}, DataError, "unknown kind of workload 'nothing'. Known: chain, component, factory, "),
        ({"surplus": 1}, DataError, "make no model workload"),
        ({"options": [1]}, DataError, "make no model workload"),
        ({"batch_size": "1"}, DataError, "make no model workload"),
        ({"batch_size": 0}, UsageError, "at least 1, got 0"),
        ({"seq_len": -5}, UsageError, "at least 1, got -5"),
        ({"dtype": "int4"}, UsageError, "unknown dtype 'int4'. Known: float32"),
        ({"genes": [1] * 12}, ArchitectureError, "cannot be 1"),
        ({"options": {"mergde": True}}, UsageError, "does not take these options"),
    ],
)
def test_bad_descriptions_are_refused(change, error, message) -> None:
    with pytest.raises(error, match=message):
        from_dict({**GOOD, **change})


def test_missing_fields_are_refused() -> None:
    with pytest.raises(DataError, match="make no component workload"):
        from_dict({"kind": "component"})
    with pytest.raises(DataError, match="make no chain workload"):
        from_dict({"kind": "chain", "space": "components"})
    with pytest.raises(DataError, match="make no revision workload: 'plain' is missing"):
        from_dict({"kind": "revision", "commit": "a" * 40})
    with pytest.raises(UsageError, match="a chain needs a component and a depth of at least 1"):
        ChainWorkload("components", ())
    with pytest.raises(UsageError, match="depth of a stack must be at least 1"):
        ComponentWorkload("supershaper", "layer", depth=0)
    with pytest.raises(UsageError, match="needs a name"):
        SyntheticWorkload(flops=1)
    with pytest.raises(UsageError, match="names no factory"):
        FactoryWorkload("module.function")


def test_a_space_that_nothing_builds_cannot_be_measured() -> None:
    class Described(type(SPACE)):
        name = "described"

    with pytest.raises(UsageError, match="'described' cannot be built, so.*cannot be measured.*supershaper") as error:
        models(Described(), [])
    assert error.value.exit_code == 2
