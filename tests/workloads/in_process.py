"""Lets factories be looked at in the testing process, which has torch loaded already."""

from __future__ import annotations

from typing import Any

import pytest

from hwcost.errors import MeasurementError
from hwcost.workloads import FactoryWorkload, factory_probe


def probe_in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replaces the process that ``FactoryWorkload.resolved`` starts."""

    def probed(workload: FactoryWorkload, defaults: dict[str, Any]) -> FactoryWorkload:
        try:
            return workload.described(defaults)
        except MeasurementError:
            return workload

    monkeypatch.setattr(factory_probe, "probed", probed)
