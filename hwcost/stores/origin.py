"""Where results come from."""

from __future__ import annotations

from typing import Literal

Origin = Literal["measured", "imported"]
"""Whether something was measured, or came from another store or another tool."""
