"""Help as a terminal shows it: paragraphs that fill its width, and options by what they take instead of Python's types."""

from __future__ import annotations

from typing import Any

TAKES: dict[Any, str] = {int: "N", float: "NUMBER"}
"""Placeholder for the value of an option that names none, by its type; texts and lists of them take ``NAME``."""

EXAMPLE = "hwcost "
"""Beginning of the lines of a paragraph that is left as it is, one command line a line."""


def tidy(command: Any) -> None:
    """Fills the paragraphs of a command's help, and says what its options take; also of all commands below a group."""
    command.help = filled(command.help)
    for parameter in command.params:
        _say_what_it_takes(parameter)
    make_help = command.get_help_option
    command.get_help_option = lambda context: _say_what_it_takes(make_help(context))
    for one in getattr(command, "commands", {}).values():
        tidy(one)


def filled(text: str | None) -> str | None:
    """Returns a text whose paragraphs are one line each, which a terminal breaks where it is full; examples keep theirs."""
    paragraphs = (text or "").split("\n\n")
    return "\n\n".join(one if one.strip().startswith(EXAMPLE) else " ".join(one.split()) for one in paragraphs) or None


def _say_what_it_takes(parameter: Any) -> Any:
    if parameter.param_type_name == "option" and parameter.metavar is None:
        described = getattr(parameter, "type_descriptor", None)
        parameter.metavar = "" if parameter.is_flag else TAKES.get(getattr(described, "annotation", None), "NAME")
    return parameter
