"""A repository of git in a temporary folder."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.conftest import require_program


class Repository:
    """A repository, made empty.

    Args:
        folder: Folder that it is made in.
    """

    def __init__(self, folder: Path) -> None:
        require_program("git")
        self.folder = folder
        self._git("init", "--quiet", "--initial-branch", "main")

    def commit(self, name: str, text: str) -> str:
        """Writes a file, commits it, and returns the commit."""
        (self.folder / name).write_text(text)
        self._git("add", ".")
        self._git("-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "--quiet", "--allow-empty", "-m", "a change")
        return self._git("rev-parse", "HEAD").stdout.strip()

    def _git(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["git", *arguments], cwd=self.folder, check=True, capture_output=True, text=True)
