"""Latencies over time: where they changed, and what may be said about it."""

from hwcost.history.changes import Change, find_changes
from hwcost.history.confirmation import Outcome, confirm

__all__ = ["Change", "Outcome", "confirm", "find_changes"]
