"""Mean costs of architectures whose genes are drawn by themselves."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from hwcost.cost_models import cost_model
from hwcost.errors import UsageError
from hwcost.spaces import space

TINY = {"scale": "mini"}


def table(form: str, merged: bool):
    of = space("supershaper", merged=merged, **TINY)
    archs = of.sample(60, seed=1)
    rng = np.random.default_rng(2)
    seconds = [(1e-3 + 2e-9 * of.params(arch)) * np.exp(rng.normal(0, 0.02)) for arch in archs]
    return cost_model("lut", of, form=form).fit(archs, seconds)


def draws(of, seed):
    rng = np.random.default_rng(seed)
    return [rng.dirichlet(np.ones(len(gene.choices))) for gene in of.genes]


@pytest.mark.parametrize("form", ["linear", "log"])
@pytest.mark.parametrize("merged", [False, True])
def test_a_mean_is_the_weighted_sum_over_the_whole_space(form, merged) -> None:
    cost = table(form, merged)
    probabilities = draws(cost.space, 3)
    weights = np.array([np.prod(row) for row in itertools.product(*probabilities)])
    values = cost.predict(list(cost.space.architectures())).latency_s
    assert cost.expected(probabilities) == pytest.approx(float(weights @ values), rel=1e-9)


@pytest.mark.parametrize("form", ["linear", "log"])
@pytest.mark.parametrize("merged", [False, True])
def test_at_one_hot_probabilities_it_is_the_model(form, merged) -> None:
    cost = table(form, merged)
    for arch in cost.space.sample(10, seed=4):
        rows = [np.eye(len(gene.choices))[gene.choices.index(value)]
                for gene, value in zip(cost.space.genes, arch.genes, strict=True)]  # fmt: skip
        assert cost.expected(rows) == pytest.approx(cost(arch), rel=1e-12)


@pytest.mark.torch
@pytest.mark.parametrize("form", ["linear", "log"])
@pytest.mark.parametrize("merged", [False, True])
def test_gradients_flow(form, merged) -> None:
    torch = pytest.importorskip("torch")
    cost = table(form, merged)
    logits = [torch.randn(len(gene.choices), dtype=torch.double, requires_grad=True) for gene in cost.space.genes]

    def mean(*given):
        return 1e3 * cost.expected([one.softmax(0) for one in given])

    assert torch.autograd.gradcheck(mean, logits)
    plain = [one.detach().softmax(0).numpy() for one in logits]
    assert float(mean(*logits)) == pytest.approx(1e3 * cost.expected(plain), rel=1e-12)


def test_what_does_not_fit_is_refused() -> None:
    cost = table("linear", False)
    rows = draws(cost.space, 0)
    with pytest.raises(UsageError, match="expected one probability per choice"):
        cost.expected(rows[:-1])
    with pytest.raises(UsageError, match="probabilities of gene 2 add up to 2"):
        cost.expected([rows[0], 2 * rows[1], *rows[2:]])
    archs = cost.space.sample(40)
    trees = cost_model("lightgbm", cost.space).fit(archs, [1e-9 * cost.space.params(arch) for arch in archs])
    with pytest.raises(UsageError, match="needs a table over genes, which 'lightgbm' is not"):
        trees.expected(rows)
