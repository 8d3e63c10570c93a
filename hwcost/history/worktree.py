"""Code of another commit, checked out beside the present one by git, for as long as it is measured."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hwcost.campaign.processes.launch import Tree
from hwcost.errors import DataError

__all__ = ["has_commit", "repository_of", "tree_of"]

_COMMIT = re.compile(r"[0-9a-f]{7,64}")
PATIENCE_S = 120.0
"""Seconds after which git is given up."""


def repository_of(folder: Path) -> Path | None:
    """Returns the top folder of the repository that holds a folder; None where there is none, or no git.

    Raises:
        DataError: When git does not answer.
    """
    if shutil.which("git") is None:
        return None
    found = _git(folder, "rev-parse", "--show-toplevel")
    return Path(found.stdout.strip()).resolve() if found.returncode == 0 and found.stdout.strip() else None


def has_commit(repository: Path, commit: str) -> bool:
    """Says whether a repository holds a commit.

    Raises:
        DataError: When git does not answer.
    """
    return bool(_COMMIT.fullmatch(commit)) and _git(repository, "cat-file", "-e", f"{commit}^{{commit}}").returncode == 0


@contextmanager
def tree_of(repository: Path, commit: str, folder: Path) -> Iterator[Tree]:
    """Checks a commit out into a temporary folder, which is removed afterwards.

    Args:
        repository: Top folder of the repository.
        commit: Name of the commit.
        folder: Folder within the repository in which processes run.

    Yields:
        The same folder in the other tree, and where Python looks for modules there: where it does here, with the folders of
        the repository replaced by those of the tree. What is not under version control, such as compiled modules, is absent.

    Raises:
        DataError: When git cannot check the commit out, or there is no place for it.
    """
    try:
        held = tempfile.TemporaryDirectory(prefix="hwcost-tree-", ignore_cleanup_errors=True)
    except OSError as error:
        raise DataError(f"there is no temporary folder for commit {commit[:40]}: {error}") from None
    with held as parent:
        top = Path(parent).resolve() / "tree"
        if not has_commit(repository, commit):
            raise DataError(f"{repository} has no commit {commit[:40]}. Fetch it, or check where its repository lies.")
        try:
            made = _git(repository, "worktree", "add", "--detach", "--quiet", str(top), commit)
            if made.returncode:
                raise DataError(f"commit {commit[:40]} cannot be checked out from {repository}: {made.stderr.strip()}")
            yield _tree(repository, top, folder)
        finally:
            with suppress(DataError):
                _git(repository, "worktree", "remove", "--force", str(top))


def _tree(repository: Path, top: Path, folder: Path) -> Tree:
    there = top / folder.resolve().relative_to(repository)
    if not there.is_dir():
        raise DataError(f"the commit has no folder {folder.resolve().relative_to(repository)}")
    paths = [str(there)]
    for path in sys.path:
        here = Path(path or os.getcwd()).resolve()
        is_of_it = here.is_relative_to(repository) and _is_source(here)
        paths.append(str(top / here.relative_to(repository) if is_of_it else here))
    return Tree(str(there), tuple(dict.fromkeys(paths)))


def _is_source(folder: Path) -> bool:
    """Whether a folder holds sources and not an environment with installed packages."""
    return not {"site-packages", "dist-packages"} & set(folder.parts) and "lib-dynload" not in folder.parts


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs git without hooks of the repository.

    Raises:
        DataError: When it cannot be started, or does not end in time.
    """
    command = ["git", "-C", str(folder), "-c", f"core.hooksPath={os.devnull}", *arguments]
    try:
        return subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=PATIENCE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        why = error if isinstance(error, OSError) else f"it took longer than {PATIENCE_S:.0f} s"
        raise DataError(f"git {' '.join(arguments[:2])} gave no answer in {folder}: {why}") from None
