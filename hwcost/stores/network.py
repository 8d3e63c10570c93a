"""Network file systems, on which an SQLite store would be damaged: its log is shared memory, which ends at one machine.

Source: "Use Of Shared Memory For The WAL-Index" in SQLite's documentation of write-ahead logging.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from hwcost.errors import StoreError

MOUNTS = Path("/proc/self/mountinfo")
"""Table of what is mounted; on systems without it nothing is refused."""

ALLOWED = "HWCOST_ALLOW_NETWORK_STORE"
"""Environment variable that allows such stores all the same where it is 1."""

TYPES = frozenset(
    ("afs", "beegfs", "ceph", "cifs", "coda", "davfs", "glusterfs", "gfs2", "gpfs", "lustre", "ncpfs", "nfs", "nfs4",
     "ocfs2", "orangefs", "panfs", "pvfs2", "smb2", "smb3", "smbfs", "wekafs")
)  # fmt: skip
"""File systems that several machines share."""

PROGRAMS = frozenset(
    ("ceph", "ceph-fuse", "curlftpfs", "davfs2", "gcsfuse", "glusterfs", "goofys", "juicefs", "mount.davfs", "rclone",
     "s3fs", "smbnetfs", "sshfs")
)  # fmt: skip
"""Programs behind FUSE that reach other machines, as in the type ``fuse.sshfs``."""

_OCTAL = re.compile(r"\\([0-7]{3})")


def file_system(path: Path) -> tuple[str, str] | None:
    """Returns the type of the file system that a path lies on, and where it is mounted; None where that is not known.

    Args:
        path: Path of a file that may not be there yet.
    """
    try:
        lines = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    real, found = Path(os.path.realpath(path)), None
    for line in lines:
        before, separator, after = line.partition(" - ")
        fields = before.split(" ")
        if not separator or len(fields) < 5:
            continue
        mounted = Path(_OCTAL.sub(lambda code: chr(int(code[1], 8)), fields[4]))
        if real.is_relative_to(mounted) and (found is None or len(mounted.parts) >= len(Path(found[1]).parts)):
            found = after.split(" ")[0], str(mounted)  # of several mounts on one place the last one counts
    return found


def is_network(kind: str) -> bool:
    """Whether a type of file system is one that several machines share."""
    family, _, program = kind.partition(".")
    return kind in TYPES or (family == "fuse" and program in PROGRAMS)


def refuse_network(path: Path) -> None:
    """Refuses an SQLite store on a network file system.

    Raises:
        StoreError: When the path lies on one, and nothing allows that; says what to do.
    """
    found = file_system(path)
    if found is None or not is_network(found[0]) or os.environ.get(ALLOWED) == "1":
        return
    raise StoreError(
        f"'{path}' lies on a network file system ({found[0]} at {found[1]}), where writers of several machines damage an "
        "SQLite store. Give a file on a local disk and carry it with hwcost export and import, or share a PostgreSQL "
        f"database: --store postgresql://USER@HOST/NAME. Where only one machine ever opens it, set {ALLOWED}=1."
    )
