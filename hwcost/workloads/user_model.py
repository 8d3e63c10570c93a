"""Code of the user's own: imports ``package.module:name``, calls factories, and checks what they return."""

from __future__ import annotations

import importlib
import inspect
import os
import random
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hwcost._extras import imported
from hwcost.errors import MeasurementError, UsageError

if TYPE_CHECKING:
    import torch

_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
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


def import_callable(name: str, what: str = "function") -> Callable[..., Any]:
    """Imports what ``package.module:name`` names; modules in the current folder are found first, sys.path is left as it was.

    Args:
        name: The module, a colon, and the name in it.
        what: Kind of object that is expected, for messages.

    Raises:
        UsageError: When the text names nothing, the module cannot be imported, or holds no callable of that name.
    """
    module_name, colon, attribute = name.partition(":")
    if not (module_name and colon and attribute):
        raise UsageError(f"'{name}' names no {what}. Expected package.module:name")
    try:
        with current_folder_importable():
            module = importlib.import_module(module_name)
    except ImportError as error:
        raise UsageError(f"'{name}' cannot be imported: {error}. Looked in {os.getcwd()} too.") from None
    except (Exception, SystemExit) as error:
        raise UsageError(f"'{name}' cannot be imported: {reason(error)}") from error
    found = getattr(module, attribute, None)
    if not callable(found):
        known = [key for key, value in vars(module).items() if inspect.isroutine(value) and value.__module__ == module_name]
        listed = f". Functions there: {', '.join(known)}" if known else ""
        raise UsageError(f"module '{module_name}' has no {what} '{attribute}'{listed}")
    return found  # type: ignore[no-any-return]


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


def without_colours(text: str) -> str:
    """Returns a text without the codes that colour a terminal."""
    return _COLOURS.sub("", text)


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
    return UserModel(module, _checked_example(name, example))


@contextmanager
def current_folder_importable() -> Iterator[None]:
    """Puts the current folder first on ``sys.path``, and takes it out again."""
    folder = os.getcwd()
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        if folder in sys.path:
            sys.path.remove(folder)


@contextmanager
def _seeded(seed: int = 0) -> Iterator[None]:
    """Seeds the global random numbers, and puts those of the CPU back as they were."""
    import numpy as np
    import torch

    ours, theirs = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[]):
            random.seed(seed)
            np.random.seed(seed)
            torch.manual_seed(seed)
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


def reason(error: BaseException) -> str:
    """Returns an error of the user's code and its place, for example ``ValueError: no such size (models.py, line 12)``."""
    lines = without_colours(str(error)).strip().splitlines() or ["no reason given"]
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename.startswith(os.getcwd() + os.sep)] or frames
    place = f" ({os.path.basename(own[-1].filename)}, line {own[-1].lineno})" if own else ""
    return f"{type(error).__name__}: {lines[0]}{place}"
