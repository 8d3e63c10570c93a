"""``hwcost version``: what is installed here, for bug reports and for comparing machines."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path
from typing import Any

import typer

from hwcost.cli import console

PACKAGES = (
    "numpy", "scipy", "pydantic", "SQLAlchemy", "alembic", "lightgbm", "xgboost", "xgboost-cpu", "torch", "torch_xla",
    "onnx", "onnxscript", "onnxruntime", "onnxruntime-gpu", "openvino", "tensorrt", "tensorrt-rtx", "nvidia-ml-py",
    "libtpu", "matplotlib", "optuna", "pymoo", "botorch", "transformers", "psycopg",
)  # fmt: skip
"""Packages that results can depend on, and those that the extras install."""

_ROOT = Path(__file__).resolve().parents[2]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("version")(version)


def version(json: console.Json = None, quiet: console.Quiet = False, verbose: console.Verbose = False) -> None:
    """Show the versions of hwcost, its formats and its packages, and the devices that are here."""
    document = describe()
    if console.write_json(document, json):
        return
    rows = [[name, _shown(value)] for name, value in document.items() if not isinstance(value, (dict, list))]
    console.print_table(f"hwcost {document['hwcost_version']}", ["what", "value"], rows)
    console.print_table("Packages", ["package", "version"], [[k, v or "-"] for k, v in document["packages"].items()])
    devices = [[device["product"], device["kind"]] for device in document["devices"]]
    console.print_table("Devices", ["device", "kind"], devices)


def describe() -> dict[str, Any]:
    """Returns what the command shows as plain data; what is not installed or not known is None.

    Packages are not imported: their versions are read from what pip wrote down.
    """
    from hwcost import __version__
    from hwcost.devices.detect import present
    from hwcost.stores.migrations import HEAD
    from hwcost.stores.schema import SCHEMA_VERSION

    return {
        "hwcost_version": __version__,
        "hwcost_git_sha": git_sha(),
        "record_schema_version": SCHEMA_VERSION,
        "store_revision": HEAD,
        "python_version": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _installed(name) for name in PACKAGES},
        "devices": [device.to_dict() for device in present()],
    }


def git_sha(root: Path = _ROOT) -> str | None:
    """Returns the commit of the checkout that this runs from, or None when it runs from an installation."""
    if not (root / ".git").exists():
        return None
    try:
        command = ["git", "-C", str(root), "rev-parse", "HEAD"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None


def _installed(name: str) -> str | None:
    from importlib import metadata

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _shown(value: object) -> str:
    return "-" if value is None else str(value)
