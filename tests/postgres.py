"""A PostgreSQL server for tests: Debian's package, started by an account without privileges in a folder of its own."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

NOBODY = 65534
PORT = 5432
SETTINGS = "-c listen_addresses='' -c fsync=off -c full_page_writes=off -c shared_buffers=16MB -c max_connections=30"


def program(name: str) -> str:
    """Returns the path of one of the server's programs, which Debian keeps out of ``PATH``."""
    from tests.conftest import require_program

    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    return str(found[-1]) if found else require_program(name)


def require_driver() -> None:
    """Skips without the driver, but fails where the full test run was asked for."""
    if os.environ.get("HWCOST_REQUIRE") == "system":
        import psycopg  # noqa: F401
    pytest.importorskip("psycopg")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a server's own database; the server ends with the test run."""
    initdb, control = program("initdb"), program("pg_ctl")
    require_driver()
    folder = Path(tempfile.mkdtemp(prefix="hwcost-pg-", dir="/tmp"))  # a socket's path must be short
    account = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    if account:
        os.chown(folder, NOBODY, NOBODY)
    folder.chmod(0o755)
    how = {"check": True, "stdout": subprocess.DEVNULL, "cwd": folder, "env": {"LC_ALL": "C.UTF-8"}, **account}
    data = str(folder / "data")
    subprocess.run([initdb, "-D", data, "-U", "hwcost", "-A", "trust", "-E", "UTF8", "--no-sync"], **how)  # type: ignore[call-overload]
    log = ["-l", str(folder / "log")]
    start = [control, "-D", data, "-w", *log, "-o", f"-k {folder} -p {PORT} {SETTINGS}", "start"]
    subprocess.run(start, **how)  # type: ignore[call-overload]
    try:
        yield f"postgresql+psycopg://hwcost@/postgres?host={folder}&port={PORT}"
    finally:
        subprocess.run([control, "-D", data, "-m", "immediate", "stop"], **how)  # type: ignore[call-overload]
        shutil.rmtree(folder)


@pytest.fixture
def postgres(postgres_server: str) -> Iterator[str]:
    """The URL of an empty schema, which is dropped after the test."""
    from sqlalchemy import create_engine, make_url, text

    name = f"hwcost_{secrets.token_hex(4)}"
    engine = create_engine(postgres_server)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {name}"))
    url = make_url(postgres_server).update_query_dict({"options": f"-csearch_path={name}"})
    yield url.render_as_string(hide_password=False)
    with engine.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {name} CASCADE"))
    engine.dispose()
