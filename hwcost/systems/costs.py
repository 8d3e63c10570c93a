"""Cost models that a system is given: from folders, stores and tables, checked against its spaces, identified by content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hwcost.cost_models import CostModel, load
from hwcost.cost_models.data import read
from hwcost.cost_models.training.train import train
from hwcost.errors import DataError, UsageError
from hwcost.spaces import SearchSpace
from hwcost.spaces.identity import described as space_in_words
from hwcost.spaces.shaped import Shaped, unshaped
from hwcost.systems.settings import Measuring

CARD = "README.md"
"""File of a saved cost model that is for people, and no part of its content."""

OVER_SHAPES = "shapes"
"""Name of the cost model that stores of several shapes are fitted with, where a lookup table is of one shape."""


def given_costs(sources: Sequence[Any], spaces: Mapping[str, SearchSpace], model: str) -> dict[str, CostModel]:
    """Reads the cost models that were given, and says which space of a system each belongs to; they may be over shapes.

    Args:
        sources: Cost models, folders of saved ones, stores, or tables of latencies.
        spaces: The system's spaces by name.
        model: Name of the cost model that stores and tables are fitted with.

    Raises:
        DataError: When a source cannot be read.
        UsageError: When one belongs to none of the spaces, or two belong to the same one.
    """
    found: dict[str, CostModel] = {}
    for source in sources:
        name, cost = _placed(source, spaces, model)
        if name in found:
            raise UsageError(f"two cost models of {_described(spaces[name])} were given; give one")
        found[name] = cost
    return found


def content(cost: CostModel) -> str:
    """Returns the hash of what a cost model is, as its saved folder holds it."""
    digest = hashlib.sha256()
    with TemporaryDirectory() as folder:
        cost.save(folder)
        for path in sorted(Path(folder).iterdir()):
            if path.name != CARD:
                digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def at_measured(cost: CostModel, measuring: Measuring, seq_len: int | None = None) -> CostModel:
    """Returns a cost model at the shape of a protocol; one that is not over shapes as it is.

    Args:
        cost: The cost model.
        measuring: The protocol, with a device's own choices.
        seq_len: Number of tokens in a sequence; None for the longest.
    """
    return cost.at(measuring.batch_size, seq_len or measuring.seq_len) if isinstance(cost.space, Shaped) else cost


def described(cost: CostModel) -> str:
    """Describes a cost model that was given: its kind, and what it was fitted on as far as it tells."""
    known = [cost.provenance.get(name) for name in ("device", "data")]
    source = ", ".join(str(one) for one in known if one)
    return f"{cost.name} of {source}" if source else cost.name


def _placed(source: Any, spaces: Mapping[str, SearchSpace], model: str) -> tuple[str, CostModel]:
    if isinstance(source, (str, PathLike)) and Path(source).is_dir():
        return _of_space(load(Path(source)), f"the cost model in '{source}'", spaces)
    if isinstance(source, CostModel):
        return _of_space(source, "the cost model", spaces)
    reasons: dict[str, str] = {}
    for space in spaces.values():
        try:
            rows = read(source, space)
            made = train(rows, OVER_SHAPES if model == "lut" and isinstance(rows.space, Shaped) else model).model
        except (DataError, UsageError) as error:
            last = error
            reasons[_described(space)] = str(error)
            continue
        return _of_space(made, f"'{source}'", spaces)
    if len(set(reasons.values())) == 1:  # such as a file that is missing, whatever the space
        raise last
    each = " ".join(f"{space}: {reason}" for space, reason in reasons.items())
    raise UsageError(f"'{source!s:.60}' belongs to none of the spaces that are searched. {each}")


def _of_space(cost: CostModel, what: str, spaces: Mapping[str, SearchSpace]) -> tuple[str, CostModel]:
    own = _identity(unshaped(cost.space))
    for name, space in spaces.items():
        if _identity(space) == own:
            return name, cost
    expected = " or ".join(_described(space) for space in spaces.values())
    raise UsageError(f"{what} is of {_described(cost.space)}; expected a cost model of {expected}. Fit one for that space")


def _identity(space: SearchSpace) -> tuple[Any, ...]:
    return space.name, space.genes, space.options()


def _described(space: SearchSpace) -> str:
    return space_in_words(space.name, space.options())
