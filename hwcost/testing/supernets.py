"""The conformance suite of supernets: what every supernet promises, as tests.

::

    class TestMySupernet(SupernetSuite):
        name = "my-space:scale=mini"

Give a space whose nets are small: many of them are extracted and run. The suite needs torch.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pytest

from hwcost.errors import ArchitectureError, UsageError
from hwcost.spaces import Architecture, SearchSpace
from hwcost.supernets.registry import supernet
from hwcost.workloads import builder
from hwcost.workloads.builder import draw_inputs

if TYPE_CHECKING:
    import torch

    from hwcost.supernets.base import Supernet

SEQ_LEN = 12


class SupernetSuite(ABC):
    """Subclass it as ``Test...`` and name the space.

    Attributes:
        name: Name of the space as a user types it, options included.
        tolerance: Largest difference between outputs of a net in the supernet and of the same net extracted.
    """

    name: ClassVar[str]
    tolerance: ClassVar[float] = 1e-5

    @pytest.fixture(scope="class")
    @classmethod
    def net(cls) -> Iterator[Supernet]:
        """The supernet, with every weight random, so that equal outputs mean equal weights."""
        torch = pytest.importorskip("torch")
        made = supernet(cls.name, seed=1)
        generator = torch.Generator().manual_seed(2)
        with torch.no_grad():
            for parameter in made.parameters():
                noise = torch.randn(parameter.shape, generator=generator) * 0.1
                parameter.copy_(parameter + noise if parameter.ndim == 1 else noise)
        return made

    @pytest.fixture(scope="class")
    @classmethod
    def archs(cls, net: Supernet) -> list[Architecture]:
        """The smallest and the largest architecture, and one for every choice of every gene of a third."""
        start = net.space.sample(1, seed=4)[0]
        return list(dict.fromkeys([net.smallest(), net.largest(), *neighbours(net.space, start)]))

    @pytest.fixture(scope="class")
    @classmethod
    def inputs(cls, net: Supernet) -> list[torch.Tensor]:
        """Inputs of one call."""
        import torch

        described = builder(net.space).model_inputs(2, SEQ_LEN)
        return [torch.from_numpy(array) for array in draw_inputs(described, seed=0).values()]

    def test_the_smallest_and_the_largest_are_points(self, net: Supernet) -> None:
        """Sandwich sampling trains both in every step; no net of the space lies outside them in size."""
        space = net.space
        ends = [space.params(arch) for arch in (net.smallest(), net.largest())]
        for arch in (net.smallest(), net.largest()):
            assert space.architecture(arch.genes) == arch
        assert all(ends[0] <= space.params(arch) <= ends[1] for arch in space.sample(min(20, space.size), seed=3))

    def test_extracted_nets_are_those_of_the_builder(self, net: Supernet, archs: list[Architecture]) -> None:
        """What is extracted has the parameters that the space counts, by the names that the builder gives them."""
        import torch

        from hwcost.workloads.weights import Uninitialised, count_parameters

        for arch in archs:
            extracted = net.extract(arch)
            assert count_parameters(extracted) == net.space.params(arch), net.space.key(arch)
            with torch.device("meta"), Uninitialised():
                plain = net.blueprint(arch).build()
            assert {name: one.shape for name, one in extracted.named_parameters()} == {
                name: one.shape for name, one in plain.named_parameters()
            }

    def test_extracted_nets_answer_as_the_supernet(
        self, net: Supernet, archs: list[Architecture], inputs: list[torch.Tensor]
    ) -> None:
        """What was trained is what is measured, for every choice of every gene."""
        import torch

        with torch.no_grad():
            for arch in archs:
                inside, outside = net.set(arch)(*inputs), net.extract(arch)(*inputs)
                assert torch.isfinite(inside).all()
                assert _apart(inside, outside) <= self.tolerance, net.space.key(arch)

    def test_extracting_copies_and_leaves_the_choice_alone(self, net: Supernet, inputs: list[torch.Tensor]) -> None:
        """Training goes on without changing what was extracted before."""
        import torch

        net.set(net.smallest())
        extracted = net.extract(net.largest())
        assert net.arch == net.smallest()
        with torch.no_grad():
            before = extracted(*inputs)
            for parameter in net.parameters():
                parameter.mul_(0.5)
            assert _apart(extracted(*inputs), before) == 0
            for parameter in net.parameters():
                parameter.mul_(2)

    def test_training_reaches_the_weights_of_the_chosen_net_only(self, net: Supernet, archs: list[Architecture]) -> None:
        """Views share the supernet's memory: the gradient is zero wherever the chosen net has no view."""
        for arch in archs[:2]:
            net.zero_grad(set_to_none=True)
            chosen = net.set(arch).tensors()
            sum(tensor.sum() for tensor in chosen.values()).backward()
            reached = sum(int((one.grad != 0).sum()) for one in net.parameters() if one.grad is not None)
            assert 0 < reached <= sum(one.numel() for one in net.parameters())
        net.zero_grad(set_to_none=True)

    def test_equal_seeds_give_equal_weights(self, net: Supernet) -> None:
        """This holds on any machine."""
        import torch

        one, again, other = (supernet(self.name, seed=seed) for seed in (5, 5, 6))
        assert all(torch.equal(a, b) for a, b in zip(one.parameters(), again.parameters(), strict=True))
        assert not all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))

    def test_points_of_other_spaces_and_unknown_heads_are_refused(self, net: Supernet) -> None:
        """Before anything is run."""
        with pytest.raises(ArchitectureError, match="another-space"):
            net.set(Architecture("another-space", net.smallest().genes))
        with pytest.raises(UsageError, match="no-such-head"):
            net.set(net.smallest(), "no-such-head")

    def test_a_saved_net_is_loaded_as_it_was(self, net: Supernet, inputs: list[torch.Tensor], tmp_path: Path) -> None:
        """Weights and description; the builder names the class."""
        import torch

        from hwcost.supernets import subnet

        pytest.importorskip("safetensors")
        arch = net.space.sample(1, seed=8)[0]
        net.save(arch, tmp_path / "net")
        with torch.no_grad():
            assert _apart(subnet.load(tmp_path / "net")(*inputs), net.extract(arch)(*inputs)) == 0


def neighbours(space: SearchSpace, arch: Architecture) -> Iterator[Architecture]:
    """Yields the architectures that differ from one in a single gene."""
    for index, gene in enumerate(space.genes):
        for choice in gene.choices:
            yield space.architecture([*arch.genes[:index], choice, *arch.genes[index + 1 :]])


def _apart(one: torch.Tensor, other: torch.Tensor) -> float:
    return float(np.abs((one - other).detach().numpy()).max())
