"""Fits the normalised prices that ship with a space: on latencies that others published, and on campaigns of hwcost.

::

    python benchmarks/prices.py DATA --out devices/supershaper.prices.json
    python benchmarks/prices.py --store cpu.db "AMD EPYC 7763, batch 1" --out devices/supershaper.prices.json

DATA is a folder with SuperShaper's published tables; ``--store``, several times where there are several, takes the store of
a campaign of whole nets at one shape, and the name that its device gets. A file that is there keeps its other devices. Only
fitted figures are written, none of the measurements.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hwcost.cost_models.data import Data, read
from hwcost.cost_models.priors.files import SCHEMA_VERSION, as_prices
from hwcost.cost_models.priors.source import is_same
from hwcost.cost_models.training.train import train
from hwcost.errors import DataError, HwcostError
from hwcost.spaces import space

TABLES = {
    "1080ti_bs128": "NVIDIA GTX 1080 Ti, batch 128",
    "corei7_9th_8_9": "Intel Core i7, 9th generation, batch 1",
    "gcp_xeon_bs1_3k": "Intel Xeon, Google Cloud, batch 1",
    "ryzen": "AMD Ryzen, batch 1",
    "xeon_bs128_set3": "Intel Xeon, batch 128",
}
"""Tables that an audit does not call invalid, one of each device and setting, and what they were measured on."""

SOURCE = "normalised prices fitted on latencies published by iitm-sysdl/SuperShaper at 5d6fa8c, table {name}"
OWN = "normalised prices fitted on {rows} nets that hwcost measured ({backend}, batch {batch_size}, {seq_len} tokens)"

SPACE = {"name": "supershaper", "options": {"merged": False}}


def of_table(folder: Path, name: str) -> dict[str, Any]:
    """Returns the entry of a published table."""
    return entry(read(str(folder / f"{name}.csv"), SPACE["name"]), TABLES[name], SOURCE.format(name=name))


def of_store(store: str, device: str) -> dict[str, Any]:
    """Returns the entry of a campaign.

    Args:
        store: Path or URL of its store.
        device: Name of the device.

    Raises:
        DataError: When it measured other nets, or at several shapes.
    """
    data = read(store)
    if not is_same(data.space, space(SPACE["name"], **SPACE["options"])):
        raise DataError(
            f"{store} holds nets of space '{data.space.name}' with {data.space.options()}; expected space '{SPACE['name']}' "
            f"with {SPACE['options']} at one batch size and length. Measure those, in a campaign of their own."
        )
    source = OWN.format(rows=len(data.rows("fit")), backend=data.provenance.get("backend", "unknown backend"), **data.shape)
    return entry(replace(data, components=None), device, source)


def entry(data: Data, device: str, source: str) -> dict[str, Any]:
    """Fits a lookup table on rows, and returns it as an entry of the file."""
    trained = train(data, "lut")
    noise = 1.4826 * float(np.median(np.abs(trained.errors)))
    return as_prices(trained.model, device, source, noise)


def kept(path: Path, made: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yields the entries of a file that is there whose devices were not fitted anew."""
    names = {one["device"] for one in made}
    if path.exists():
        yield from (one for one in json.loads(path.read_text(encoding="utf-8"))["devices"] if one["device"] not in names)


def main() -> int:
    """Writes the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", metavar="DATA", help="folder of the published tables")
    parser.add_argument("--store", nargs=2, action="append", default=[], metavar=("STORE", "DEVICE"), help="a campaign")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    if arguments.data is None and not arguments.store:
        parser.error("nothing to fit on: give DATA, or --store STORE DEVICE")
    try:
        made = [of_table(arguments.data, name) for name in TABLES] if arguments.data is not None else []
        made += [of_store(store, device) for store, device in arguments.store]
    except HwcostError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    devices = [*kept(arguments.out, made), *made]
    document = {"schema_version": SCHEMA_VERSION, "space": SPACE, "quantity": "latency_s", "devices": devices}
    arguments.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
