"""Resolves a factory's workload in a process of its own, so that nothing of the user's model stays in the one that plans.

The child takes the workload and the defaults as JSON on stdin, and writes the resolved workload, or an error, to stdout;
what the user's code prints goes to stderr.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from hwcost import errors
from hwcost.errors import HwcostError, MeasurementError

if TYPE_CHECKING:
    from hwcost.workloads.factory import FactoryWorkload


def probed(workload: FactoryWorkload, defaults: dict[str, Any]) -> FactoryWorkload:
    """Returns ``workload.described(defaults)`` from a fresh process; the workload as it is when its factory fails there.

    Raises:
        UsageError: When the child reports one.
    """
    from hwcost.workloads.factory import FactoryWorkload

    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)}
    asked = json.dumps({"workload": workload.as_dict(), "defaults": defaults})
    done = subprocess.run(
        [sys.executable, "-m", "hwcost.workloads.factory_probe"],
        input=asked, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8", env=environment,
        check=False,
    )  # fmt: skip
    if done.returncode != 0 or not done.stdout.strip():
        return workload
    answer = json.loads(done.stdout)
    if "error" not in answer:
        return FactoryWorkload.from_fields({name: value for name, value in answer.items() if name != "kind"})
    if answer["error"] == MeasurementError.__name__:
        return workload
    kind = getattr(errors, answer["error"], HwcostError)
    error: HwcostError = kind.__new__(kind)
    error.args = (answer["text"],)
    raise error


def main() -> int:
    """Reads a request from stdin, and writes the answer to stdout."""
    from hwcost.workloads.factory import FactoryWorkload

    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    asked = json.load(sys.stdin)
    fields = {name: value for name, value in asked["workload"].items() if name != "kind"}
    try:
        answer = FactoryWorkload.from_fields(fields).described(asked["defaults"]).as_dict()
    except HwcostError as error:
        answer = {"error": type(error).__name__, "text": str(error)}
    json.dump(answer, answers)
    answers.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
