"""A browser for the tests of the dashboard: Debian's Chromium, driven by Playwright; nothing is downloaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from hwcost.report.dashboard import Built
from tests.conftest import require_package, require_program
from tests.report.dashboard_data import NIGHTS

NARROW, WIDE = {"width": 375, "height": 800}, {"width": 1400, "height": 900}

PAGES = ("overview", "regressions", "series", "compare", "devices", "models", "front", "audit", "about")
ALL = [f"#/{name}" for name in PAGES]

LAYOUT = Path(__file__).with_name("layout.js")


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
        self.page.add_init_script(path=LAYOUT)

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
        self.change(lambda: self.page.evaluate("(one) => { location.hash = one; }", fragment))
        return self.page

    def change(self, act: Callable[[], Any]) -> None:
        """Does what shows another view, and waits until that is shown."""
        before = self.page.evaluate("document.getElementById('main').dataset.shown")
        act()
        self.page.wait_for_function("(n) => document.getElementById('main').dataset.shown !== n", arg=before)

    def field(self, label: str) -> str:
        """Returns the selector of a list of options, or of a field for text, by its label."""
        return f"label:has-text('{label}') :is(select, input)"

    def choose(self, label: str, value: str) -> None:
        """Chooses from a list of options, or types into a field, and waits until what comes of it is shown."""
        field = self.page.locator(self.field(label))
        if field.evaluate("(one) => one.tagName") == "SELECT":
            self.change(lambda: field.select_option(value))
        else:
            field.fill(value)
            self.change(lambda: field.press("Enter"))

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

    def faults(self) -> list[str]:
        """Returns what overlaps, is cut for good, or is wider than the window; see ``layout.js``."""
        found: list[str] = self.page.evaluate("layoutFaults()")
        return found

    def illegible(self) -> list[str]:
        """Returns what axe calls serious or critical, each with the beginning of the first element that has it."""
        if not self.page.evaluate("typeof axe === 'object'"):
            self.page.evaluate(_axe())
        options = {"resultTypes": ["violations"], "preload": False}  # preloading would ask for the style sheets once more
        found = self.page.evaluate("(options) => axe.run(document, options)", options)["violations"]
        serious = [one for one in found if one["impact"] in ("serious", "critical")]
        return [f"{one['id']}: {one['nodes'][0]['html'][:90]}" for one in serious]

    def assert_clean(self) -> None:
        """Fails where anything went wrong."""
        assert (self.errors, self.foreign) == ([], [])


def base_of(folder: Path) -> str:
    """Returns the address of a site in a folder."""
    return folder.as_uri() + "/"


def key_of(end: str, device: str) -> str:
    """Returns the key of a series of :data:`NIGHTS` by the end of its name and its device."""
    return next(one.series_key for one in NIGHTS.series if one.name.endswith(end) and one.device == device)


def a_record(site: Path) -> str:
    """Returns the view of a record that a site holds."""
    found = sorted((site / "data" / "records").rglob("*.js"))[-1]
    return f"#/record?c={found.parent.name}&s={found.stem}"


def views(built: Built) -> list[str]:
    """Returns every view of the site of :data:`NIGHTS`: all pages, a series, comparisons, and a record."""
    others = ["#/compare?along=device&a=cpu&b=t4", "#/compare?along=environment", a_record(built.page.parent)]
    return [*ALL, f"#/series?s={key_of('no. 4', 'cpu')}", *others]


@cache
def _axe() -> str:
    script: str = require_package("axe_playwright_python.sync_playwright").Axe().axe_script
    return script
