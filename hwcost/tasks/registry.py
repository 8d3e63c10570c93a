"""The registry of tasks by name, and how one is made from what a user types."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hwcost.errors import ContractError, HwcostError, UnknownNameError
from hwcost.registry import Registry, joined_options, made, parse_options
from hwcost.tasks.folder import labelled_folder
from hwcost.tasks.task import Task

__all__ = ["TASKS", "task"]

TASKS = Registry(
    "hwcost.tasks",
    "task",
    {
        "docstring": "hwcost.tasks.standard_library:docstring",
        "function-length": "hwcost.tasks.standard_library:function_length",
        "missing-word": "hwcost.tasks.standard_library:missing_word",
        "own-docstring": "hwcost.tasks.standard_library:own_docstring",
        "truecasing": "hwcost.tasks.standard_library:truecasing",
    },
)


def task(source: str | Path, **options: Any) -> Task:
    """Makes a task.

    Args:
        source: A registered name such as ``docstring``, or a labelled folder; options may follow in the text:
            ``reviews:text=body,label=stars``.
        **options: Options of the folder, see :func:`hwcost.tasks.labelled_folder`, or of the registered task.

    Raises:
        ContractError: When the function of a task of another distribution fails, or gives anything else.
        DataError: When the folder cannot be read, or does not hold a task; says what was found and expected.
        UnknownNameError: When there is neither a folder nor a task of that name.
        UsageError: When an option is unknown or contradicts another.
    """
    name, colon, tail = str(source).rpartition(":")
    if not colon or "=" not in tail:
        name, tail = str(source), ""
    form = f"{name}:NAME=VALUE,..."
    given = joined_options(parse_options(tail.split(",") if tail else [], form), options, form)
    if name in TASKS:
        found: Task = _of_name(name, given)
        if not isinstance(found, Task):
            raise ContractError(f"the task '{name}' gave {found!r:.80}; expected its function to return a hwcost.tasks.Task")
    elif Path(name).exists() or "/" in name:
        found = made(f"task '{name}'", labelled_folder, name, **{option: str(value) for option, value in given.items()})
    else:
        raise UnknownNameError("task", name, TASKS.names(), "Or give a folder with a training and a validation split.")
    return found


def _of_name(name: str, given: Mapping[str, Any]) -> Any:
    """Calls the function of a task; whatever it fails with is that of another distribution's task."""
    try:
        return TASKS.make(name, **given)
    except HwcostError:
        raise
    except Exception as error:
        if name in TASKS.builtins:
            raise
        raise ContractError(f"the task '{name}' failed: {type(error).__name__}: {error}") from error
