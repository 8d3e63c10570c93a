"""A Grafana dashboard over a PostgreSQL store: the views that it reads, in SQL, and the dashboard itself."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from hwcost._io import write_text
from hwcost.files import cannot_write

FILES = ("views.sql", "hwcost.json")


def write_grafana(folder: str | Path) -> list[Path]:
    """Writes both files, and returns their paths.

    Args:
        folder: Folder for them; it is made when it is not there.

    Raises:
        UsageError: When they cannot be written.
        StoreError: When the disk is full, or it fails.
    """
    written = []
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        for name in FILES:
            path = Path(folder) / name
            write_text(path, files(__package__).joinpath(name).read_text(encoding="utf-8"))
            written.append(path)
    except OSError as error:
        raise cannot_write(f"to '{folder}'", error) from None
    return written
