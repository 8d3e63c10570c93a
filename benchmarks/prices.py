"""Fits the normalised prices that ship with a space, on latencies that others published.

::

    python benchmarks/prices.py DATA --out devices/supershaper.prices.json

DATA is a folder with SuperShaper's published tables; only fitted figures are written, none of the measurements.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from hwcost.cost_models.data import read
from hwcost.cost_models.priors.files import SCHEMA_VERSION, as_prices
from hwcost.cost_models.training.train import train

TABLES = {
    "1080ti_bs128": "NVIDIA GTX 1080 Ti, batch 128",
    "corei7_9th_8_9": "Intel Core i7, 9th generation, batch 1",
    "gcp_xeon_bs1_3k": "Intel Xeon, Google Cloud, batch 1",
    "ryzen": "AMD Ryzen, batch 1",
    "xeon_bs128_set3": "Intel Xeon, batch 128",
}
"""Tables that an audit does not call invalid, one of each device and setting, and what they were measured on."""

SOURCE = "normalised prices fitted on latencies published by iitm-sysdl/SuperShaper at 5d6fa8c, table {name}"


def main() -> None:
    """Writes the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    entries = []
    for name, device in TABLES.items():
        trained = train(read(str(arguments.data / f"{name}.csv"), "supershaper"), "lut")
        noise = 1.4826 * float(np.median(np.abs(trained.errors)))
        entries.append(as_prices(trained.model, device, SOURCE.format(name=name), noise))
    space = {"name": "supershaper", "options": {"merged": False}}
    document = {"schema_version": SCHEMA_VERSION, "space": space, "quantity": "latency_s", "devices": entries}
    arguments.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
