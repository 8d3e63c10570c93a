"""Every cost model, fitted quickly, on spaces of all kinds."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from hwcost.cost_models import COST_MODELS, cost_model
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.training.intervals import calibrate
from hwcost.errors import MissingExtraError
from hwcost.spaces import Architecture, SearchSpace, space
from hwcost.spaces.shaped import Shape, Shaped

QUICK = {
    "auto": {"candidates": ["constant", "ridge", "lut", "lightgbm"]},
    "hybrid": {"rounds": 30},
    "lightgbm": {"rounds": 30},
    "xgboost": {"rounds": 30},
    "roofline": {"flops_per_s": 3e11, "bytes_per_s": 7e9},
}
COLUMNS = [{"name": "n"}, {"name": "m"}, {"name": "op", "categorical": True, "choices": ["a", "b", "c"]}]
SPACES = {
    "widths": space("supershaper"),
    "neighbours": space("supershaper", scale="mini", merged=True),
    "means": space("hat"),
    "columns": space("table", columns=COLUMNS),
    "shapes": Shaped(space("supershaper")),
}
ASKS_FOR_COMPONENTS = ("params", "roofline")
OVER_SHAPES = ("shapes", "hybrid", "auto")
PAIRS = [
    (name, where)
    for name in COST_MODELS.names()
    for where in SPACES
    if (where in ("widths", "neighbours") or name not in ASKS_FOR_COMPONENTS)
    and (name in OVER_SHAPES if where == "shapes" else name != "shapes")
]


def sample(where: str, n: int, seed: int) -> list[Architecture]:
    """Draws architectures of a space, also of those that any number is a point of."""
    made: SearchSpace = SPACES[where]
    rng = np.random.default_rng(seed)
    if where == "means":
        rows = [[rng.choice(gene.choices) if gene.choices else rng.uniform(1, 900) for gene in made.genes] for _ in range(n)]
        return [made.architecture([float(number) for number in row]) for row in rows]
    if where == "columns":
        return [made.architecture([x, y, op]) for x, y, op in zip(
            rng.uniform(1, 9, n).tolist(), rng.integers(1, 99, n).tolist(), rng.choice(list("abc"), n).tolist(), strict=True
        )]  # fmt: skip
    if isinstance(made, Shaped):
        sizes = zip(rng.choice([1, 2, 4], n).tolist(), rng.choice([16, 32, 128], n).tolist(), strict=True)
        return [made.at(arch, Shape(*one)) for arch, one in zip(made.base.sample(n, seed=seed), sizes, strict=True)]
    return made.sample(n, seed=seed)


@cache
def fitted(name: str, where: str) -> CostModel:
    """Fits a model of a space to made-up latencies that no model describes exactly; shared by tests, which only ask it."""
    archs = sample(where, 20 if name == "prior" else 60, 1)
    sizes = np.array([sum(hash(str(gene)) % 97 if isinstance(gene, str) else gene for gene in arch.genes) for arch in archs])
    latency_s = (0.01 + 1e-5 * sizes) * np.exp(np.random.default_rng(2).normal(0, 0.1, len(archs)))
    others = {"sources": [fitted("lut", where), fitted("ridge", where)]} if name == "prior" else {}
    try:
        model = cost_model(name, SPACES[where], **QUICK.get(name, {}), **others).fit(archs, latency_s)
    except MissingExtraError as error:
        pytest.skip(str(error))
    return calibrate(model, archs, latency_s)
