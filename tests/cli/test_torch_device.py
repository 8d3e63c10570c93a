"""What commands that train say of the device on which torch computes."""

from __future__ import annotations

import sys

import pytest

from hwcost.cli.torch_device import peak_memory_bytes

resource = pytest.importorskip("resource")


def test_the_peak_memory_of_a_process_is_in_bytes_on_every_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrusage", lambda who: type("Usage", (), {"ru_maxrss": 3000}))
    for platform, peak in (("linux", 3_072_000), ("darwin", 3000)):
        monkeypatch.setattr(sys, "platform", platform)
        assert peak_memory_bytes("cpu") == peak
