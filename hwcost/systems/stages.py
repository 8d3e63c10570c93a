"""Stages: methods whose typed results are kept in a run's folder, and read by the stages after them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_type_hints, overload

from hwcost.errors import ContractError
from hwcost.systems.typed import typed

if TYPE_CHECKING:
    from hwcost.systems.base import Pipeline

Result = TypeVar("Result")
Plain = dict[str, Any]


class Stage(Generic[Result]):
    """A method of a pipeline that is one of its stages; use it as a decorator, see :func:`stage`.

    Args:
        work: The method. It takes the pipeline and returns a dataclass of numbers, texts, lists, dictionaries by text, and
            further such dataclasses; its annotation names that class.
    """

    def __init__(self, work: Callable[[Any], Result]) -> None:
        self.work, self.name = work, work.__name__
        self.__doc__ = work.__doc__

    @overload
    def __get__(self, pipeline: None, owner: type) -> Stage[Result]: ...

    @overload
    def __get__(self, pipeline: Pipeline[Any], owner: type) -> Result: ...

    def __get__(self, pipeline: Pipeline[Any] | None, owner: type) -> Stage[Result] | Result:
        return self if pipeline is None else pipeline.result(self)

    @cached_property
    def kind(self) -> type[Result]:
        """The dataclass that the method returns."""
        kind: type[Result] | None = get_type_hints(self.work).get("return")
        if not is_dataclass(kind):
            raise ContractError(f"the stage '{self.name}' is annotated with no dataclass that it returns, got {kind!r:.60}")
        return kind

    def encode(self, result: Result) -> Plain:
        """Returns a result as plain JSON."""
        return asdict(result)  # type: ignore[call-overload, no-any-return]

    def check(self, result: Any) -> None:
        """Checks a result before it is kept.

        Raises:
            ContractError: When it is not such a dataclass, or holds something that would not be read again as it is.
        """
        kind = self.kind
        if not isinstance(result, kind):
            raise ContractError(f"the stage '{self.name}' gave {result!r:.60}; expected a {kind.__name__}, as annotated")
        try:
            self.decode(json.loads(json.dumps(self.encode(result), allow_nan=False)))
        except (ValueError, TypeError, LookupError) as error:
            raise ContractError(
                f"the stage '{self.name}' gave a {kind.__name__} that cannot be kept: {error}. Expected finite numbers, "
                "texts, lists, dictionaries by text and dataclasses of these; None for what is unknown, float(x) for NumPy's"
            ) from None

    def decode(self, plain: Plain) -> Result:
        """Reads what :meth:`encode` returned.

        Raises:
            ValueError: When it is not a result of this stage.
        """
        return typed(self.kind, plain)


def stage(work: Callable[[Any], Result]) -> Stage[Result]:
    """Declares a method as a stage.

    Stages run in the order in which the class defines them. As an attribute of the pipeline, a stage is its result::

        @stage
        def perplexities(self) -> Perplexities: ...

        @stage
        def predictor(self) -> QualityFit:
            rows = self.perplexities  # the result, read from the run's folder where it was found before
    """
    return Stage(work)
