"""Machines that are elsewhere: job folders that they measure, their results as records here, and ways to reach them."""

from __future__ import annotations

from hwcost.elsewhere.folder import JobFolder, write_folder
from hwcost.elsewhere.importing import Import, import_results, is_results
from hwcost.elsewhere.measure import admit, measure_on

__all__ = ["Import", "JobFolder", "admit", "import_results", "is_results", "measure_on", "write_folder"]
