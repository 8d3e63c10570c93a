"""What models of other devices promise from three and five rows of a published table; skips where they are absent."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from hwcost.cost_models.data import Data, read
from hwcost.cost_models.priors.model import PriorModel
from hwcost.cost_models.priors.source import Source
from hwcost.cost_models.training.train import train

TABLES = (
    "1080ti_bs128", "ryzen", "corei7_9th_8_9", "gcp_xeon_bs1_3k", "gcp_xeon_bs1_seed543_2k", "xeon_bs128_set3",
)  # fmt: skip
DRAWS = 20


@cache
def known(folder: Path, name: str) -> tuple[Data, Source]:
    """Returns the rows of a table, and a lookup table of all of them."""
    data = read(str(folder / "supershaper" / f"{name}.csv"), "supershaper")
    return data, Source(name, train(data, "lut").model)


def errors(data: Data, prior: PriorModel, n: int) -> list[float]:
    """Returns the MAPE in percent on the rows that were not drawn, for each of some random draws."""
    genes, found = prior.features.encode(data.architectures), []
    for draw in range(DRAWS):
        order = np.random.default_rng(1000 + draw).permutation(len(data))
        kept, held = order[:n], order[n:]
        model = prior.clone().fit(genes[kept], data.values[kept])
        found.append(float(100 * np.abs(model.predict_encoded(genes[held]) / data.values[held] - 1).mean()))
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("name", "from_three", "from_five"), [("1080ti_bs128", 0.8, 0.6), ("ryzen", 1.6, 1.0)])
def test_errors_of_a_device_that_is_left_out(published: Path, name: str, from_three: float, from_five: float) -> None:
    data, _ = known(published, name)
    prior = PriorModel(data.space, sources=[known(published, other)[1] for other in TABLES if other != name])
    prior.learnt()  # once for all draws
    assert np.median(errors(data, prior, 3)) <= from_three
    assert np.median(errors(data, prior, 5)) <= from_five
