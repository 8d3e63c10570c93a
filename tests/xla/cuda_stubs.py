"""Stands in for the CUDA libraries that torch is linked with, so that a test of torch_xla need not download 4 GB of them.

The only build of the release of torch that torch_xla needs is one for CUDA; it is not imported without its libraries, and on
a CPU it never calls them. Each function in a stand-in returns an error. For test environments only::

    python tests/xla/cuda_stubs.py .venv-xla/lib/python3.11/site-packages/torch/lib --keep libcudart.so.12 libcupti.so.12

Needs gcc and binutils.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

FAMILIES = re.compile(r"lib(cu|nccl|nv)")
"""Beginnings of the names of CUDA's libraries."""

DRIVER = ("libcuda.so.1", "libnvrtc.so.12")
"""Libraries that torch loads once a GPU is used."""

PREFIXES = {
    "cuFile": "libcufile", "curand": "libcurand", "cusparseLt": "libcusparseLt", "nccl": "libnccl",
    "nvshmem": "libnvshmem_host",
}  # fmt: skip
"""Beginnings of the names of functions whose library does not say which version they belong to."""

ERROR = 999


def output(*command: str) -> str:
    """Returns what a program prints."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def needed(library: Path) -> list[str]:
    """Returns the CUDA libraries that a library is linked with."""
    found = re.findall(r"\(NEEDED\).*\[(.+)\]", output("readelf", "--dynamic", "--wide", str(library)))
    return [name for name in found if FAMILIES.match(name) and name not in DRIVER]


def undefined(library: Path) -> list[tuple[str, str | None]]:
    """Returns the names that a library looks for elsewhere, each with the version that it has to have."""
    lines = output("nm", "--dynamic", "--undefined-only", "--with-symbol-versions", str(library)).splitlines()
    parts = (line.split()[-1].partition("@") for line in lines if line.strip())
    return [(name, version.lstrip("@") or None) for name, _, version in parts]


def home(name: str, version: str | None, libraries: list[str]) -> str | None:
    """Returns the library that a name belongs to; None where it is none of these."""
    if version in libraries:
        return version
    stem = next((stem for prefix, stem in PREFIXES.items() if name.startswith(prefix)), None)
    return next((library for library in libraries if stem and library.startswith(f"{stem}.so")), None)


def wanted(folder: Path, keep: list[str]) -> dict[str, dict[str, str | None]]:
    """Returns, for each library that is missing, the names that are looked for in it, with their versions."""
    found: dict[str, dict[str, str | None]] = defaultdict(dict)
    for library in sorted(folder.glob("*.so")):
        missing = [name for name in needed(library) if name not in keep and not (folder / name).exists()]
        for name in missing:
            found[name] = found[name]
        for name, version in undefined(library) if missing else ():
            belongs = home(name, version, missing)
            if belongs is not None:
                found[belongs][name] = version
    return found


def build(folder: Path, library: str, names: dict[str, str | None]) -> None:
    """Compiles one stand-in beside torch's own libraries."""
    with tempfile.TemporaryDirectory() as place:
        source, versions = Path(place) / "stub.c", Path(place) / "versions"
        source.write_text("".join(f"int {name}(void) {{ return {ERROR}; }}\n" for name in names) or "int nothing;\n")
        nodes = {node: [name for name, its in names.items() if its == node] for node in names.values() if node}
        versions.write_text("".join(f"{node} {{ {'; '.join(its)}; }};\n" for node, its in nodes.items()))
        script = [f"-Wl,--version-script={versions}"] if nodes else []
        command = ["gcc", "-shared", "-nostdlib", "-fPIC", "-w", f"-Wl,-soname,{library}", *script]
        subprocess.run([*command, "-o", str(folder / library), str(source)], check=True)


def main() -> int:
    """Builds all stand-ins that are missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="Folder of torch's libraries.")
    parser.add_argument("--keep", nargs="*", default=[], help="Names of the libraries that are installed.")
    given = parser.parse_args()
    for library, names in wanted(given.folder, given.keep).items():
        build(given.folder, library, names)
        print(f"{library}: {len(names)} functions")
    return 0


if __name__ == "__main__":
    sys.exit(main())
