"""What all tests share."""

from __future__ import annotations

import gc
import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import settings

from hwcost.cli import console
from hwcost.stores import open_store
from hwcost.stores.database import Database
from tests.postgres import postgres, postgres_server  # noqa: F401 - fixtures

settings.register_profile("hwcost", deadline=None, max_examples=30, derandomize=True, database=None)
settings.load_profile("hwcost")

collect_ignore = ["plugin", "plugin_more"]
"""Plug-ins bring tests of their own, which run where they are installed: see test_extending.py."""

ROOT = Path(__file__).resolve().parent.parent
COLLECTED_AFTER = 50_000
"""New objects after which Python looks for unused circles of objects: as in commands that read many rows."""
PUBLISHED = ROOT.parent / "shared" / "data"
PATIENCE_S = 600
"""Seconds within which something has to come about that other processes do, on however slow and busy a machine."""


def require_program(name: str) -> str:
    """Returns the path of a system program; skips without it, but fails where the full test run was asked for."""
    path = shutil.which(name)
    if path is None:
        message = f"the system program '{name}' is missing; packages.txt names the package"
        if os.environ.get("HWCOST_REQUIRE") == "system":
            pytest.fail(message)
        pytest.skip(message)
    return path


def require_package(name: str) -> Any:
    """Imports a package; skips without it, but fails where the full test run was asked for."""
    try:
        return import_module(name)
    except ImportError:
        message = f"the package '{name}' is missing; pip install -e '.[dev]' brings it"
        if os.environ.get("HWCOST_REQUIRE") == "system":
            pytest.fail(message)
        pytest.skip(message)


def import_anew(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Lets the test import a module of its own, whatever others have imported by that name; forgotten after the test."""
    monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.delitem(sys.modules, name)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object | None) -> None:
    """Says how a worker of pytest-xdist ended that is gone: its exit status, negative for a signal."""
    process = getattr(getattr(node.gateway, "_io", None), "popen", None)
    if error is None or process is None:
        return
    try:
        ended = f"ended with status {process.wait(timeout=10.0)}"
    except subprocess.TimeoutExpired:
        ended = "still runs"
    node.config.pluginmanager.get_plugin("terminalreporter").write_line(f"[{node.gateway.id}] process {process.pid} {ended}")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Lets nobody look through modules and collected tests for garbage: there are millions of objects, and they stay."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(COLLECTED_AFTER)
        gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _no_collections() -> Iterator[None]:
    """Lets simulated rounds begin without looking for garbage, which takes longer than they do beside all of the tests."""
    none = SimpleNamespace(collect=int, freeze=int, unfreeze=int)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("hwcost.agent.memory", "hwcost.agent.groups"):
            patch.setattr(import_module(name), "gc", none)
        yield


def _of_all_workers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the folder of one test run."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Lets the tests of all workers share exported models, which take seconds to make, but not with the user."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HWCOST_CACHE_DIR", str(_of_all_workers(tmp_path_factory) / "cache"))
        yield


@pytest.fixture(scope="session")
def _folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folders for the tests, numbered here: ``mktemp`` reads all the folders before it each time."""
    base = tmp_path_factory.mktemp("tests")
    return (base / str(number) for number in itertools.count())


@pytest.fixture
def tmp_path(_folders: Iterator[Path]) -> Path:
    """An empty folder of the test's own, made without a look at those of thousands of others."""
    folder = next(_folders)
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True)
def _own_home(_folders: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps every test away from the user's stores, caches and settings."""
    home = next(_folders)
    home.mkdir()
    monkeypatch.setenv("HWCOST_HOME", str(home))
    monkeypatch.delenv("HWCOST_STORE", raising=False)


@pytest.fixture(scope="session", autouse=True)
def _own_locks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Lets the workers of one test run take turns on the CPUs, without waiting for the user's campaigns."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HWCOST_LOCK_DIR", str(_of_all_workers(tmp_path_factory) / "locks"))
        yield


@pytest.fixture(scope="session", autouse=True)
def made_by_migrations(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Database, bool], None]]:
    """Lets new stores begin as copies of one that the migrations made, which takes 30 ms and waits for the disk.

    Returns what brings a store up to date; the tests of stores put it back.
    """
    plain = Database._bring_up_to_date
    path = tmp_path_factory.mktemp("store") / "new.db"
    open_store(path).close()
    new = path.read_bytes()

    def copied(store: Database, create: bool) -> None:
        if create and store.path is not None:
            with suppress(OSError), store.path.open("xb") as file:
                file.write(new)
        plain(store, create)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "_bring_up_to_date", copied)
        yield plain


@pytest.fixture(scope="module")
def laws_here() -> Iterator[None]:
    """Lets campaigns on a virtual clock run in this process, where to start another one takes longer than a round."""
    from hwcost.testing.in_process import worker

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hwcost.campaign.rounds.round.WorkerProcess", worker)
        yield


@pytest.fixture
def own_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets every round be a process of its own again, in a test of a file with ``laws_here``."""
    from hwcost.campaign.processes.worker_process import WorkerProcess

    monkeypatch.setattr("hwcost.campaign.rounds.round.WorkerProcess", WorkerProcess)


@pytest.fixture(autouse=True)
def _fresh_console() -> None:
    """Lets no test inherit the ``-q`` or ``-v`` of another one."""
    console.reset()


@pytest.fixture
def published() -> Path:
    """The folder of published latency tables; tests that need it skip where it is absent."""
    if not PUBLISHED.is_dir():
        pytest.skip("the published latency tables are not here")
    return PUBLISHED
