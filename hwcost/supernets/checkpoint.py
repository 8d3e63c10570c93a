"""The state of a training as one file: weights, moments of the optimiser, and where it stands."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from hwcost.errors import DataError, OtherSettingsError
from hwcost.supernets.schema import VERSION, check_version
from hwcost.supernets.subnet import read_tensors, write_tensors

FILE = "checkpoint.safetensors"
_HEADER_BYTES = 8
_KEY = "hwcost"


@dataclass(frozen=True)
class Checkpoint:
    """Where a training stands.

    Attributes:
        phase: Number of finished phases.
        step: Number of finished steps of the phase under way.
        model: The module's parameters by name.
        moments: The optimiser's state of every parameter, by the parameter's name.
        about: Description of model, data and settings, plain JSON; a training resumes only where it is equal.
    """

    phase: int
    step: int
    model: dict[str, torch.Tensor]
    moments: dict[str, dict[str, torch.Tensor]]
    about: dict[str, Any]

    def save(self, folder: Path) -> None:
        """Writes the checkpoint in the place of an earlier one; killed meanwhile, the earlier one stays."""
        tensors = {f"model/{name}": tensor for name, tensor in self.model.items()}
        for name, state in self.moments.items():
            tensors |= {f"moments/{name}/{kind}": value for kind, value in state.items()}
        described = {"schema_version": VERSION, "phase": self.phase, "step": self.step, "about": self.about}
        folder.mkdir(parents=True, exist_ok=True)
        write_tensors(folder / FILE, tensors, {_KEY: json.dumps(described)})

    @classmethod
    def load(cls, folder: Path) -> Checkpoint:
        """Reads a checkpoint.

        Raises:
            DataError: When there is none, or it is damaged or of another kind.
        """
        tensors = read_tensors(folder / FILE)
        described = describe(folder)
        model: dict[str, torch.Tensor] = {}
        moments: dict[str, dict[str, torch.Tensor]] = {}
        for name, tensor in tensors.items():
            group, _, rest = name.partition("/")
            if group == "model":
                model[rest] = tensor
            else:
                owner, _, kind = rest.rpartition("/")
                moments.setdefault(owner, {})[kind] = tensor
        return cls(described["phase"], described["step"], model, moments, described["about"])


def describe(folder: Path) -> dict[str, Any]:
    """Returns the description that a checkpoint holds, without reading its tensors.

    Raises:
        DataError: When there is none, or it is damaged or of another kind.
    """
    path = folder / FILE
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(_HEADER_BYTES), "little")
            metadata = json.loads(file.read(min(length, path.stat().st_size)))["__metadata__"]
        described: dict[str, Any] = json.loads(metadata[_KEY])
        _ = described["phase"], described["step"], described["about"]
        check_version(described, path)
    except OSError as error:
        raise DataError(f"there is no checkpoint at '{path}': {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise DataError(f"'{path}' is not a checkpoint of a training, or it is damaged. Was writing it cut short?") from None
    return described


def check_same(found: dict[str, Any], wanted: dict[str, Any], folder: Path) -> None:
    """Raises DataError when a checkpoint is of another training; says what differs.

    Raises:
        DataError: When anything differs.
    """
    for name in sorted(found.keys() | wanted.keys()):
        own, given = found.get(name), wanted.get(name)
        if isinstance(own, dict) and isinstance(given, dict) and own.keys() == given.keys():
            check_same(own, given, folder)
        if own != given or (isinstance(own, dict) and list(own) != list(given or ())):
            raise OtherSettingsError(
                f"the checkpoint in '{folder}' is of another training", name, own, given,
                "Give the same settings to resume it, or another folder to begin anew",
            )  # fmt: skip
