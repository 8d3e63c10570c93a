"""A browser for the tests of the dashboard: Debian's Chromium, driven by Playwright; nothing is downloaded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conftest import require_package, require_program

NARROW, WIDE = {"width": 375, "height": 800}, {"width": 1400, "height": 900}

PAGES = ("overview", "regressions", "series", "compare", "devices", "models", "front", "audit", "about")


@contextmanager
def chromium() -> Iterator[Any]:
    """Starts the browser."""
    program = require_program("chromium")
    playwright = require_package("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Reader:
    """A page with what went wrong on it.

    Attributes:
        page: The page.
        base: Address of the site, with a slash at its end.
        errors: Errors of the console and of scripts.
        foreign: Requests to anything but the site.
    """

    page: Any
    base: str
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda one: self.errors.append(one.text) if one.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda one: self.errors.append(str(one)))
        self.page.on("requestfailed", self._failed)
        self.page.route("**/*", self._route)

    def _failed(self, request: Any) -> None:
        if "ERR_ABORTED" not in str(request.failure):  # a page that was left while it loaded
            self.errors.append(f"{request.url} {request.failure}")

    def _route(self, route: Any) -> None:
        if route.request.url.startswith(self.base):
            route.continue_()
        else:
            self.foreign.append(route.request.url)
            route.abort()

    def open(self, fragment: str = "") -> Any:
        """Opens a view in a document of its own, and returns the page once it is shown."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.base}index.html{fragment}")
        return self.shown()

    def go(self, fragment: str) -> Any:
        """Opens a view in the document that is open, or the first one; returns the page once it is shown."""
        if not self.page.url.startswith(self.base):
            return self.open(fragment)
        before = self.page.evaluate("document.getElementById('main').dataset.shown")
        self.page.evaluate("(one) => { location.hash = one; }", fragment)
        self.page.wait_for_function("(n) => document.getElementById('main').dataset.shown !== n", arg=before)
        return self.page

    def shown(self, name: str | None = None) -> Any:
        """Waits until a view is shown."""
        self.page.wait_for_selector(f"main[data-page={name}][data-shown]" if name else "main[data-shown]")
        return self.page

    def rows(self, table: str) -> list[list[str]]:
        """Returns the text of a table's cells, row by row."""
        script = """(id) => [...document.querySelectorAll(`#${id} tbody tr`)]
            .map((row) => [...row.cells].map((cell) => cell.innerText))"""
        found: list[list[str]] = self.page.evaluate(script, table)
        return found

    def assert_clean(self) -> None:
        """Fails where anything went wrong."""
        assert (self.errors, self.foreign) == ([], [])


def base_of(folder: Path) -> str:
    """Returns the address of a site in a folder."""
    return folder.as_uri() + "/"
