"""A source of a prior: a device that is known already, with its fitted cost model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hwcost.cost_models.base import CostModel
from hwcost.cost_models.registry import COST_MODELS, cost_model
from hwcost.errors import DataError
from hwcost.spaces.base import SearchSpace
from hwcost.spaces.shaped import Shaped

KEPT = 300
"""Measured architectures of a source that are kept with it, where its space cannot be sampled."""


@dataclass(frozen=True, eq=False)
class Source:
    """A device that is known already.

    Attributes:
        name: Name of the device, or of what the model was read from; names differ within a prior.
        model: Its fitted cost model.
    """

    name: str
    model: CostModel

    def at(self, shape: Mapping[str, int]) -> Source:
        """Returns a source over batch sizes and lengths as one of architectures alone, at a shape; any other as it is.

        Raises:
            UsageError: When a size is missing that the model was fitted at several of.
        """
        return Source(self.name, self.model.at(**shape)) if isinstance(self.model.space, Shaped) else self

    def document(self) -> dict[str, Any]:
        """Returns the source as plain JSON."""
        model, fixed = self.model, self.model.fixed_shape
        if fixed is not None and isinstance(fixed.model.space, Shaped):
            return {**Source(self.name, fixed.model).document(), "at": dict(fixed.sizes)}
        known = [[list(genes), value] for genes, value in list(model.measured_.items())[:KEPT]]
        return {
            "name": self.name,
            "model": model.name,
            "options": model.get_params(),
            "state": model.state(),
            "files": model.files(),
            "provenance": model.provenance,
            "measured": known,
        }

    @classmethod
    def of_document(cls, space: SearchSpace, document: Mapping[str, Any]) -> Source:
        """Reads what :meth:`document` returned.

        Raises:
            DataError: When it holds no source.
        """
        try:
            if "at" in document:
                whole = {name: value for name, value in document.items() if name != "at"}
                return cls.of_document(Shaped(space), whole).at(document["at"])
            if document["model"] not in COST_MODELS.names():
                raise ValueError(f"unknown cost model '{document['model']}'")
            model = cost_model(document["model"], space, **document["options"])
            model.restore(document["state"], dict(document["files"]))
            model.measured_ = {tuple(genes): float(value) for genes, value in document["measured"]}
            model.provenance = dict(document["provenance"])
            return cls(str(document["name"]), model)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise DataError(f"a source of the prior is damaged: {type(error).__name__}: {error}. Give it anew.") from None


def is_same(one: SearchSpace, other: SearchSpace) -> bool:
    """Whether two spaces hold the same nets; along which genes latency cannot fall does not matter."""
    options = [json.dumps({k: v for k, v in s.options().items() if k != "increasing"}, sort_keys=True) for s in (one, other)]
    return one.name == other.name and options[0] == options[1]
