"""Where the modules of a process came from: the working tree that it was to measure, or what is installed beside it.

Two working trees are compared by what their processes import. A package that is installed, and not imported from the tree,
is the same in both processes, so that no change of it would be seen.

Job folders (:mod:`hwcost.agent`) are not asked: nothing of a working tree goes with them. A runner imports itself from its
folder, which it puts first on the path, nets are built from data, and the runtime is that machine's, whose version is kept.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType

from hwcost.errors import UsageError

PROJECT = frozenset(("pyproject.toml", "setup.py", "setup.cfg"))
"""Files that stand in the folder of a project, which holds packages."""

SOURCES = ("", "src", "python", "lib")
"""Folders of a project in which its packages stand."""

OF_OTHERS = frozenset(("third_party", "vendor", "_vendor", "external", "extern", "node_modules", "site-packages"))
"""Folders of copies of other projects, which need not be what is imported."""

DEPTH = 3
"""Folders below the top of a working tree that are looked through for projects."""


def check_origin(folder: str, factories: Iterable[str] = ()) -> None:
    """Refuses what a process measured that imported other code than that of its working tree.

    Args:
        folder: Folder in the working tree in which the process runs.
        factories: Factories of its workloads, ``package.module:name``; the error names the files of theirs.

    Raises:
        UsageError: When a module that the tree holds came from elsewhere, or none came from the tree; says whence.
    """
    top = top_of(Path(folder))
    files = {name: file for name, module in sys.modules.items() if (file := _file(module)) is not None}
    own = {name for name, file in files.items() if Path(file).is_relative_to(top)}
    others = {name: file for name, file in files.items() if name not in own and "." not in name}
    for name, place in _held(others, top, Path(folder)):
        raise UsageError(
            f"module '{name}' was imported from {others[name]}, although the working tree holds it ({place}): it is the "
            "same for both codes. Put the folder that holds it in the repository on PYTHONPATH, which comes before what is "
            "installed; where it has to be built, keep the suite outside of the repository, as docs/suites.md says."
        )
    if not own:
        named = [name for name in dict.fromkeys(one.partition(":")[0] for one in factories) if name in files]
        whence = [f"'{name}' came from {files[name]}" for name in named]
        what = ", ".join(whence) or "all of it is installed"
        raise UsageError(f"no module was imported from the working tree, so that both codes would be the same: {what}.")


def top_of(folder: Path) -> Path:
    """Returns the top folder of the working tree that holds a folder; the folder itself where it is in none."""
    return next((place for place in (folder, *folder.parents) if (place / ".git").exists()), folder)


def _file(module: ModuleType | None) -> str | None:
    """Returns the file of a module; None for one that is built in, or a namespace."""
    found = getattr(module, "__file__", None)
    return os.path.abspath(found) if isinstance(found, str) else None


def _held(modules: Mapping[str, str], top: Path, folder: Path) -> Iterator[tuple[str, str]]:
    """Yields the modules that the tree holds too, and where in it."""
    roots = list(dict.fromkeys(_roots(top, folder)))
    for name in modules:
        if name in sys.stdlib_module_names or name == "__main__":
            continue
        for file in (root / one for root in roots for one in (f"{name}/__init__.py", f"{name}.py")):
            if file.is_file():
                yield name, file.relative_to(top).as_posix()


def _roots(top: Path, folder: Path) -> Iterator[Path]:
    """Yields the folders that modules of the tree are imported from: its top, the present one, and those of its projects."""
    for project in (folder, top, *_projects(top)):
        yield from (project / name for name in SOURCES if (project / name).is_dir())


def _projects(top: Path) -> Iterator[Path]:
    for place, inner, files in os.walk(top):
        deep = len(Path(place).relative_to(top).parts) >= DEPTH
        inner[:] = [name for name in inner if not deep and not name.startswith(".") and name not in OF_OTHERS]
        if PROJECT.intersection(files):
            yield Path(place)
