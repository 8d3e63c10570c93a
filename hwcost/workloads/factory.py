"""The user's own torch model, named by ``package.module:factory``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import NDArray

from hwcost._dtypes import stored
from hwcost._extras import imported
from hwcost._imports import import_callable
from hwcost.errors import MeasurementError, UsageError
from hwcost.workloads.base import ITEMSIZES, Options, Workload, check_shape
from hwcost.workloads.builder import draw_inputs
from hwcost.workloads.user_model import EXPECTED, UserModel, call_factory, named, taken

if TYPE_CHECKING:
    import torch

    from hwcost.workloads.built import Built

OWN = "own"
"""A dtype that was not asked for: the module keeps the formats that its factory gave it."""
DEFAULTS: dict[str, Any] = {"batch_size": 1, "seq_len": 128, "dtype": "float32"}
"""Arguments of a factory where nothing was asked for."""
UNUSED = ("keeps_formats", "shapes", "arguments")
"""Fields that are left out of the plain form where they are empty."""
SHOWN = 3
"""Inputs whose shapes are part of a name."""

Shapes = tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True, slots=True)
class FactoryWorkload(Workload):
    """What a factory of the user's makes.

    The factory returns a ``torch.nn.Module``, or a pair of it and example inputs: a tuple of positional arguments or a dict
    by argument name, of tensors or of lists, tuples and dicts of tensors. It is called with those of the arguments
    ``batch_size``, ``seq_len`` and ``dtype`` that it takes, with random numbers seeded. When it gives no example inputs,
    every argument of ``forward`` without a default must be one of ``KNOWN`` in :mod:`hwcost.workloads.known_inputs`.

    What is asked for must be applied: :meth:`built` refuses a batch size or sequence length that the factory does not take
    and that no input is drawn with. What was left open is filled in by :meth:`resolved`, from what the factory makes.

    Attributes:
        factory: ``package.module:name``; the current folder is importable.
        batch_size: Sequences per call; None when not asked for or unknown.
        seq_len: Tokens per sequence; None when not asked for or unknown.
        dtype: The module and its floating-point inputs are cast to it; ``OWN`` casts nothing.
        keeps_formats: Whether ``dtype`` only names the format of most weights, and nothing is cast.
        shapes: Shapes of the example inputs, where batch size and sequence length do not determine them.
        arguments: Keyword arguments that the factory is called with besides, as pairs.
    """

    kind: ClassVar[str] = "factory"

    factory: str
    batch_size: int | None = None
    seq_len: int | None = None
    dtype: str = OWN
    keeps_formats: bool = False
    shapes: Shapes = ()
    arguments: Options = ()

    def __post_init__(self) -> None:
        check_shape(self.batch_size, self.seq_len, "float32" if self._casts_nothing else self.dtype)
        module, colon, name = self.factory.partition(":")
        if not (module and colon and name):
            raise UsageError(f"'{self.factory}' names no factory. Expected package.module:name")

    @property
    def name(self) -> str:
        """Name for people, for example ``my_models:small@1x128``.

        It has the shapes of example inputs where those are all that is known.
        """
        if self.batch_size is not None or self.seq_len is not None or not self.shapes:
            return self._described(self.factory).removesuffix(f"-{OWN}")
        shown = ",".join("x".join(map(str, shape)) or "scalar" for _, shape in self.shapes[:SHOWN])
        return self._described(f"{self.factory}@{shown}" + (",..." if len(self.shapes) > SHOWN else ""))

    def as_dict(self) -> dict[str, Any]:
        """See the base class; what is not used is left out."""
        found = {"kind": self.kind, **asdict(self), "shapes": [[name, list(shape)] for name, shape in self.shapes]}
        return {name: value for name, value in found.items() if value or name not in UNUSED}

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> FactoryWorkload:
        """See the base class."""
        shapes = tuple((name, tuple(shape)) for name, shape in fields.get("shapes", ()))
        arguments = tuple((name, value) for name, value in fields.get("arguments", ()))
        return cls(**{**fields, "shapes": shapes, "arguments": arguments})

    def build(self) -> torch.nn.Module:
        """See the base class; weights are the factory's own. Takes the tensors of :meth:`inputs` by position."""
        from hwcost.workloads.flat_call import FlatCall

        built = self.built()
        return built.module if not built.by_name and len(built.flat()) == len(built.inputs) else FlatCall(built)

    def inputs(self, seed: int = 0) -> dict[str, NDArray[Any]]:
        """Returns the tensors among the factory's example inputs, or seeded ids; numbers of 16 bits become float32."""
        tensors = self.built(seed).flat()
        return {name: (one.float() if one.is_floating_point() else one).numpy() for name, one in tensors.items()}

    def built(self, seed: int = 0) -> Built:
        """See the base class; the factory is called once.

        Raises:
            UsageError: When what was asked for cannot be applied, or ``forward`` takes unknown arguments.
            MeasurementError: When the factory fails, or gives inputs of other shapes than when the workload was resolved.
        """
        made = self._made(DEFAULTS)
        built = self.cast(self._called(made, seed))
        if self.shapes and self.shapes != _shapes(built):
            raise MeasurementError(
                f"factory '{self.factory}' gave inputs of the shapes {_shapes(built)} now, and of the shapes {self.shapes} "
                f"when the measurement was planned. Let it give the same shapes at every call."
            )
        return built

    def resolved(self, **defaults: Any) -> FactoryWorkload:
        """Calls the factory in a process of its own, and fills in what was left open from what it makes.

        Args:
            **defaults: ``batch_size``, ``seq_len`` and ``dtype`` that a factory is called with where nothing was asked for.

        Returns:
            The workload whose batch size, sequence length, dtype and shapes are those that run. The workload of a factory
            that fails is returned unchanged: measuring it reports why, and keeps the report.

        Raises:
            UsageError: When what was asked for cannot be applied, or the factory returns something else than expected.
        """
        from hwcost.workloads.factory_probe import probed

        return probed(self, {**DEFAULTS, **defaults})

    def check_works(self, **defaults: Any) -> None:
        """Refuses a factory that failed when the workload was resolved, so that something is still open.

        Args:
            **defaults: Arguments of the factory where nothing was asked for, as in :meth:`resolved`.

        Raises:
            MeasurementError: When the factory fails; says how.
            UsageError: When what was asked for cannot be applied, or the factory returns something else than expected.
        """
        from hwcost.workloads.factory_probe import failure

        is_resolved = self.dtype != OWN and (bool(self.shapes) or None not in (self.batch_size, self.seq_len))
        error = None if is_resolved else failure(self, {**DEFAULTS, **defaults})
        if error is not None:
            raise error

    def described(self, defaults: dict[str, Any]) -> FactoryWorkload:
        """Resolves the workload in this process; see :meth:`resolved`.

        Raises:
            MeasurementError: When the factory fails.
        """
        made = self._made(defaults)
        has_effect = {name: made.applies(name) and not self._ignores(made, name) for name in ("batch_size", "seq_len")}
        for name in has_effect:
            self._check_applied(made, name, has_effect[name])
        batch_size, seq_len = (made.values[name] if has_effect[name] else None for name in has_effect)
        filled = replace(self, batch_size=batch_size, seq_len=seq_len)
        built = filled.cast(filled._called(made, 0))
        is_determined = filled.batch_size is not None and filled.seq_len is not None
        filled = replace(filled, shapes=() if is_determined else _shapes(built))
        if not self._casts_nothing:
            return filled
        dtype = built.dtype()
        return replace(filled, dtype=dtype, keeps_formats=not (built.is_uniform() and dtype in ITEMSIZES))

    @property
    def _casts_nothing(self) -> bool:
        return self.keeps_formats or self.dtype == OWN

    def _made(self, defaults: dict[str, Any]) -> _Made:
        """Calls the factory, and checks that what was asked for is applied."""
        torch = imported("torch", "torch")
        asked = {"batch_size": self.batch_size, "seq_len": self.seq_len, "dtype": None if self.dtype == OWN else self.dtype}
        values: dict[str, Any] = {name: defaults[name] if value is None else value for name, value in asked.items()}
        accepted = taken(import_callable(self.factory), list(values))
        arguments = {**values, "dtype": getattr(torch, stored(values["dtype"]))}
        given = {**{name: arguments[name] for name in accepted}, **dict(self.arguments)}
        by_name = named(import_callable(self.factory), accepted)
        made = _Made(call_factory(self.factory, given), given, tuple(by_name), values)
        for name in ("batch_size", "seq_len"):
            self._check_applied(made, name, made.applies(name))
        return made

    def _check_applied(self, made: _Made, name: str, has_effect: bool) -> None:
        """Raises UsageError where a batch size or sequence length was asked for that has no effect."""
        if getattr(self, name) is not None and not has_effect:
            raise UsageError(
                f"factory '{self.factory}' {made.drops(name)}, and gives its own example inputs: {name} "
                f"{made.values[name]} cannot be applied. Let the factory take '{name}' and make its inputs of that size, or "
                f"ask for no {name}."
            )

    def _ignores(self, made: _Made, name: str) -> bool:
        """Whether a factory that takes a size by name makes the same shapes for another one, so that it has no effect."""
        if name not in made.by_name or made.model.example is None or made.shows(name):
            return False
        try:
            other = call_factory(self.factory, {**made.given, name: made.values[name] + 1})
            return bool([*_shapes_within(made.model.example)]) and _sizes(other) == _sizes(made.model)
        except (MeasurementError, RuntimeError):  # it takes some sizes only, or parameters have no shape yet
            return False

    def _called(self, made: _Made, seed: int) -> Built:
        """Joins the module with its example inputs, or with drawn ones."""
        import torch

        from hwcost.workloads.built import Built, as_tensors
        from hwcost.workloads.known_inputs import known_inputs

        module, example = made.model.module.eval().to("cpu"), made.model.example
        for parameter in module.parameters():  # TorchScript has no requires_grad_ of modules
            parameter.requires_grad_(False)
        if example is None:
            specs = known_inputs(module, self.factory, made.values["batch_size"], made.values["seq_len"])
            return Built(module, {name: torch.from_numpy(array) for name, array in draw_inputs(specs, seed).items()})
        named = example if isinstance(example, dict) else {f"input_{index}": value for index, value in enumerate(example)}
        inputs = {name: as_tensors(value, name.removeprefix("input_"), EXPECTED) for name, value in named.items()}
        return Built(module, inputs, by_name=isinstance(example, dict))

    def cast(self, built: Built) -> Built:
        """Casts a module and its floating-point inputs to the workload's dtype, unless they keep their own formats."""
        if self._casts_nothing:
            return built
        import torch

        dtype = getattr(torch, stored(self.dtype))
        built.module.to(dtype)
        return built.with_tensors(lambda one: one.to(dtype) if one.is_floating_point() else one)


