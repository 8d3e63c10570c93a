"""Reads objectives and constraints as they are typed: sizes, saved cost models, and functions of one's own.

``WHAT`` is a size such as ``params``, perhaps with an accounting (``params:paper``); the folder of a saved cost model; or
``module:name``, a function of an architecture, or a class that makes one of a space. ``NAME=WHAT`` gives it a name. A
constraint is ``WHAT<=VALUE`` or ``WHAT>=VALUE``; ``0.5x`` is relative to a baseline. A cost model over shapes is asked at
one of them: ``DIR@8,256`` or ``DIR@8x256`` for a batch size of 8 and 256 tokens.

The command line reads its options so, and the systems the constraints that they are given.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwcost._bounds import Bound, split_bound
from hwcost.errors import UsageError
from hwcost.spaces.shaped import Shape, Shaped
from hwcost.units import DIMENSIONLESS, parse_quantity, unit_of, written_unit

if TYPE_CHECKING:
    from hwcost.cost_models.base import CostModel
    from hwcost.objectives import Constraint, Objective
    from hwcost.spaces.base import Architecture, SearchSpace

__all__ = ["SearchSpec"]

_NAMED = re.compile(r"(?:([A-Za-z_]\w*)=)?(.+)")
_SHAPED = re.compile(r"(.+)@(\d+)[,x](\d+)")


@dataclass
class SearchSpec:
    """Objectives and constraints of a search, read from texts.

    Attributes:
        space: Search space; None takes that of the first saved cost model.
        seq_len: Tokens per sequence, for ``flops``, and for cost models over shapes where ``batch_size`` is given.
        probability: Probability with which upper bounds on predicted latencies hold; 0 takes predictions as they are.
        models: Cost models by name: those that were read, and those that texts may name without a folder.
        batch_size: Sequences per call at which cost models over shapes are asked that name none; None where each must.

    A folder is read once: objectives and constraints that name it ask one model.
    """

    space: SearchSpace | None
    seq_len: int = 128
    probability: float = 0.95
    models: dict[str, CostModel] = field(default_factory=dict)
    batch_size: int | None = None
    _read: dict[str, CostModel] = field(default_factory=dict, init=False, repr=False)
    _at: dict[tuple[str, Shape | None], CostModel] = field(default_factory=dict, init=False, repr=False)

    def read_models(self, objectives: Sequence[str], constraints: Sequence[str]) -> SearchSpace:
        """Reads the cost models that objectives and constraints name, and returns the space, which they may give.

        Raises:
            DataError: When a folder holds no model.
            UsageError: When two models are of different spaces, or nothing gives the space.
        """
        from hwcost.objectives.sizes import SIZES

        for text in [*objectives, *(_bound(text).what for text in constraints)]:
            name, what = _split(text)
            if what not in self.models and what.partition(":")[0] not in SIZES and ":" not in what:
                self._model(name, what)
        if self.space is None:
            raise UsageError("which space? Give --space, or a folder that 'hwcost fit' wrote as objective or constraint")
        return self.space

    def objective(self, text: str, minimize: bool) -> Objective:
        """Reads an objective."""
        from hwcost.objectives import Maximize, Minimize

        name, value = self._function(text)
        return (Minimize if minimize else Maximize)(value, name)

    def constraint(self, text: str, baseline: Architecture | None) -> Constraint:
        """Reads a constraint such as ``params:paper<=66M``, ``models/cpu<=50ms`` or ``flops<=0.5x``.

        Args:
            text: The constraint.
            baseline: Architecture that ``0.5x`` is relative to.

        Raises:
            UsageError: When the text is not a constraint.
        """
        from hwcost.objectives import Constraint
        from hwcost.objectives.cost_function import is_vectorised, measured_quantity

        what, sign, bound = _bound(text)
        if bound.endswith("x") and baseline is None:
            raise UsageError(f"'{text}' is relative: give --baseline, the architecture that it is relative to")
        end, of = parse_quantity(bound.removesuffix("x")), baseline if bound.endswith("x") else None
        name, value = self._function(what)
        predicted = measured_quantity(value)
        if of is None:
            _check_unit(text, bound, unit_of(predicted or name))
        sure = self.probability if predicted is not None and sign == "<=" else 0.0
        most, least = (end, None) if sign == "<=" else (None, end)
        return Constraint(value, most, least, of, sure, measured=not is_vectorised(value), name=name)

    def check(self, text: str, unfitted: Sequence[str], baseline: Architecture | None) -> None:
        """Checks a constraint before every model that it may name is fitted.

        Args:
            text: The constraint.
            unfitted: Names of quantities of which a model will be there later, such as ``latency_s``.
            baseline: Architecture that ``0.5x`` is relative to.

        Raises:
            UsageError: When the text is not a constraint.
        """
        what, _, bound = _bound(text)
        name = _split(what)[1]
        if name in self.models or name not in unfitted:
            self.constraint(text, baseline)
            return
        parse_quantity(bound.removesuffix("x"))
        if not bound.endswith("x"):
            _check_unit(text, bound, unit_of(name))

    def _function(self, text: str) -> tuple[str, Any]:
        """Returns the name and the cost function that a text stands for."""
        from hwcost.objectives.sizes import BUILT, SIZES

        name, what = _split(text)
        if what in self.models:
            return name or what, self.models[what]
        if self.space is None:
            raise UsageError("which space? Give --space")
        head, _, accounting = what.partition(":")
        if head in SIZES:
            size = SIZES[head].of(self.space, self.seq_len, accounting or BUILT)
            return name or size.name, size
        if ":" in what and not Path(what).exists():
            own = _own(what, self.space)
            return name or getattr(own, "name", None) or what.rpartition(":")[2], own
        return self._model(name, what)

    def _model(self, name: str | None, folder: str) -> tuple[str, CostModel]:
        from hwcost.objectives.cost_function import quantity_of
        from hwcost.spaces.candidates import is_same

        model = self._at_shape(folder)
        if self.space is None:
            self.space = model.space
        if not is_same(model.space, self.space):
            raise UsageError(
                f"the cost model in '{folder}' is of space '{model.space.name}' {model.space.options()}, the search is of "
                f"'{self.space.name}' {self.space.options()}"
            )
        self.models[name or quantity_of(model)] = model
        return name or quantity_of(model), model

    def _at_shape(self, text: str) -> CostModel:
        """Reads a folder; a model over shapes becomes what it is at the shape behind the folder, or at the search's."""
        found = None if Path(text).exists() else _SHAPED.fullmatch(text)
        if found is not None:
            return self._loaded_at(found[1], Shape(int(found[2]), int(found[3])))
        is_over_shapes = isinstance(self._loaded(text).space, Shaped)
        asked = None if self.batch_size is None or not is_over_shapes else Shape(self.batch_size, self.seq_len)
        return self._loaded_at(text, asked)

    def _loaded(self, folder: str) -> CostModel:
        if folder not in self._read:
            self._read[folder] = _load(folder)
        return self._read[folder]

    def _loaded_at(self, folder: str, shape: Shape | None) -> CostModel:
        """Returns a model as a cost function of architectures alone; None for the only shape that it knows."""
        if (folder, shape) not in self._at:
            self._at[folder, shape] = self._loaded(folder).at(*(shape or ()))
        return self._at[folder, shape]


