"""Resolves a factory's workload in a process of its own, so that nothing of the user's model stays in the one that plans.

The process runs :mod:`hwcost.workloads.factory_child`.
"""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

from hwcost import errors
from hwcost._imports import interpreter, module_paths
from hwcost.errors import HwcostError, MeasurementError

if TYPE_CHECKING:
    from hwcost.workloads.factory import FactoryWorkload

TIMEOUT_S = 600.0
"""Seconds after which a factory that has not returned counts as failed."""


def probed(workload: FactoryWorkload, defaults: dict[str, Any]) -> FactoryWorkload:
    """Returns ``workload.described(defaults)`` from a fresh process; the workload as it is when its factory fails there.

    Raises:
        UsageError: When the child reports one.
    """
    found = _answer(workload, defaults)
    if type(found) is MeasurementError:
        return workload
    if isinstance(found, HwcostError):
        raise found
    return found


def failure(workload: FactoryWorkload, defaults: dict[str, Any]) -> HwcostError | None:
    """Returns why ``workload.described(defaults)`` fails in a fresh process; None where it does not."""
    found = _answer(workload, defaults)
    return found if isinstance(found, HwcostError) else None


def _answer(workload: FactoryWorkload, defaults: dict[str, Any]) -> FactoryWorkload | HwcostError:
    """Returns the resolved workload, or the error that kept it from being resolved."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(module_paths())}
    asked = json.dumps({"workload": workload.as_dict(), "defaults": defaults})
    try:
        done = subprocess.run(
            [*interpreter(), "-m", "hwcost.workloads.factory_child"],
            input=asked, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8", env=environment,
            check=False, timeout=TIMEOUT_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return MeasurementError(f"factory '{workload.factory}' did not return within {TIMEOUT_S:g} s")
    if done.returncode != 0 or not done.stdout.strip():
        return MeasurementError(f"factory '{workload.factory}' ended its process with status {done.returncode}")
    answer = json.loads(done.stdout)
    if "error" not in answer:
        return type(workload).from_fields({name: value for name, value in answer.items() if name != "kind"})
    kind = getattr(errors, answer["error"], HwcostError)
    error: HwcostError = kind.__new__(kind)
    error.args = (answer["text"],)
    return error
