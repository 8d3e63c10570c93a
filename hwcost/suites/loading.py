"""Finds suites: in a file of their own, in configuration files, or among those that are shipped."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from hwcost.configuration.files import read_toml
from hwcost.configuration.settings import SUITES, files
from hwcost.configuration.table import checked
from hwcost.errors import DataError, UnknownNameError
from hwcost.suites.suite import Suite

__all__ = ["load_suite", "suite_sha256", "suites"]

SHIPPED = Path(__file__).parent / "shipped"
"""Folder of the suites that come with hwcost."""


def suites() -> dict[str, str]:
    """Returns the names of all suites that are known here, with where each is declared; a project's own goes first.

    Raises:
        DataError: When a configuration file cannot be read.
    """
    return {name: place for name, (_, _, place) in sorted(_declared().items())}


def load_suite(name: str | Path) -> Suite:
    """Loads a suite.

    Args:
        name: Name of a suite of a configuration file (``[suite.NAME]``) or of a shipped one, or path of a suite's own file,
            which ends in ``.toml``.

    Raises:
        UnknownNameError: When no suite has that name; lists those that are known.
        DataError: When the declaration cannot be used; names the file and the key.
    """
    text = str(name)
    if text.endswith(".toml"):
        path = Path(text)
        values, _ = read_toml(path, "the suite")
        return _made(path.stem, values, path.parent, str(path))
    declared = _declared()
    if text not in declared:
        advice = "Declare it as [suite.NAME] in hwcost.toml, or give the path of its own .toml file."
        raise UnknownNameError("suite", text, declared, advice)
    return _made(text, *declared[text])


def suite_sha256(suite: Suite) -> str:
    """Returns the hash of all that a suite declares, as it was understood."""
    return hashlib.sha256(json.dumps(suite.model_dump(), sort_keys=True).encode()).hexdigest()


def _declared() -> dict[str, tuple[Any, Path, str]]:
    """Returns values, folder and place of every suite by name."""
    found = {path.stem: (read_toml(path, "the suite")[0], path.parent, str(path)) for path in SHIPPED.glob("*.toml")}
    for file, _ in files():
        tables = file.values.get(SUITES, {})
        if not isinstance(tables, dict):
            raise DataError(f"{file.path}: 'suite' holds tables, one a suite: write [suite.NAME]")
        place = f"{file.path} [{file.table + '.' if file.table else ''}suite.{{}}]"
        found |= {name: (values, file.path.parent, place.format(name)) for name, values in tables.items()}
    return found


def _made(name: str, values: Any, folder: Path, place: str) -> Suite:
    suite = checked(Suite, values, place)
    return suite.model_copy(update={"name": suite.name or name, **_anchored(suite, folder.resolve())})


def _anchored(suite: Suite, folder: Path) -> dict[str, Any]:
    """Returns the fields that hold paths, which are relative to the folder of the declaration."""
    sets = [
        one.model_copy(update={"space": _path(one.space, folder, ".toml"), "model": _path(one.model, folder, ".onnx")})
        for one in suite.workloads
    ]
    devices = [one.model_copy(update={"name": _path(one.name, folder, ".toml")}) for one in suite.devices]
    models = {name: one.model_copy(update={"path": str(folder / one.path)}) for name, one in suite.models.items()}
    return {"workloads": sets, "devices": devices, "models": models}


def _path(text: str | None, folder: Path, ending: str) -> str | None:
    """Returns the full path of a file; a name stays as it is."""
    return str(folder / text) if text is not None and text.endswith(ending) else text
