"""Turns the Sphinx roles of docstrings into plain code on the documentation site."""

from __future__ import annotations

import re
from typing import Any

ROLE = re.compile(r":(?:func|meth|class|mod|attr|data):<code>~?([^<]*)</code>")


def on_page_content(html: str, **_: Any) -> str:
    """Is called by mkdocs for the content of each page."""
    return ROLE.sub(r"<code>\1</code>", html)
