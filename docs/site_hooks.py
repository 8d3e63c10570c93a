"""Fills in tables of facts, keys and options, and turns Sphinx's marks in docstrings into plain text, for the site."""

from __future__ import annotations

import re
from typing import Any

from hwcost.cli import reference as commands
from hwcost.facts import document as facts
from hwcost.suites import document as suites

ROLE = re.compile(r":(?:func|meth|class|mod|attr|data):<code>~?([^<]*)</code>")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Is called by mkdocs for the text of each page."""
    return commands.filled(suites.filled(facts.filled(markdown)))


def on_page_content(html: str, **_: Any) -> str:
    """Is called by mkdocs for the content of each page; a double colon announces the code block below it."""
    return ROLE.sub(r"<code>\1</code>", html).replace("<p>::</p>", "").replace("::</p>", ":</p>")
