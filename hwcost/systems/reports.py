"""Reports of finished runs, as a file or a page has them, read into the types of their stages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from hwcost.errors import DataError
from hwcost.systems.typed import typed

Results = TypeVar("Results")


def results_of(report: Mapping[str, Any], kind: type[Results]) -> Results:
    """Returns the results of all stages of a report.

    Args:
        report: The report that :meth:`hwcost.systems.Pipeline.run` returned, or the content of its ``report.json``.
        kind: Dataclass with one attribute per stage.

    Raises:
        DataError: When the report does not have these stages: another version of hwcost wrote it.
    """
    try:
        return typed(kind, report["stages"])
    except (ValueError, LookupError) as error:
        raise DataError(
            f"this is not a report of pipeline '{report.get('pipeline')}' as this version of hwcost writes it: {error}"
        ) from None
