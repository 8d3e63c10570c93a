"""Who may read a served dashboard: by the names of the server, and by a token where other machines can reach it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hwcost.errors import UsageError
from hwcost.report.dashboard.history import PolicyOf, default_policy

if TYPE_CHECKING:
    from starlette.requests import Request

LONGEST_QUERY = 1024
LONGEST_PATH = 512
LOOPBACK = ("127.0.0.1", "localhost", "::1")
COOKIE = "hwcost_token"
SHORTEST_TOKEN = 16


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


def refusal(request: Request, settings: Settings) -> tuple[int, str] | None:
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
