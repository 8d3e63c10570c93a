"""A folder of files that can be made again: written atomically, kept below a size by dropping what was not used."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path

from hwcost.errors import StoreError

LIMIT_BYTES = 10 * 10**9
"""Space that exported models may take; a BERT-base is half a GB."""


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


def prune(folder: Path, limit_bytes: int = LIMIT_BYTES) -> None:
    """Deletes the files that were used longest ago (by modification time) until the rest fits."""
    files = []
    for path in folder.iterdir():
        try:
            files.append((path.stat(), path))
        except FileNotFoundError:  # another process pruned it
            continue
    total = 0
    for status, path in sorted(files, key=lambda file: -file[0].st_mtime_ns):
        total += status.st_size
        if total > limit_bytes:
            path.unlink(missing_ok=True)
