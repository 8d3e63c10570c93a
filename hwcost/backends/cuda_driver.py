"""The free memory of a GPU by CUDA's driver itself, for runtimes that do not tell it; nothing has to be installed for it."""

from __future__ import annotations

import ctypes
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = ("libcuda.so.1", "nvcuda.dll")
"""Names of the driver's library, on Linux and on Windows."""


def free_driver_bytes(library: Any = None) -> int | None:
    """Returns the free bytes of the first GPU that CUDA shows this process.

    Asked for is the context that CUDA's runtime made; none is made here, since that alone takes memory of the GPU.

    Args:
        library: The driver's library, loaded; None for the one that is here.

    Returns:
        None without a driver, where this process does not use the GPU yet, or where the driver does not answer.
    """
    driver = _loaded() if library is None else library
    device, flags, is_active = ctypes.c_int(), ctypes.c_uint(), ctypes.c_int()
    if driver is None or driver.cuInit(0) != 0 or driver.cuDeviceGet(ctypes.byref(device), 0) != 0:
        return None
    if driver.cuDevicePrimaryCtxGetState(device, ctypes.byref(flags), ctypes.byref(is_active)) != 0 or not is_active.value:
        return None
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    with _context(driver, device) as is_here:
        if not is_here or driver.cuMemGetInfo_v2(ctypes.byref(free), ctypes.byref(total)) != 0:
            return None
    return int(free.value)


@contextmanager
def _context(driver: Any, device: ctypes.c_int) -> Iterator[bool]:
    """Makes the context of CUDA's runtime the present one of this thread; yields whether that worked."""
    context, before = ctypes.c_void_p(), ctypes.c_void_p()
    if driver.cuDevicePrimaryCtxRetain(ctypes.byref(context), device) != 0:
        yield False
        return
    try:
        if driver.cuCtxPushCurrent_v2(context) != 0:
            yield False
            return
        try:
            yield True
        finally:
            driver.cuCtxPopCurrent_v2(ctypes.byref(before))
    finally:
        driver.cuDevicePrimaryCtxRelease(device)


def _loaded() -> Any:
    """Loads the driver's library; None where there is none."""
    for name in NAMES:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    return None
