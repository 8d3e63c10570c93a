"""Serves a dashboard, read-only: the files of a site, and the records of every night when they are asked for.

Nothing is ever written over HTTP. Requests are checked before anything is looked up: the method, the length of the query,
the ``Host`` header, and the token where there is one. There are no headers for other origins.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwcost._extras import imported
from hwcost.errors import HwcostError, UsageError
from hwcost.report.dashboard.access import COOKIE, Settings, refusal
from hwcost.report.dashboard.build import write_site
from hwcost.report.dashboard.files import Site, script, slug
from hwcost.report.dashboard.history import History, read
from hwcost.report.dashboard.records import documents
from hwcost.stores import open_store

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
TYPES = {
    ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
    ".json": "application/json", ".svg": "image/svg+xml", ".xml": "application/atom+xml; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}  # fmt: skip
"""Types of content by the ending of a file's name; nothing else is served."""


class Served:
    """A site that follows its store: it is built again when the store holds a new night.

    Args:
        location: The store, as :func:`hwcost.stores.open_store` takes it.
        settings: Settings of the server.
        folder: Folder for the site, which nothing else uses.
    """

    def __init__(self, location: str | None, settings: Settings, folder: Path) -> None:
        self._location, self._settings, self.folder = location, settings, folder
        self._lock = threading.Lock()
        self._state: Any = None
        self._history: History | None = None
        self._campaigns: dict[str, int] = {}
        self._names: frozenset[str] = frozenset()

    def refresh(self) -> None:
        """Builds the site where the store has changed."""
        with self._lock, open_store(self._location, create=False) as store:
            runs = store.runs()
            latest = store.latest_campaign()
            state = (len(runs), [(run.run_id, run.status) for run in runs[-1:]], latest and latest.campaign_id)
            if state == self._state:
                return
            self._history = read(store, since=self._settings.since, policy=self._settings.policy)
            site = Site(self.folder)
            write_site(site, store, self._history, self._settings.studies)
            self._names = site.names
            self._campaigns = {slug(one): index for index, one in enumerate(self._history.table.campaign_id)}
            self._state = state

    def file(self, path: str) -> bytes | None:
        """Returns a file of the site, by one of the names that the build wrote; None for anything else."""
        if path == "data/records.js":
            return script("records", {"all": True}).encode()
        return (self.folder / path).read_bytes() if path in self._names and Path(path).suffix in TYPES else None

    def record(self, campaign: str, key: str) -> bytes | None:
        """Returns the records of a series in a campaign as a script; None for what is not there."""
        index, history = self._campaigns.get(campaign), self._history
        if index is None or history is None or key not in history.number:
            return None
        if index not in history.table.campaign[history.rows[history.number[key]]]:
            return None  # of another device
        campaign_id = history.table.campaign_id[index]
        with self._lock, open_store(self._location, create=False) as store:
            for _, document in documents(store, history, campaign_id, [key]):
                return script(f"records/{campaign}/{key}", document).encode()
        return None


def application(served: Served, settings: Settings) -> Starlette:
    """Makes the application.

    Args:
        served: The site.
        settings: Settings of the server.

    Raises:
        MissingExtraError: When Starlette is not installed.
    """
    applications, routing = imported("starlette.applications", "serve"), imported("starlette.routing", "serve")
    made: Starlette = applications.Starlette(
        routes=[routing.Route("/{path:path}", _answer(served, settings), methods=["GET", "HEAD"])]
    )
    return made


def _answer(served: Served, settings: Settings) -> Callable[[Request], Response]:
    responses = imported("starlette.responses", "serve")

    def answer(request: Request) -> Response:
        refused = refusal(request, settings)
        if refused is not None:
            return _with_headers(responses.PlainTextResponse(f"{refused[1]}\n", refused[0]))
        if settings.token is not None and "token" in request.query_params:
            return _with_headers(_remember(responses.RedirectResponse("/", 303), settings.token))
        path = request.path_params["path"] or "index.html"
        try:
            content = _content(served, path)
        except HwcostError:
            return _with_headers(responses.PlainTextResponse("the store cannot be read\n", 503))
        if content is None:
            return _with_headers(responses.PlainTextResponse("not found\n", 404))
        kind = (
            "application/openmetrics-text; version=1.0.0; charset=utf-8" if path == "metrics" else TYPES[Path(path).suffix]
        )
        return _with_headers(responses.Response(content, media_type=kind))

    return answer


def _content(served: Served, path: str) -> bytes | None:
    if path in ("index.html", "metrics", "regressions.json", "feed.xml"):
        served.refresh()
    parts = path.removesuffix(".js").split("/")
    if parts[:2] == ["data", "records"] and len(parts) == 4:
        return served.record(parts[2], parts[3])
    return served.file("metrics.txt" if path == "metrics" else path)


def _remember(response: Response, token: str) -> Response:
    """Lets the browser send the token from now on, so that it stands in no address."""
    response.set_cookie(COOKIE, token, httponly=True, samesite="strict")
    return response


def _with_headers(response: Response) -> Response:
    response.headers.update(HEADERS)
    return response


def serve_site(location: str | None, settings: Settings, say: Callable[[str], None]) -> None:
    """Serves a store's dashboard until it is interrupted.

    Args:
        location: The store, as :func:`hwcost.stores.open_store` takes it.
        settings: Settings of the server.
        say: Function that is given the address once the site is built.

    Raises:
        MissingExtraError: When Starlette, uvicorn or Jinja2 is not installed.
        UsageError: When the address cannot be listened on.
        StoreError: When the store cannot be read.
    """
    uvicorn = imported("uvicorn", "serve")
    with tempfile.TemporaryDirectory(prefix="hwcost-") as folder:
        served = Served(location, settings, Path(folder))
        app = application(served, settings)
        served.refresh()
        config = uvicorn.Config(app, settings.host, settings.port, log_level="warning", server_header=False)
        try:
            listening = config.bind_socket()
        except SystemExit:
            raise UsageError(f"cannot listen on {settings.host}:{settings.port}; give another --port") from None
        say(f"http://{settings.host}:{listening.getsockname()[1]}/")
        with suppress(KeyboardInterrupt):  # how a server ends; uvicorn raises the signal again once it has shut down
            uvicorn.Server(config).run([listening])
