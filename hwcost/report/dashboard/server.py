"""Serves a dashboard, read-only: the files of a site, and the records of every night when they are asked for.

Nothing is ever written over HTTP. Requests are checked before anything is looked up: the method, the length of the query, the
``Host`` header, and on other addresses than this machine's own the token. There are no headers for other origins.
"""

from __future__ import annotations

import secrets
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwcost._extras import imported
from hwcost.errors import HwcostError, UsageError
from hwcost.report.dashboard.build import write_site
from hwcost.report.dashboard.files import Site, script, slug
from hwcost.report.dashboard.history import History, PolicyOf, default_policy, read
from hwcost.report.dashboard.records import documents
from hwcost.stores import open_store

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

LONGEST_QUERY = 1024
LONGEST_PATH = 512
LOOPBACK = ("127.0.0.1", "localhost", "::1")
COOKIE = "hwcost_token"
SHORTEST_TOKEN = 16

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


@dataclass(frozen=True)
class Settings:
    """How a dashboard is served.

    Attributes:
        host: Address to listen on.
        port: Port; 0 for a free one.
        token: Secret that readers give; None on this machine's own addresses only.
        since: Instant before which nothing is shown.
        studies: Logs of studies whose fronts are shown.
        policy: Policy of the verdicts on a suite, by the name of the suite.

    Raises:
        UsageError: When an address of the network is given without a token, or the token is short.
    """

    host: str = "127.0.0.1"
    port: int = 8050
    token: str | None = None
    since: str | None = None
    studies: tuple[Path, ...] = ()
    policy: PolicyOf = default_policy

    def __post_init__(self) -> None:
        if self.host not in LOOPBACK and not self.token:
            raise UsageError(
                f"--host {self.host} lets other machines read; give a --token that they must know, of at least "
                f"{SHORTEST_TOKEN} characters, or leave --host out"
            )
        if self.token is not None and (len(self.token) < SHORTEST_TOKEN or not self.token.isascii()):
            raise UsageError(f"the token is too easy to guess: give at least {SHORTEST_TOKEN} ASCII characters")

    @property
    def hosts(self) -> tuple[str, ...]:
        """Names by which the server may be called."""
        return (*LOOPBACK, self.host)


class Served:
    """A site that follows its store: it is built again when the store holds a new night.

    Args:
        location: The store, as :func:`hwcost.stores.open_store` takes it.
        settings: Settings of the server.
        folder: Folder for the site, which nothing else uses.
    """

    def __init__(self, location: str | None, settings: Settings, folder: Path) -> None:
        self._location, self._settings, self.folder = location, settings, folder.resolve()
        self._lock = threading.Lock()
        self._state: Any = None
        self._history: History | None = None
        self._campaigns: dict[str, str] = {}

    def refresh(self) -> None:
        """Builds the site where the store has changed."""
        with self._lock, open_store(self._location, create=False) as store:
            runs = store.runs()
            state = (len(runs), [(run.run_id, run.status) for run in runs[-1:]], len(store.campaigns()))
            if state == self._state:
                return
            self._history = read(store, since=self._settings.since, policy=self._settings.policy)
            write_site(Site(self.folder), store, self._history, self._settings.studies)
            self._campaigns = {slug(one): one for one in self._history.table.campaign_id}
            self._state = state

    def file(self, path: str) -> bytes | None:
        """Returns a file of the site; None for what is not there, or lies elsewhere."""
        if path == "data/records.js":
            return script("records", {"all": True}).encode()
        found = (self.folder / path).resolve()
        is_inside = found.is_relative_to(self.folder) and not any(part.startswith(".") for part in Path(path).parts)
        return found.read_bytes() if is_inside and found.suffix in TYPES and found.is_file() else None

    def record(self, campaign: str, key: str) -> bytes | None:
        """Returns the records of a series in a campaign as a script; None for what is not there."""
        campaign_id, history = self._campaigns.get(campaign), self._history
        if campaign_id is None or history is None or key not in history.series:
            return None
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
        refused = _refusal(request, settings)
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
        kind = "application/openmetrics-text; version=1.0.0; charset=utf-8" if path == "metrics" else TYPES[Path(path).suffix]
        return _with_headers(responses.Response(content, media_type=kind))

    return answer


def _content(served: Served, path: str) -> bytes | None:
    if path in ("index.html", "metrics", "regressions.json", "feed.xml"):
        served.refresh()
    parts = path.removesuffix(".js").split("/")
    if parts[:2] == ["data", "records"] and len(parts) == 4:
        return served.record(parts[2], parts[3])
    return served.file("metrics.txt" if path == "metrics" else path)


def _refusal(request: Request, settings: Settings) -> tuple[int, str] | None:
    """Returns the status and the reason with which a request is refused; None when it is answered."""
    if len(request.url.query) > LONGEST_QUERY or len(request.url.path) > LONGEST_PATH:
        return 414, "the address is too long"
    if _host_name(request.headers.get("host", "")) not in settings.hosts:
        return 400, "this host name is not served"
    if settings.token is None:
        return None
    given = (
        request.query_params.get("token"),
        request.cookies.get(COOKIE),
        request.headers.get("authorization", "").removeprefix("Bearer "),
    )
    if any(one and secrets.compare_digest(one.encode(), settings.token.encode()) for one in given):
        return None
    return 401, "a token is needed: open this address with ?token=..."


def _host_name(host: str) -> str:
    """Returns the name in a Host header, without the port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if ":" in host else host


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
        uvicorn.Server(config).run([listening])
