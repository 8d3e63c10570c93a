"""Points in time as people write them."""

from __future__ import annotations

import pytest

from hwcost.errors import UnknownNameError, UsageError
from hwcost.history.selection import instant_of

NOW = "2025-03-04T12:00:00.000000+00:00"


@pytest.mark.parametrize(
    ("text", "instant"),
    [("7d", "2025-02-25T12"), ("2w", "2025-02-18T12"), ("12h", "2025-03-04T00"), ("2025-01-31", "2025-01-31T00"),
     ("2025-01-31T09:30:00Z", "2025-01-31T09"), ("2025-01-31T09:30:00+02:00", "2025-01-31T07")],
)  # fmt: skip
def test_ages_dates_and_instants(text: str, instant: str) -> None:
    assert instant_of(text, [], NOW).startswith(instant)


def test_what_the_calendar_does_not_reach_is_refused() -> None:
    for text in ("99999999999d", "3000000d", "1e300h"):
        with pytest.raises(UsageError, match="an age that the calendar reaches"):
            instant_of(text, [], NOW)
    with pytest.raises(UnknownNameError, match="run, commit or branch"):
        instant_of("0001-01-01T00:00:00+14:00", [], NOW)
