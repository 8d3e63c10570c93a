"""What ``hc.measure`` takes as a budget and as a time to wait."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

import hwcost as hc
from hwcost.errors import UsageError

WRONG = [
    *[("budget_s", one) for one in (math.inf, math.nan, 0, -1, True)],
    *[("wait_s", one) for one in (-1, math.nan, math.inf)],
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_duration_is_refused_before_anything_is_made(tmp_path: Path, name: str, value: float) -> None:
    space, store = hc.space("supershaper", scale="mini"), tmp_path / "runs.jsonl"
    with pytest.raises(UsageError, match=name):
        hc.measure(space.sample(1), store=store, **{name: value})
    assert not store.exists()
