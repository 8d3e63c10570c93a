"""Loads kernels of CUDA source in this folder, compiled on first use by the compiler that torch brings along (NVRTC)."""

from __future__ import annotations

import ctypes
import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from hwcost.errors import MeasurementError

PROBES = Path(__file__).with_name("cuda_probes.cu")
"""Source of the kernels that compute nothing."""

Kernel = Callable[..., None]
"""A function that launches a kernel on the present stream; takes ``grid``, ``block`` and ``args`` as torch's loader does."""


@cache
def load(name: str, source: Path = PROBES) -> Kernel:
    """Compiles one kernel for the present device.

    Args:
        name: Name of the kernel in the source, which includes no headers.
        source: File of CUDA source.

    Raises:
        MeasurementError: When this torch has no compiler of CUDA source, as releases before 2.8, or it fails.
    """
    import torch

    compiler: Any = getattr(torch.cuda, "_compile_kernel", None)
    if compiler is None:
        raise MeasurementError(f"torch {torch.__version__} cannot compile CUDA source; releases from 2.8 on can")
    try:
        with _own_compiler(), _without_toolkit():
            compiled: Kernel = compiler(source.read_text(encoding="utf-8"), name)
    except (RuntimeError, OSError, AttributeError) as error:  # no NVRTC, or one that is older than the device
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise MeasurementError(f"kernel '{name}' cannot be compiled: {first}") from None
    return compiled


@contextmanager
def _without_toolkit() -> Iterator[None]:
    """Names some folder as that of CUDA's toolkit, where there is none: torch asks for it, and no header is read from it."""
    from torch.utils import cpp_extension

    before = cpp_extension.CUDA_HOME
    cpp_extension.CUDA_HOME = before or sys.prefix
    try:
        yield
    finally:
        cpp_extension.CUDA_HOME = before


@contextmanager
def _own_compiler() -> Iterator[None]:
    """Hands torch the compiler that came with its packages, where it did.

    The system's loader does not find it by itself, and torch 2.8 asks for ``libnvrtc.so``, a name that no package has.
    """
    from torch.cuda import _utils

    library, finder = _nvrtc(), getattr(_utils, "_get_nvrtc_library", None)
    if library is None or finder is None:
        yield
        return
    _utils._get_nvrtc_library = lambda: library
    try:
        yield
    finally:
        _utils._get_nvrtc_library = finder


def _nvrtc() -> Any:
    """Returns the compiler in torch's packages, of the release of CUDA that torch was built with; None without one."""
    import torch

    release = str(torch.version.cuda).partition(".")[0]
    found = importlib.util.find_spec("nvidia")
    for folder in (found.submodule_search_locations or ()) if found else ():
        for path in sorted(Path(folder).glob(f"*/lib/libnvrtc.so.{release}")):
            with suppress(OSError):
                return ctypes.CDLL(str(path))
    return None
