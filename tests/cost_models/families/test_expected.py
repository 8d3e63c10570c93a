"""Mean costs of architectures whose genes are drawn by themselves."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from hwcost.cost_models import cost_model
from hwcost.errors import UsageError
from hwcost.spaces import space
from hwcost.spaces.shaped import Shape, Shaped

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


JOINT = [("autodistil", {"subspace": "tiny", **TINY}), ("autodistill", TINY), ("components", {"grid": "mini"})]
"""Spaces whose genes price components together, so that no table over single genes or neighbours holds them."""


@pytest.mark.parametrize("form", ["linear", "log"])
@pytest.mark.parametrize(("name", "options"), JOINT)
def test_genes_that_price_components_together_are_averaged_over_exactly(name, options, form) -> None:
    """One-hot it is the table's sum; with some genes open it is the weighted sum over all that they may be."""
    of, rng = space(name, **options), np.random.default_rng(5)
    archs = of.sample(40, seed=1)
    seconds = [(1e-3 + 2e-9 * of.params(arch)) * np.exp(rng.normal(0, 0.02)) for arch in archs]
    cost = cost_model("lut", of, form=form).fit(archs, seconds)
    for arch in of.sample(6, seed=4):
        rows = [np.eye(len(gene.choices))[gene.choices.index(value)]
                for gene, value in zip(of.genes, arch.genes, strict=True)]  # fmt: skip
        assert cost.expected(rows) == pytest.approx(cost(arch), rel=1e-12)
        free = rng.choice(len(rows), size=min(4, len(rows)), replace=False)
        for gene in free:
            rows[gene] = rng.dirichlet(np.ones(len(rows[gene])))
        mean = 0.0
        for drawn in itertools.product(*(range(len(rows[gene])) for gene in free)):
            genes = list(arch.genes)
            for gene, code in zip(free, drawn, strict=True):
                genes[gene] = of.genes[gene].choices[code]
            mean += np.prod([rows[gene][code] for gene, code in zip(free, drawn, strict=True)]) * cost(of.made(genes))
        assert cost.expected(rows) == pytest.approx(mean, rel=1e-9)


@pytest.mark.parametrize(("name", "options"), JOINT[1:])
def test_a_model_over_shapes_has_its_mean_at_a_shape(name, options) -> None:
    """Its table at a shape is of component prices alone, without terms of genes."""
    of = space(name, **options)
    shaped, shapes = Shaped(of), [Shape(1, 32), Shape(4, 32), Shape(1, 64), Shape(4, 64)]
    points = [shaped.at(arch, shapes[i % 4]) for i, arch in enumerate(of.sample(24, seed=1))]
    works = [sum(part.flops + part.elements for part in parts(shaped, point)) for point in points]
    cost = cost_model("shapes", shaped, penalty=1.0).fit(points, [1e-5 + 1e-11 * work for work in works]).at(4, 48)
    for arch in of.sample(3, seed=4):
        rows = [np.eye(len(gene.choices))[gene.choices.index(value)]
                for gene, value in zip(of.genes, arch.genes, strict=True)]  # fmt: skip
        assert cost.expected(rows) == pytest.approx(cost(arch), rel=1e-12)


def parts(shaped, point) -> list:
    """Returns the work of the components of a point."""
    arch, shape = shaped.architecture_of(point), shaped.shape_of(point)
    return [shaped.base.component_work(part, *shape) for part in shaped.base.components(arch)]


@pytest.mark.torch
def test_gradients_flow_through_groups() -> None:
    torch = pytest.importorskip("torch")
    of = space("autodistill", **TINY)
    archs = of.sample(40, seed=1)
    cost = cost_model("lut", of, form="log").fit(archs, [1e-9 * of.params(arch) for arch in archs])
    logits = [torch.randn(len(gene.choices), dtype=torch.double, requires_grad=True) for gene in of.genes]
    assert torch.autograd.gradcheck(lambda *given: 1e6 * cost.expected([one.softmax(0) for one in given]), logits)


def test_a_space_of_one_large_group_says_what_to_do() -> None:
    of = space("transformer", elastic="per_layer")
    archs = of.sample(40, seed=1)
    cost = cost_model("lut", of).fit(archs, [1e-9 * of.params(arch) for arch in archs])
    with pytest.raises(UsageError, match="groups that are too large"):
        cost.expected([np.eye(len(gene.choices))[0] for gene in of.genes])


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