def _own(what: str, space: SearchSpace) -> Any:
    """Returns a cost function of the user's; a class of cost functions makes one for the space."""
    from hwcost._imports import current_folder_importable, import_callable, import_function, reason
    from hwcost.objectives.cost_function import is_vectorised

    kind = "function of an architecture"
    found = import_callable(what, kind)
    if not inspect.isclass(found):
        return found if is_vectorised(found) else import_function(what, kind)
    make: Any = found
    try:
        with current_folder_importable():
            return make(space)
    except Exception as error:
        raise UsageError(f"'{what}' could not be made for space '{space.name}': {reason(error)}") from error


def _bound(text: str) -> Bound:
    return split_bound(text, "a constraint", "params<=66M")


def _check_unit(text: str, value: str, unit: str) -> None:
    """Raises UsageError when a bound on a time has no unit of time, or a bound has a unit of something else.

    Args:
        text: The constraint.
        value: Its bound, as it is typed.
        unit: Unit of what is bounded; other units than that of time may be left out.
    """
    written = written_unit(value)
    if written == unit or (written is None and unit != "s"):
        return
    number = value.rstrip("kMGT ")
    if unit == "s":
        raise UsageError(f"'{text}' bounds a time, so {value} needs a unit: write {number}ms or {number}s")
    if written == "s":
        raise UsageError(f"'{text}' bounds something that is not a time: give a number without a unit of time, such as 66M")
    known = "without a unit" if unit == DIMENSIONLESS else f"in {unit}"
    raise UsageError(f"'{text}' bounds something {known}, which {value} is not: leave the unit out, or correct it")


def _split(text: str) -> tuple[str | None, str]:
    """Returns the name before an equals sign, if one is given, and the rest."""
    from hwcost.objectives.sizes import SIZES

    match = _NAMED.fullmatch(text.strip())
    if match is None:
        raise UsageError(
            f"'{text}' is not a cost function. Expected {', '.join(SIZES)}, a folder that 'hwcost fit' wrote, or "
            f"module:function"
        )
    return match[1], match[2].strip()


def _load(folder: str) -> CostModel:
    from hwcost.cost_models import load
    from hwcost.objectives.sizes import SIZES

    if not Path(folder).exists():
        if unit_of(folder) != DIMENSIONLESS and not {"/", "\\"} & set(folder):
            raise UsageError(
                f"'{folder}' is a quantity, and no cost model of it is here. Give the folder of one in its place, such as "
                f"models/cpu; 'hwcost pipeline' takes one with --cost"
            )
        raise UsageError(
            f"'{folder}' is neither {', '.join(SIZES)} nor a folder that is there. Give a folder that 'hwcost fit' wrote, "
            f"or module:function"
        )
    return load(folder)
