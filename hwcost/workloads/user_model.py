"""Factories of the user's own: calls them, and checks what they return."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hwcost._extras import imported
from hwcost._imports import current_folder_importable, import_callable, reason
from hwcost.errors import MeasurementError, UsageError

if TYPE_CHECKING:
    import torch

EXPECTED = "Let the factory return the pair (module, example_inputs), with a tuple or a dict of tensors."


@dataclass(frozen=True, eq=False)
class UserModel:
    """The result of a factory.

    Attributes:
        module: The module as the factory made it.
        example: Example inputs by position (a tuple) or by argument name (a dict); None when the factory gave none.
    """

    module: torch.nn.Module
    example: tuple[Any, ...] | dict[str, Any] | None


def taken(function: Callable[..., Any], offered: Sequence[str]) -> list[str]:
    """Returns those of the offered keyword arguments that a function takes; all of them where it has ``**kwargs``."""
    if any(one.kind is one.VAR_KEYWORD for one in inspect.signature(function).parameters.values()):
        return list(offered)
    return named(function, offered)


def named(function: Callable[..., Any], offered: Sequence[str]) -> list[str]:
    """Returns those of the offered keyword arguments that a function has by name, so that it can be trusted to use them."""
    unnamed = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    by_name = {name for name, one in inspect.signature(function).parameters.items() if one.kind not in unnamed}
    return [name for name in offered if name in by_name]


def call_factory(name: str, arguments: Mapping[str, Any]) -> UserModel:
    """Calls a factory with keyword arguments and checks what it returns.

    The random numbers of torch, numpy and Python are seeded, so that every process makes the same model and inputs.

    Args:
        name: ``package.module:factory``.
        arguments: Keyword arguments, all of which the factory must take; see :func:`taken`.

    Returns:
        The module and its example inputs; a single tensor is a tuple of one.

    Raises:
        UsageError: When the factory does not exist, does not take the arguments, or returns something else.
        MeasurementError: When the factory itself raises; says where. Its cause is what the factory raised.
        MissingExtraError: When torch is not installed.
    """
    torch = imported("torch", "torch")
    factory = import_callable(name)
    if isinstance(factory, torch.nn.Module):
        raise UsageError(f"'{name}' is a module ({type(factory).__name__}), not a function that makes one. {EXPECTED}")
    try:
        inspect.signature(factory).bind(**arguments)
    except TypeError as error:
        given = ", ".join(arguments) or "none"
        raise UsageError(
            f"factory '{name}' cannot be called with the arguments {given}: {error}. Give what it takes beside them a "
            f"default."
        ) from None
    try:
        with current_folder_importable(), _seeded():
            made = factory(**arguments)
    except (Exception, SystemExit) as error:
        raise MeasurementError(f"factory '{name}' raised {reason(error)}") from error
    module, example = made if isinstance(made, tuple) and len(made) == 2 else (made, None)
    if not isinstance(module, torch.nn.Module):
        kind = type(module).__name__ + (f" of {len(module)}" if isinstance(module, (tuple, list)) else "")
        raise UsageError(f"factory '{name}' returned {kind}, not a torch.nn.Module. {EXPECTED}")
    _check_weights(name, module)
    return UserModel(module, _checked_example(name, example))


def _check_weights(name: str, module: torch.nn.Module) -> None:
    """Raises UsageError where a weight of a module has no numbers, or no shape yet."""
    from itertools import chain

    from torch.nn.parameter import is_lazy

    for where, tensor in chain(module.named_parameters(), module.named_buffers()):
        if is_lazy(tensor):
            raise UsageError(
                f"factory '{name}' returned a module whose '{where}' has no shape yet (a lazy module). Call the module once "
                "in the factory, on inputs as it gets them, before it is returned."
            )
        if tensor.is_meta:
            raise UsageError(
                f"factory '{name}' returned a module whose '{where}' lies on the device 'meta', where it has a shape and no "
                "numbers. Make the module on the CPU, or give it memory with module.to_empty(device='cpu') and load or "
                "initialise its weights."
            )


@contextmanager
def _seeded() -> Iterator[None]:
    """Seeds the global random numbers, and puts those of the CPU back as they were."""
    import numpy as np
    import torch

    ours, theirs = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[]):
            random.seed(0)
            np.random.seed(0)
            torch.manual_seed(0)
            yield
    finally:
        random.setstate(ours)
        np.random.set_state(theirs)


def _checked_example(name: str, example: Any) -> tuple[Any, ...] | dict[str, Any] | None:
    import numpy as np

    torch = imported("torch", "torch")
    if example is None:
        return None
    if isinstance(example, (torch.Tensor, np.ndarray)):
        return (example,)
    if isinstance(example, Mapping):
        return dict(example)
    if isinstance(example, (tuple, list)):
        return tuple(example)
    raise UsageError(f"the example inputs of '{name}' are {type(example).__name__}. {EXPECTED}")