@dataclass(frozen=True, eq=False)
class _Made:
    """What a factory made, the arguments that it was given, those that it has by name, and the values it was offered."""

    model: UserModel
    given: dict[str, Any]
    by_name: tuple[str, ...]
    values: dict[str, Any]

    def applies(self, name: str) -> bool:
        """Whether a batch size or sequence length has an effect: on the factory, or on inputs that are drawn.

        A factory that takes anything (``**kwargs``) may drop it, so its example inputs must show it.
        """
        if name in self.by_name or self.model.example is None:
            return True
        return name in self.given and self.shows(name)

    def drops(self, name: str) -> str:
        """Says why a batch size or sequence length has no effect."""
        return f"shows nothing of '{name}' in its inputs" if name in self.given else f"takes no argument '{name}'"

    def shows(self, name: str) -> bool:
        """Whether an example input has the batch size as its first dimension, or the sequence length as a later one."""
        places = slice(1) if name == "batch_size" else slice(1, None)
        return any(self.values[name] in shape[places] for shape in _shapes_within(self.model.example))


def _shapes_within(example: Any) -> Iterator[tuple[int, ...]]:
    """Yields the shapes of tensors and arrays in nested tuples, lists and dicts."""
    if isinstance(example, Mapping):
        example = tuple(example.values())
    if isinstance(example, (tuple, list)):
        for part in example:
            yield from _shapes_within(part)
    elif hasattr(example, "shape"):
        yield tuple(example.shape)


def _sizes(model: UserModel) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
    """Returns the shapes of the example inputs, and of the module's parameters and buffers."""
    tensors = [*model.module.parameters(), *model.module.buffers()]
    return list(_shapes_within(model.example)), [tuple(one.shape) for one in tensors]


def _shapes(built: Built) -> Shapes:
    return tuple((name, tuple(tensor.shape)) for name, tensor in built.flat().items())
