"""The code under test: what git says of a folder, and what a CI service says of the branch."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from hwcost.stores.runs import Code

__all__ = ["code_under_test"]

TIMEOUT_S = 30.0
"""Seconds after which git is given up."""

PULL_REQUEST = re.compile(r"refs/pull/(\d+)/")


def code_under_test(folder: Path | None = None) -> Code | None:
    """Returns what is known of the code in a folder; None where it is not in a git repository, or git is not installed.

    A tree with changes to files of the repository is dirty; files that it does not know, such as a store, do not count. On
    GitHub Actions, the branch and the number of a pull request come from the variables that it sets, since the commit is
    checked out without a branch there.

    Args:
        folder: Folder in the repository; None for the current one.
    """
    place = (folder or Path.cwd()).resolve()
    commit = _git(place, "rev-parse", "--verify", "HEAD")
    if not commit:
        return None
    pull_request = PULL_REQUEST.match(os.environ.get("GITHUB_REF", ""))
    changes = _git(place, "status", "--porcelain", "--untracked-files=no")
    return Code(
        repository=_repository(place),
        commit=commit,
        branch=_git(place, "symbolic-ref", "--short", "--quiet", "HEAD") or _branch_of_service(),
        pr_number=int(pull_request[1]) if pull_request else None,
        is_dirty=None if changes is None else bool(changes),
        commit_time=_git(place, "show", "--no-patch", "--format=%cI", "HEAD") or None,
    )


def _branch_of_service() -> str | None:
    return os.environ.get("GITHUB_HEAD_REF") or os.environ.get("GITHUB_REF_NAME") or None


def _repository(place: Path) -> str | None:
    """Returns the address of the repository without a password, or the name of its folder."""
    url = _git(place, "config", "--get", "remote.origin.url")
    if not url:
        top = _git(place, "rev-parse", "--show-toplevel")
        return Path(top).name if top else None
    if "://" not in url:
        return url
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _git(place: Path, *arguments: str) -> str | None:
    """Returns what a git command prints, without its last line end; None where it fails."""
    try:
        done = subprocess.run(
            ["git", "-C", str(place), *arguments], capture_output=True, text=True, errors="replace", timeout=TIMEOUT_S,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
