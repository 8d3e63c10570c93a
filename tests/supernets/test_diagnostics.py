"""Nets that are chosen before training, qualities of subnets, and what bottlenecks show."""

# ruff: noqa: E402 - nothing below can be imported without the optional package

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hwcost.errors import UsageError
from hwcost.spaces import space
from hwcost.supernets.diagnostics import BAND, bottleneck_diagonals, choose, perplexities, shape_differences
from hwcost.supernets.masked_lm import perplexity
from hwcost.supernets.registry import supernet
from tests.supernets.nets import shaken
from tests.supernets.test_training import words

pytestmark = pytest.mark.torch

MINI = space("supershaper:scale=mini")


@pytest.mark.parametrize("seed", range(5))
def test_half_of_the_chosen_nets_are_of_one_size(seed) -> None:
    near, spread = choose(MINI, 12, seed)
    sizes = [MINI.params(arch) for arch in near]
    middle = np.median([MINI.params(arch) for arch in MINI.sample(101, seed=seed)])
    assert len(near) == len(spread) == 6
    assert len({*near, *spread}) == 12
    assert max(abs(size / middle - 1) for size in sizes) <= BAND
    over = [MINI.params(arch) for arch in spread]
    assert max(over) / min(over) > 1.6
    assert choose(MINI, 12, seed) == (near, spread)


def test_an_odd_number_of_nets_is_refused() -> None:
    with pytest.raises(UsageError, match="give an even number of them, got 7"):
        choose(MINI, 7, 0)


def test_perplexities_are_those_of_the_extracted_nets() -> None:
    net = shaken("supershaper:scale=mini")
    archs = [net.smallest(), net.largest()]
    held_out = [words(1), words(2)]
    expected = [perplexity(net.extract(arch, "mlm"), held_out) for arch in archs]
    assert perplexities(net, archs, held_out) == pytest.approx(expected, rel=1e-4)


def test_untrained_bottlenecks_show_no_bands() -> None:
    """Identities have equal diagonals; the softmax of each is flat and sums to one."""
    diagonals = bottleneck_diagonals(supernet("supershaper:scale=mini"))
    assert diagonals.shape == (4, 2, 64)
    assert diagonals == pytest.approx(np.full((4, 2, 64), 1 / 64))


def test_shape_differences_are_distances() -> None:
    """SuperShaper, equation 1."""
    archs = [MINI.architecture(genes) for genes in ([8, 8, 8, 8], [16, 8, 24, 8])]
    assert shape_differences(MINI, archs, archs[0]).tolist() == pytest.approx([0, np.hypot(8, 16)])
