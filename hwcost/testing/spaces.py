"""The conformance suite of search spaces and of their builders.

::

    class TestMySpace(SpaceSuite):
        name = "my-space:width=64"

Where a builder is registered for the space, what it builds is compared with what the space counts; this needs torch. A space
without a builder is described and searched, and measured only with a factory of the user's.
"""

from __future__ import annotations

import json
from abc import ABC
from typing import Any, ClassVar

import numpy as np
import pytest

from hwcost.errors import ArchitectureError, UsageError
from hwcost.spaces import Architecture, Component, SearchSpace, space
from hwcost.testing.counting import counted_flops, meta_inputs
from hwcost.workloads import BUILDERS, Builder, ComponentWorkload, ModelWorkload, builder, from_dict
from hwcost.workloads.base import frozen_options, space_of

BATCH_SIZE, SEQ_LEN = 2, 16
"""Shape at which operations are counted."""

PARTS = 12
"""Components of a space that are built; of more, ones at equal distances in the list."""


class SpaceSuite(ABC):
    """Subclass it as ``Test...`` and name the space.

    Attributes:
        name: Name of the space as a user types it, options included.
        samples: Number of architectures that are looked at.
        flops_tolerance: Largest relative difference between counted and executed operations.
    """

    name: ClassVar[str]
    samples: ClassVar[int] = 6
    flops_tolerance: ClassVar[float] = 1e-3

    @pytest.fixture(scope="class")
    @classmethod
    def of(cls) -> SearchSpace:
        """The space."""
        return space(cls.name)

    @pytest.fixture(scope="class")
    @classmethod
    def archs(cls, of: SearchSpace) -> list[Architecture]:
        """Some of its architectures."""
        return of.sample(min(cls.samples, of.size), seed=1)

    @pytest.fixture(scope="class")
    @classmethod
    def built(cls, of: SearchSpace) -> Builder[SearchSpace]:
        """Its builder."""
        if of.name not in BUILDERS:
            pytest.skip(f"no builder is registered for space '{of.name}'")
        pytest.importorskip("torch")
        return builder(of)

    # -- the description -----------------------------------------------------------------------------------------------

    def test_its_name_and_options_make_an_equal_space(self, of: SearchSpace) -> None:
        """Plans and stores keep them as JSON; the options hold lists, numbers, texts, and no objects."""
        options = json.loads(json.dumps(of.options(), allow_nan=False))
        again = space(of.name, **options)
        assert (again.genes, again.components(), again.options()) == (of.genes, of.components(), of.options())
        assert space_of(of.name, frozen_options(options)).options() == of.options()

    def test_architectures_carry_the_options_of_their_space(self, of: SearchSpace, archs: list[Architecture]) -> None:
        """Equal spaces share their architectures; others that differ in what is built refuse them."""
        again = space(of.name, **json.loads(json.dumps(of.options())))
        assert again.identity_options() == of.identity_options()
        assert json.loads(json.dumps(of.identity_options())) == of.identity_options()
        for arch in archs:
            assert json.loads(arch.space_options) == of.options()
            assert again.as_architecture(arch) == of.as_architecture(again.architecture(arch.genes)) == arch
            assert of.as_architecture(Architecture(of.name, arch.genes)) == arch
            with pytest.raises(ArchitectureError, match="an-unknown-option"):
                of.as_architecture(Architecture(of.name, arch.genes, '{"an-unknown-option": 1}'))

    def test_an_unknown_option_is_refused(self, of: SearchSpace) -> None:
        """A misspelt option is named, together with the known ones."""
        with pytest.raises(UsageError, match="'no_such_option' is unknown"):
            space(of.name, no_such_option=1)

    def test_genes_have_distinct_names_and_choices(self, of: SearchSpace) -> None:
        """Numeric choices ascend, so that the code of a choice follows its value."""
        names = [gene.name for gene in of.genes]
        assert len(set(names)) == len(names) > 0
        for gene in of.genes:
            assert len(set(gene.choices)) == len(gene.choices)
            assert gene.categorical or list(gene.choices) == sorted(gene.choices)
        assert set(of.increasing()) <= {0, 1}
        assert len(of.increasing()) == len(of.genes)

    def test_keys_are_read_back(self, of: SearchSpace, archs: list[Architecture]) -> None:
        """Also genes in a list and by name."""
        for arch in archs:
            assert of.parse(of.key(arch)) == arch
            assert of.parse(json.dumps(list(arch.genes))) == arch
            assert of.as_architecture(of.named(arch)) == arch
        assert len({of.key(arch) for arch in archs}) == len(archs)

    def test_samples_are_distinct_and_repeatable_points(self, of: SearchSpace) -> None:
        """This holds in both designs, for each in its canonical form."""
        n = min(self.samples, of.size)
        for design in ("uniform", "spread"):
            archs = of.sample(n, seed=3, design=design)
            assert len(set(archs)) == n
            assert archs == of.sample(n, seed=3, design=design)
            assert [of.architecture(arch.genes) for arch in archs] == archs

    def test_mutants_and_children_are_points(self, of: SearchSpace, archs: list[Architecture]) -> None:
        """Whatever an evolution makes can be built."""
        rng = np.random.default_rng(0)
        for one, other in zip(archs, reversed(archs), strict=True):
            for made in (of.mutate(one, rng), of.cross(one, other, rng)):
                assert of.architecture(made.genes) == made

    def test_architectures_are_encoded_as_finite_numbers(self, of: SearchSpace, archs: list[Architecture]) -> None:
        """One row an architecture, one column a gene, and different rows for different architectures."""
        codes = of.encode(archs)
        assert codes.shape == (len(archs), len(of.genes))
        assert np.isfinite(codes).all()
        assert len(np.unique(codes, axis=0)) == len(archs)

    def test_points_outside_are_refused(self, of: SearchSpace, archs: list[Architecture]) -> None:
        """The error names the gene."""
        with pytest.raises(ArchitectureError):
            of.architecture(archs[0].genes[:-1])
        with pytest.raises(ArchitectureError, match=of.genes[0].name):
            of.architecture(["no such choice", *archs[0].genes[1:]])

    def test_what_is_no_architecture_is_refused(self, of: SearchSpace, archs: list[Architecture]) -> None:
        """Neither is a net of no tokens counted, nor does evolution go on without a generator."""
        rng, sizes = np.random.default_rng(0), of.is_buildable
        with pytest.raises(ArchitectureError, match="an architecture of space"):
            of.mutate(3, rng)
        with pytest.raises(ArchitectureError, match="an architecture of space"):
            of.cross(archs[0], 3, rng)
        with pytest.raises(UsageError, match="numpy"):
            of.mutate(archs[0], 3)  # type: ignore[arg-type]
        for count in (of.params, of.flops, of.work) if sizes else ():
            with pytest.raises(ArchitectureError, match="an architecture of space"):
                count(3)
        for count in (of.flops, of.work) if sizes else ():
            with pytest.raises(UsageError, match="whole number from 1"):
                count(archs[0], seq_len=-1)

    # -- sizes ---------------------------------------------------------------------------------------------------------

    def test_components_of_a_net_are_among_the_spaces_and_add_up(self, of: SearchSpace, archs: list[Architecture]) -> None:
        """Sizes of a net are sums over its components."""
        if not of.is_buildable:
            pytest.skip(f"space '{of.name}' counts no sizes")
        known = of.components()
        assert len(set(known)) == len(known)
        for arch in archs:
            parts = of.components(arch)
            assert set(known).issuperset(parts)
            work = [of.component_work(part, BATCH_SIZE, SEQ_LEN) for part in parts]
            assert of.params(arch) == sum(one.params for one in work) > 0
            assert of.flops(arch, SEQ_LEN, BATCH_SIZE) == sum(one.flops for one in work) > 0
            assert sum(one.elements for one in work) > 0

    def test_an_unknown_component_is_refused(self, of: SearchSpace) -> None:
        """It is never counted as nothing."""
        with pytest.raises(UsageError):
            of.component_work(Component("no-such-component"))

    # -- what is built -------------------------------------------------------------------------------------------------

    def test_nets_have_the_counted_parameters_and_operations(
        self, of: SearchSpace, archs: list[Architecture], built: Builder[SearchSpace]
    ) -> None:
        """What is measured is what is counted."""
        import torch

        from hwcost.workloads.weights import Uninitialised, count_parameters

        for arch in archs:
            with torch.device("meta"), Uninitialised():
                net = built.model(arch)
            assert count_parameters(net) == of.params(arch)
            flops = counted_flops(net, meta_inputs(built.model_inputs(BATCH_SIZE, SEQ_LEN)))
            assert flops == pytest.approx(of.flops(arch, SEQ_LEN, BATCH_SIZE), rel=self.flops_tolerance)

    def test_components_have_the_counted_parameters_and_operations(
        self, of: SearchSpace, built: Builder[SearchSpace]
    ) -> None:
        """Alone, and stacked where their output fits their input."""
        import torch

        from hwcost.workloads.weights import Uninitialised, count_parameters

        parts = of.components()
        for part in parts[:: max(1, len(parts) // PARTS)]:
            depth = 2 if built.is_stackable(part) else 1
            with torch.device("meta"), Uninitialised():
                module = built.component(part, depth)
            values = meta_inputs(built.component_inputs(part, BATCH_SIZE, SEQ_LEN))
            work = of.component_work(part, BATCH_SIZE, SEQ_LEN)
            assert count_parameters(module) == depth * work.params, part
            flops = counted_flops(module, values)
            assert flops == pytest.approx(depth * work.flops, rel=self.flops_tolerance), part
            if built.is_stackable(part):
                assert module(*values).shape == values[0].shape, part

    def test_an_unknown_component_is_not_built(self, built: Builder[SearchSpace]) -> None:
        """Not even as something near to it."""
        with pytest.raises(UsageError):
            built.component(Component("no-such-component"), 1)

    def test_blueprints_are_plain_and_of_the_builders_class(
        self, archs: list[Architecture], built: Builder[SearchSpace]
    ) -> None:
        """A saved net is built again from its blueprint, which is JSON."""
        blueprint = built.blueprint(archs[0])
        assert json.loads(json.dumps(blueprint.arguments)) == blueprint.arguments
        assert f"{blueprint.module}:{blueprint.name}" == built.net

    def test_workloads_are_read_back_and_run(
        self, of: SearchSpace, archs: list[Architecture], built: Builder[SearchSpace]
    ) -> None:
        """A measuring process gets a workload as JSON, builds it with seeded weights and calls it."""
        import torch

        smallest = min(archs, key=of.params)
        workloads: list[Any] = [ModelWorkload.of(of, smallest, seq_len=SEQ_LEN)]
        workloads += [ComponentWorkload.of(of, part, seq_len=SEQ_LEN) for part in set(of.components(smallest))]
        for workload in workloads:
            again = from_dict(json.loads(json.dumps(workload.as_dict())))
            assert (again, again.key, again.name) == (workload, workload.key, workload.name)
            ready = again.built()
            with torch.inference_mode():
                one, other = (ready.module(*ready.args, **ready.kwargs) for _ in range(2))
            assert torch.isfinite(one).all()
            assert torch.equal(one, other)
