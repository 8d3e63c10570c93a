"""The process in which a factory's workload is resolved, see :mod:`hwcost.workloads.factory_probe`.

It takes the workload and the defaults as JSON on stdin, and writes the resolved workload, or an error, to stdout; what the
user's code prints goes to stderr.
"""

from __future__ import annotations

import json
import os
import sys

from hwcost._imports import reason
from hwcost.errors import HwcostError, MeasurementError
from hwcost.workloads.factory import FactoryWorkload


def main() -> int:
    """Reads a request from stdin, and writes the answer to stdout."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    asked = json.load(sys.stdin)
    fields = {name: value for name, value in asked["workload"].items() if name != "kind"}
    try:
        answer = FactoryWorkload.from_fields(fields).described(asked["defaults"]).as_dict()
    except HwcostError as error:
        answer = {"error": type(error).__name__, "text": str(error)}
    except Exception as error:  # whatever else torch finds wrong in what the user's code made
        text = f"what factory '{fields['factory']}' returned cannot be used: {reason(error)}"
        answer = {"error": MeasurementError.__name__, "text": text}
    json.dump(answer, answers)
    answers.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
