"""Engines that were built: kept by model, settings, version of TensorRT and GPU."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hwcost._io import write_atomically
from hwcost._log import logger
from hwcost.backends.cache import cache_dir, mark_used, prune
from hwcost.backends.onnx_rewrite import file_digest
from hwcost.backends.tensorrt.build import BuildSettings, Shape
from hwcost.workloads.base import digest

_log = logger(__name__)


@dataclass(frozen=True)
class Plan:
    """The bytes of an engine, and where they come from.

    Attributes:
        key: SHA-256 of all that they depend on.
        data: The bytes.
        path: File that keeps them.
        from_cache: Whether an earlier build made them.
    """

    key: str
    data: bytes
    path: Path
    from_cache: bool

    def facts(self) -> dict[str, Any]:
        """Returns what the record keeps of it."""
        return {"key": self.key, "bytes": len(self.data), "from_cache": self.from_cache}

    def forget(self) -> None:
        """Deletes the file, when its bytes turn out to be none that TensorRT takes."""
        self.path.unlink(missing_ok=True)


def engine_key(trt: Any, model: Path, shapes: dict[str, Shape], settings: BuildSettings, gpu: str) -> str:
    """Hashes all that an engine depends on.

    Args:
        trt: TensorRT's module.
        model: The ONNX file; its content counts, and not its path.
        shapes: Shapes of its inputs by name.
        settings: Settings of the build.
        gpu: Name and compute capability of the GPU, or the target that is built for.
    """
    package = [trt.__name__, str(trt.__version__)]
    content = {"model": file_digest(model), "shapes": {name: list(shape) for name, shape in shapes.items()}}
    return digest({**content, "settings": asdict(settings), "package": package, "gpu": gpu})


def kept(key: str, build: Callable[[], bytes]) -> Plan:
    """Returns the engine of a key; it is built and written, whole or not at all, where none is kept.

    Args:
        key: Key of the engine, from :func:`engine_key`.
        build: Function that builds it.
    """
    folder = cache_dir("engines")
    path = folder / f"{key[:32]}.engine"
    data = _read(path)
    from_cache = data is not None
    if data is None:
        _log.info("building an engine: %s", path)
        data = build()
        made = data
        write_atomically(path, lambda part: part.write_bytes(made))
    else:
        _log.info("took an engine from the cache: %s", path)
        mark_used(path)
    prune(folder)
    return Plan(key, data, path, from_cache)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes() or None
    except FileNotFoundError:
        return None
