"""A server of a dashboard in a thread, for tests."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hwcost.report.dashboard.access import Settings
from hwcost.report.dashboard.server import Served, application
from tests.conftest import require_package


def app_of(store: Path, folder: Path, **settings: Any) -> Any:
    """Returns the application over a store, with its site in a folder."""
    require_package("starlette")
    given = Settings(**settings)
    return application(Served(str(store), given, folder), given)


@contextmanager
def serving(store: Path, **settings: Any) -> Iterator[str]:
    """Serves a store on a free port of this machine, with further settings; yields the address."""
    uvicorn = require_package("uvicorn")
    with tempfile.TemporaryDirectory() as folder:
        config = uvicorn.Config(app_of(store, Path(folder), **settings), "127.0.0.1", 0, log_level="error")
        listening = config.bind_socket()
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        finally:
            server.should_exit = True
            thread.join()
