"""Errors in systems of other distributions: each is a ContractError that names the system and the stage."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hwcost.errors import ContractError, HwcostError
from hwcost.registry import is_own

__all__ = ["named"]


@contextmanager
def named(pipeline: Any, what: str) -> Iterator[None]:
    """Names a system of another distribution, and its method, in an error that is not hwcost's own."""
    try:
        yield
    except (HwcostError, OSError):
        raise
    except Exception as error:
        if is_own(type(pipeline)):
            raise
        last = traceback.extract_tb(error.__traceback__)[-1]
        said = f"{type(error).__name__}: {error} ({Path(last.filename).name}, line {last.lineno})"
        raise ContractError(f"the system '{pipeline.name}' failed in {what}: {said}") from error
