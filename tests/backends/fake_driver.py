"""CUDA's driver with one GPU that is not here, as its library answers through ctypes."""

from __future__ import annotations

import ctypes
from typing import Any

GIB = 1024**3


class FakeDriver:
    """A GPU of 80 GiB.

    Args:
        free_bytes: Bytes of it that are free.
        is_active: Whether this process has a context on it.
        failing: Function that answers with an error; none where it is empty.
    """

    def __init__(self, free_bytes: int = 70 * GIB, is_active: bool = True, failing: str = "") -> None:
        self.free_bytes, self.is_active, self.failing = free_bytes, is_active, failing
        self.retained = self.pushed = 0

    def cuInit(self, flags: int) -> int:  # noqa: N802
        return self._answer("cuInit")

    def cuDeviceGet(self, device: Any, ordinal: int) -> int:  # noqa: N802
        device._obj.value = ordinal
        return self._answer("cuDeviceGet")

    def cuDevicePrimaryCtxGetState(self, device: Any, flags: Any, active: Any) -> int:  # noqa: N802
        active._obj.value = int(self.is_active)
        return self._answer("cuDevicePrimaryCtxGetState")

    def cuDevicePrimaryCtxRetain(self, context: Any, device: Any) -> int:  # noqa: N802
        self.retained += not self._answer("cuDevicePrimaryCtxRetain")
        context._obj.value = 1234
        return self._answer("cuDevicePrimaryCtxRetain")

    def cuCtxPushCurrent_v2(self, context: Any) -> int:  # noqa: N802
        assert isinstance(context, ctypes.c_void_p)
        assert context.value == 1234
        self.pushed += not self._answer("cuCtxPushCurrent_v2")
        return self._answer("cuCtxPushCurrent_v2")

    def cuMemGetInfo_v2(self, free: Any, total: Any) -> int:  # noqa: N802
        assert self.pushed
        assert isinstance(free._obj, ctypes.c_size_t)
        free._obj.value, total._obj.value = self.free_bytes, 80 * GIB
        return self._answer("cuMemGetInfo_v2")

    def cuCtxPopCurrent_v2(self, context: Any) -> int:  # noqa: N802
        self.pushed -= 1
        return self._answer("cuCtxPopCurrent_v2")

    def cuDevicePrimaryCtxRelease(self, device: Any) -> int:  # noqa: N802
        self.retained -= 1
        return self._answer("cuDevicePrimaryCtxRelease")

    def _answer(self, name: str) -> int:
        return 999 if name == self.failing else 0
