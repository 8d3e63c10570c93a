"""A folder of files that can be made again: written atomically, kept below a size by dropping what was not used."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from platformdirs import user_cache_path

from hwcost.errors import StoreError

LIMIT_BYTES = 10 * 10**9
"""Space that exported models may take; a BERT-base is half a GB."""
RECENT_S = 6 * 3600.0
"""Seconds in which a file counts as still in use: the processes of a campaign read the same files one after another."""
FREE = 0.1
"""Share of the disk that is to stay free, whatever is still in use."""


def cache_dir(kind: str) -> Path:
    """Returns the folder of one kind of file, made if need be; ``HWCOST_CACHE_DIR`` overrides where caches lie.

    Raises:
        StoreError: When it cannot be made.
    """
    base = os.environ.get("HWCOST_CACHE_DIR")
    folder = (Path(base) if base else user_cache_path("hwcost")) / kind
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot make the cache folder '{folder}': {error.strerror}. Set HWCOST_CACHE_DIR.") from None
    return folder


def mark_used(path: Path) -> None:
    """Notes that a file is in use; one that another process has deleted meanwhile stays away."""
    with suppress(FileNotFoundError):
        os.utime(path)


def prune(folder: Path, limit_bytes: int = LIMIT_BYTES) -> None:
    """Deletes the files that were used longest ago (by modification time) until the rest fits.

    Those that were used within ``RECENT_S`` of the latest stay as long as the disk has room: a campaign over more models
    than fit would export each of them anew in every process.
    """
    disk = shutil.disk_usage(folder)
    recent_s = RECENT_S if disk.free > FREE * disk.total else 0.0
    files = sorted(_files(folder), key=lambda file: -file[0].st_mtime_ns)
    total = 0
    for status, path in files:
        total += status.st_size
        if total > limit_bytes and files[0][0].st_mtime - status.st_mtime >= recent_s:
            path.unlink(missing_ok=True)


def _files(folder: Path) -> list[tuple[os.stat_result, Path]]:
    """Returns the files of a folder that are there still, as other processes prune it too."""
    found = []
    for path in folder.iterdir():
        try:
            found.append((path.stat(), path))
        except FileNotFoundError:
            continue
    return found
