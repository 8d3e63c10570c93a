"""A teacher of the user's own: a folder that a run of AutoDistill left as ``teacher``, or one saved like it."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from hwcost.errors import DataError
from hwcost.spaces.autodistill import AutoDistill
from hwcost.supernets import subnet
from hwcost.supernets.run import tokenizer_of
from hwcost.supernets.student import teacher_blueprint

ABOUT = "Give the folder 'teacher' of a run, or a net of the same class, saved by hwcost.supernets.subnet.save"


def given_teacher(folder: str | Path, space: AutoDistill) -> nn.Module:
    """Loads a teacher for the students of a space; its widths are its own.

    Args:
        folder: Folder of the net, with its tokenizer.
        space: The space.

    Raises:
        DataError: When there is none, it is damaged, or it cannot teach these students.
    """
    wanted = teacher_blueprint(space)
    found = subnet.describe(folder)["net"]
    if (found["module"], found["name"]) != (wanted.module, wanted.name):
        raise DataError(
            f"the net in '{folder}' is a {found['name']}; the teacher of AutoDistill is a {wanted.name}. {ABOUT}"
        )
    for name in ("blocks", "vocabulary", "positions", "head"):
        if found["arguments"].get(name) != wanted.arguments[name]:
            raise DataError(
                f"the net in '{folder}' has {name}={found['arguments'].get(name)}; students of scale '{space.scale}' need "
                f"{wanted.arguments[name]}. {ABOUT}"
            )
    if tokenizer_of(Path(folder)) is None:
        raise DataError(
            f"the teacher in '{folder}' has no tokenizer beside it: expected tokenizer.json or vocab.txt. {ABOUT}"
        )
    return subnet.load(folder)
