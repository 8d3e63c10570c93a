"""A net with weights as a folder: weights, a description, and the source that runs it where hwcost is not installed.

``model.safetensors`` holds the weights, ``config.json`` what the net is made of, and ``modeling.py`` its modules: it needs
torch and safetensors only. ``import modeling; net = modeling.load()``.
"""

from __future__ import annotations

import ast
import inspect
import json
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from hwcost._extras import imported
from hwcost._io import write_atomically, write_text
from hwcost.errors import DataError
from hwcost.files import cannot_write, writing
from hwcost.supernets.schema import VERSION, check_version
from hwcost.workloads import is_net, modules
from hwcost.workloads.builder import Blueprint
from hwcost.workloads.weights import Uninitialised

__all__ = ["describe", "load", "read_tensors", "save", "write_tensors"]

WEIGHTS, CONFIG, SOURCE = "model.safetensors", "config.json", "modeling.py"

_HEADER = '''"""A Transformer encoder and what it is built of; needs torch and safetensors.

    import modeling
    net = modeling.load()    # in eval mode; net(input_ids, attention_mask, token_type_ids)
"""

from __future__ import annotations

import json
from pathlib import Path
'''

_LOADER = '''

def load(folder=None):
    """Builds the net that config.json beside this file describes, with the weights beside it."""
    from safetensors.torch import load_file

    folder = Path(__file__).parent if folder is None else Path(folder)
    described = json.loads((folder / "config.json").read_text(encoding="utf-8"))["net"]
    with torch.device("meta"):
        net = globals()[described["name"]](**described["arguments"])
    net.load_state_dict(load_file(folder / "model.safetensors"), assign=True)
    return net.eval()
'''


def save(folder: str | Path, model: torch.nn.Module, blueprint: Blueprint, about: dict[str, Any] | None = None) -> Path:
    """Writes a net so that it can be loaded with hwcost and without.

    Args:
        folder: Folder of the net, made where it is missing; files of an earlier net in it are replaced.
        model: The net with its weights.
        blueprint: Description from which the net can be built again.
        about: Further facts about the net, plain JSON; kept in its description.

    Returns:
        The folder.

    Raises:
        UsageError: When there can be no such folder.
        StoreError: When the disk is full, or it fails.
        MissingExtraError: When safetensors is not installed.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(f"a net into '{folder}'", error) from None
    described = {"schema_version": VERSION, **(about or {}), "net": asdict(blueprint)}
    write_tensors(folder / WEIGHTS, model.state_dict())
    for name, text in ((SOURCE, source(blueprint)), (CONFIG, json.dumps(described, indent=2) + "\n")):
        with writing(folder / name):
            write_text(folder / name, text)
    return folder


def load(folder: str | Path) -> torch.nn.Module:
    """Loads a net that :func:`save` wrote, in eval mode.

    Raises:
        DataError: When the folder holds none, or a file in it is damaged.
        MissingExtraError: When safetensors is not installed.
    """
    folder = Path(folder)
    net = describe(folder)["net"]
    if not is_net(net["module"], net["name"]):
        raise DataError(
            f"'{folder / CONFIG}' names the class {net['module']}:{net['name']}, and no installed builder makes such nets. "
            "Nothing else is imported: install the distribution that the net is from"
        )
    tensors = read_tensors(folder / WEIGHTS)
    try:
        with torch.device("meta"), Uninitialised():
            model = Blueprint(net["module"], net["name"], net["arguments"]).build()
        model.load_state_dict(tensors, assign=True)
    except (RuntimeError, TypeError, ValueError) as error:
        raise DataError(f"the weights in '{folder}' do not fit its {CONFIG}: {error}") from None
    return model.eval()


def describe(folder: str | Path) -> dict[str, Any]:
    """Returns the description of a net.

    Raises:
        DataError: When there is none, or it is damaged.
    """
    path = Path(folder) / CONFIG
    try:
        described: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        _ = described["net"]["module"], described["net"]["name"], described["net"]["arguments"]
        check_version(described, path)
    except OSError as error:
        raise DataError(f"'{folder}' holds no net: {error.strerror}: {CONFIG}. Expected a folder that was saved") from None
    except (ValueError, KeyError, TypeError):
        raise DataError(f"'{path}' describes no net: it is damaged, or of another kind") from None
    return described


def source(blueprint: Blueprint) -> str:
    """Returns the modules of a net as one file that imports torch and nothing of hwcost's."""
    bodies = [_without_imports(inspect.getsource(one)) for one in (modules, import_module(blueprint.module))]
    imports = sorted({line for _, lines in bodies for line in lines})
    return _HEADER + "\n".join(imports) + "\n" + "".join(body for body, _ in bodies) + _LOADER


def _without_imports(text: str) -> tuple[str, list[str]]:
    """Splits a module's source into what stands behind its imports, and the imports that are not of hwcost's."""
    lines = text.splitlines(keepends=True)
    imports = [node for node in ast.parse(text).body if isinstance(node, (ast.Import, ast.ImportFrom))]
    kept = [
        ast.unparse(node)
        for node in imports
        if not (isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in ("hwcost", "__future__"))
    ]
    return "".join(lines[max(node.end_lineno or 0 for node in imports) :]), kept


def write_tensors(path: Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str] | None = None) -> None:
    """Writes named tensors; a reader sees the old file or the new one, never half of either.

    Raises:
        StoreError: When the disk is full, or it fails; the old file stays.
        MissingExtraError: When safetensors is not installed.
    """
    library = _safetensors()
    own = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with writing(path):
        try:
            write_atomically(path, lambda part: library.save_file(own, part, metadata))
        except import_module("safetensors").SafetensorError as error:
            raise OSError(str(error)) from None  # the library wraps what the system said in an error of its own


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Reads named tensors.

    Raises:
        DataError: When there are none, or the file is damaged.
        MissingExtraError: When safetensors is not installed.
    """
    load_file = _safetensors().load_file
    if not path.is_file():
        raise DataError(f"there are no weights at '{path}'")
    try:
        tensors: dict[str, torch.Tensor] = load_file(path)
    except Exception as error:  # the library's own error is not a subclass of anything narrower
        raise DataError(f"the weights at '{path}' are damaged: {error}. Was writing them cut short?") from None
    return tensors


def _safetensors() -> Any:
    return imported("safetensors.torch", "supernet")
