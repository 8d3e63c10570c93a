"""A fine-tuned net as a folder, from which the fine-tuning on another task may start."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hwcost.errors import DataError
from hwcost.files import write_text
from hwcost.supernets.heads import TaskNet
from hwcost.supernets.schema import VERSION, check_version
from hwcost.supernets.subnet import read_tensors, write_tensors
from hwcost.supernets.training import fill

__all__ = ["load_tuned", "save_tuned"]

WEIGHTS, ABOUT = "tuned.safetensors", "tuned.json"


def save_tuned(folder: str | Path, model: TaskNet, about: dict[str, Any] | None = None) -> None:
    """Writes a fine-tuned net; files of an earlier one are replaced.

    Args:
        folder: Folder of the net, made where it is missing.
        model: The net with its head.
        about: Further facts, plain JSON.

    Raises:
        StoreError: When the disk is full, or it fails.
        MissingExtraError: When safetensors is not installed.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_tensors(folder / WEIGHTS, dict(model.named_parameters()))
    described = {"schema_version": VERSION, "kind": model.target.kind, **(about or {})}
    write_text(folder / ABOUT, json.dumps(described, indent=2) + "\n")


def load_tuned(folder: str | Path, model: TaskNet) -> dict[str, Any]:
    """Fills a net with the weights that :func:`save_tuned` wrote.

    Args:
        folder: Folder of the net.
        model: A net of the same architecture and target; its weights are overwritten.

    Returns:
        The facts that were saved with it.

    Raises:
        DataError: When the folder holds none, or one of another net or target.
        MissingExtraError: When safetensors is not installed.
    """
    path = Path(folder) / ABOUT
    try:
        about: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        check_version(about, path)
    except OSError as error:
        raise DataError(f"'{folder}' holds no fine-tuned net: {error.strerror}: {ABOUT}. Expected a saved one") from None
    except (ValueError, KeyError, TypeError):
        raise DataError(f"'{path}' describes no fine-tuned net: it is damaged, or of another kind") from None
    fill(model, read_tensors(Path(folder) / WEIGHTS), Path(folder))
    return about
