"""Priors that ship with a space: normalised prices of its components on devices whose latencies others published.

``devices/NAME.prices.json`` holds, for each device, what a component costs against the mean of all components, the rows that
this was fitted on, their noise, without and with the level that was taken out, and their source. They are fitted figures; no
measurement is in them.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from hwcost._resources import share
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.families.lut import LookupTable
from hwcost.cost_models.features.domain import Domain
from hwcost.cost_models.priors.noise import NORMAL
from hwcost.cost_models.priors.source import Source, is_same
from hwcost.cost_models.training.drift import AS_MEASURED
from hwcost.errors import DataError, UsageError
from hwcost.spaces import space as make_space
from hwcost.spaces.base import SearchSpace
from hwcost.spaces.shaped import Shaped

SUFFIX = ".prices.json"
SCHEMA_VERSION = 1

SAMPLED = 400
"""Architectures on which prices are read off a model."""


def shipped(space: SearchSpace | str) -> list[Source]:
    """Returns the sources that ship with a space.

    Args:
        space: The space, or its name.

    Raises:
        UsageError: When none ship; names the spaces that have some.
    """
    wanted = make_space(space) if isinstance(space, str) else space
    if isinstance(wanted, Shaped):
        raise UsageError(
            f"what ships with space '{wanted.base.name}' is of no shape, and the measurements are at several batch sizes "
            "and lengths. Keep those of one (--batch-size 8 --seq-len 128), or give the folders of models over shapes."
        )
    files = sorted(share("devices").glob(f"*{SUFFIX}"))
    documents = [_read(path.read_text(encoding="utf-8"), path.name) for path in files]
    for document in documents:
        if is_same(_space(document), wanted):
            return [_source(wanted, one) for one in document["devices"]]
    known = ", ".join(_space(one).name for one in documents) or "none"
    raise UsageError(
        f"no prior ships with space '{wanted.name}' and its options. Spaces that have one: {known}. Give the folders of "
        "models of other devices: prior=['models/a', 'models/b'] (--prior models/a --prior models/b)."
    )


def as_prices(model: CostModel, name: str, source: str, noise: float) -> dict[str, Any]:
    """Returns a model of another device as one entry of such a file: prices against their mean.

    What all architectures hold alike is shared out among the components whose number differs.

    Args:
        model: A fitted model of a space with components that all architectures hold equally many of.
        name: Name of the device.
        source: Origin of the latencies.
        noise: Relative standard deviation of one row about the table.
    """
    genes = model.features.encode(model.space.sample(SAMPLED, seed=0))
    rows = model.features.counts(genes)
    varying = np.flatnonzero(np.ptp(rows, axis=0) > 0)
    prices = np.linalg.lstsq(rows[:, varying], model.predict_encoded(genes), rcond=None)[0]
    kept = [model.features.components[i].name for i in varying]
    normal = prices / prices.mean()
    drift = model.provenance.get("drift", {})
    level = {"noise_as_measured": round(drift[AS_MEASURED] / NORMAL, 4)} if AS_MEASURED in drift else {}
    return {
        "device": name,
        "rows": model.n_rows_,
        "noise": round(float(noise), 4),
        **level,
        "prices": {name: round(float(price), 4) for name, price in zip(kept, normal, strict=True)},
        "source": source,
    }


def _read(text: str, name: str) -> dict[str, Any]:
    document = json.loads(text)
    if not isinstance(document, dict) or document.get("schema_version") != SCHEMA_VERSION:
        raise DataError(f"devices/{name} is not a file of prices that this version of hwcost reads. Reinstall hwcost.")
    return document


def _space(document: dict[str, Any]) -> SearchSpace:
    return make_space(document["space"]["name"], **document["space"]["options"])


def _source(space: SearchSpace, entry: dict[str, Any]) -> Source:
    """Makes a lookup table in units of the mean price."""
    model = LookupTable(space)
    names = [part.name for part in model.features.components]
    unknown = sorted(set(entry["prices"]).difference(names))
    if unknown:
        raise DataError(f"prices of '{entry['device']}' name {unknown[0]}, which space '{space.name}' does not have")
    width = NORMAL * float(entry["noise"])
    counts = {"n_rows": entry["rows"], "n_architectures": entry["rows"]}
    learned = {
        "form": "linear", "penalties": {}, "scale_s": 1.0, "floor_s": 0.0, "constant": 0.0,
        "components": {name: entry["prices"].get(name, 0.0) for name in names}, "genes": [], "importance": {},
    }  # fmt: skip
    state = {"domain": Domain.whole(model.features).as_dict(), "spread": width, "noise": width, "errors": None}
    model.restore({**state, **counts, "learned": learned}, {})
    level = {"drift": {AS_MEASURED: NORMAL * float(entry["noise_as_measured"])}} if "noise_as_measured" in entry else {}
    model.provenance = {"device": entry["device"], "source": entry["source"], **level}
    return Source(entry["device"], model)
