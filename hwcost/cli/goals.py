"""Reads objectives and limits as they are typed: sizes, saved cost models, and functions of one's own."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwcost.errors import UsageError
from hwcost.units import has_time_unit, parse_quantity

if TYPE_CHECKING:
    from hwcost.cost_models.base import CostModel
    from hwcost.objectives import Objective
    from hwcost.searchers.problem import Check
    from hwcost.spaces.base import Architecture, SearchSpace

SIZES = ("params", "flops", "memory")
_NAMED = re.compile(r"(?:([A-Za-z_]\w*)=)?(.+)")
_LIMIT = re.compile(r"(.+?)(<=|>=)\s*([^<>=]+)")


@dataclass
class Goals:
    """What a search is after, read from texts.

    A cost function is written ``params``, ``flops``, ``memory``, the folder of a saved cost model, or ``module:function``,
    which takes an architecture; ``NAME=`` before it gives it a name.

    Attributes:
        space: The space, or None for that of the first saved cost model.
        seq_len: For ``flops``.
        probability: How sure limits on saved latency models must be; None takes predictions as they are.
        models: Saved cost models that were read, by name.
    """

    space: SearchSpace | None
    seq_len: int = 128
    probability: float | None = 0.95
    models: dict[str, CostModel] = field(default_factory=dict)

    def read_models(self, objectives: Sequence[str], limits: Sequence[str]) -> None:
        """Reads the cost models that objectives and limits name, so that they may give the space.

        Raises:
            DataError: When a folder holds no model.
            UsageError: When two models are of different spaces, or none gives a space where it is needed.
        """
        for text in [*objectives, *(_limit(text)[1] for text in limits)]:
            name, what = _split(text)
            if what not in SIZES and ":" not in what:
                self._model(name, what)
        if self.space is None:
            raise UsageError("which space? Give --space, or a folder that 'hwcost fit' wrote as objective or limit")

    def objective(self, text: str, minimize: bool) -> Objective:
        """Reads an objective."""
        from hwcost.objectives import Maximize, Minimize

        name, value = self._function(text)
        return (Minimize if minimize else Maximize)(value, name)

    def limit(self, text: str, baseline: Architecture | None) -> Check:
        """Reads a limit such as ``params<=66M``, ``models/cpu<=50ms`` or ``flops<=0.5x``, the last relative to a baseline.

        Raises:
            UsageError: When the text is no limit.
        """
        from hwcost.cost_models.base import CostModel
        from hwcost.cost_models.quantity import LATENCY
        from hwcost.objectives import Bound, Limit

        match = _limit(text)
        is_relative = match[3].strip().endswith("x")
        if is_relative and baseline is None:
            raise UsageError(f"'{text}' is relative: give --baseline, the architecture that it is relative to")
        end, of = parse_quantity(match[3].strip().removesuffix("x")), baseline if is_relative else None
        name, value = self._function(match[1].strip())
        is_latency = isinstance(value, CostModel) and value.quantity == LATENCY
        if not is_relative:
            _check_unit(text, match[3].strip(), is_latency or name.endswith("_s"))
        if isinstance(value, CostModel) and is_latency and match[2] == "<=":
            return Limit(value, end, self.probability, of)
        ends = {"most": end} if match[2] == "<=" else {"least": end}
        return Bound(value, **ends, of=of, name=name, measured=not hasattr(value, "predict_codes"))

    def _function(self, text: str) -> tuple[str, Any]:
        from hwcost.objectives import Flops, Memory, Params

        name, what = _split(text)
        if self.space is None:
            raise UsageError("which space? Give --space")
        if what == "params":
            return name or "params", Params(self.space)
        if what == "flops":
            return name or "flops", Flops(self.space, seq_len=self.seq_len)
        if what == "memory":
            return name or "memory_bytes", Memory(self.space)
        if ":" in what and not Path(what).exists():
            function = _imported(what)
            return name or what.rpartition(":")[2], function
        return self._model(name, what)

    def _model(self, name: str | None, folder: str) -> tuple[str, CostModel]:
        model = _loaded(folder)
        if self.space is None:
            self.space = model.space
        if (model.space.name, model.space.options()) != (self.space.name, self.space.options()):
            raise UsageError(
                f"the cost model in '{folder}' is of space '{model.space.name}' {model.space.options()}, the search is of "
                f"'{self.space.name}' {self.space.options()}"
            )
        called = name or model.quantity
        self.models[called] = model
        return called, model


def _limit(text: str) -> re.Match[str]:
    match = _LIMIT.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"'{text}' is no limit. Expected WHAT<=VALUE or WHAT>=VALUE, such as params<=66M")
    return match


def _check_unit(text: str, value: str, is_time: bool) -> None:
    """Raises UsageError when a bound on a time has no unit of time, or a bound on something else has one."""
    if has_time_unit(value) == is_time:
        return
    if not is_time:
        raise UsageError(f"'{text}' bounds something that is not a time: give a number without a unit of time, such as 66M")
    number = value.rstrip("kMGT ")
    raise UsageError(f"'{text}' bounds a time, so {value} needs a unit: write {number}ms or {number}s")


def _split(text: str) -> tuple[str | None, str]:
    match = _NAMED.fullmatch(text.strip())
    if match is None:
        raise UsageError(
            f"'{text}' is no cost function. Expected {', '.join(SIZES)}, a folder that 'hwcost fit' wrote, or "
            f"module:function"
        )
    return match[1], match[2].strip()


@cache
def _loaded(folder: str) -> CostModel:
    from hwcost.cost_models import load

    if not Path(folder).exists():
        raise UsageError(
            f"'{folder}' is neither {', '.join(SIZES)} nor a folder that is there. Give a folder that 'hwcost fit' wrote, "
            f"or module:function"
        )
    return load(folder)


def _imported(name: str) -> Any:
    """Imports ``module:function``; what the function itself imports from the current folder is found too."""
    from hwcost.workloads.user_model import import_callable

    found = import_callable(name, "function of an architecture")
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    return found
