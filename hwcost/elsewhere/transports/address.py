"""Addresses of machines: ``scheme://[user@]host[:port][/folder][?option=value&...]``."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, urlsplit

from hwcost.errors import UsageError

EXAMPLE = "ssh://user@host:22/folder?python=python3.8"
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*|\[?[0-9a-fA-F:]+\]?")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_PATH = re.compile(r"[A-Za-z0-9._/+~@-]*")
"""Letters of folders and programs: none that a shell on either side would take for something else."""


@dataclass(frozen=True)
class Address:
    """An address of a machine.

    Attributes:
        url: The whole address, as it was given.
        scheme: Name of the transport.
        host: Name of the machine; empty where the transport needs none.
        user: Name of the user there; None for the transport's own choice.
        port: Number of the port; None for the usual one.
        folder: Folder there that gets the job's own folder; empty for the transport's own choice.
        options: Options with their values, each as often as it was given.
    """

    url: str
    scheme: str
    host: str
    user: str | None
    port: int | None
    folder: str
    options: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, url: str) -> Address:
        """Reads an address.

        Raises:
            UsageError: When it is not one, or a part of it holds what a shell could take for something else.
        """
        try:
            parts = urlsplit(url)
            host, port = _host(parts), parts.port
            options = tuple(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
        except ValueError as error:
            raise UsageError(f"'{url}' is not the address of a machine: {error}. Expected for example {EXAMPLE}") from None
        if not parts.scheme or "://" not in url or parts.password is not None or parts.fragment:
            raise UsageError(f"'{url}' is not the address of a machine. Expected for example {EXAMPLE}")
        for what, text, pattern in (("host", host, _HOST), ("user", parts.username, _USER), ("folder", parts.path, _PATH)):
            if text and not pattern.fullmatch(text):
                raise UsageError(f"'{url}': the {what} '{text}' has letters that are not allowed there")
        return cls(url, parts.scheme, host, parts.username, port, parts.path.rstrip("/"), options)

    def values(self, option: str) -> list[str]:
        """Returns the values of an option, in the order they were given."""
        return [value for name, value in self.options if name == option]

    def value(self, option: str) -> str | None:
        """Returns the value of an option that is given once; None where it is not given.

        Raises:
            UsageError: When it is given several times.
        """
        found = self.values(option)
        if len(found) > 1:
            raise UsageError(f"'{self.url}' gives {option}= {len(found)} times. Give it once")
        return found[0] if found else None

    def check(self, known: Collection[str]) -> None:
        """Raises UsageError for an option that is not known; lists those that are."""
        for name, _ in self.options:
            if name not in known:
                listed = ", ".join(known) or "none"
                raise UsageError(f"'{self.url}' has the option '{name}'. Known for {self.scheme}: {listed}")

    def python(self) -> str:
        """Returns the program that runs the job, from the option ``python``.

        Raises:
            UsageError: When it holds more than a name or a path.
        """
        chosen = [*self.values("python"), "python3"][0]
        if not chosen or not _PATH.fullmatch(chosen) or chosen.startswith("-"):
            raise UsageError(f"'{self.url}': python= is the name or path of one program, got '{chosen}'")
        return chosen


def _host(parts: SplitResult) -> str:
    """Returns the host in the letters that were given: names of partitions and of ``~/.ssh/config`` have a case."""
    host = parts.hostname or ""
    start = parts.netloc.lower().rfind(host)
    return parts.netloc[start : start + len(host)]
