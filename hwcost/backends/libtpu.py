"""Whether a TPU answers, asked in a process of its own: libtpu without a TPU, or with a busy one, waits for minutes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from hwcost.errors import DeviceError

PROBE = "import torch_xla; from torch_xla.core import xla_model; print(xla_model.xla_device_hw(torch_xla.device()))"
"""Program that starts libtpu, and prints the kind of device that it found."""

REMEDY = (
    "Look whether a TPU is here ('hwcost devices detect'), libtpu is installed (pip install 'hwcost[tpu]'), and no other "
    "process uses it."
)


def check_answers(limit_s: float) -> None:
    """Starts libtpu in another process, which sees the same devices as this one.

    Args:
        limit_s: Seconds after which that process is killed.

    Raises:
        DeviceError: When no TPU answers in time, or libtpu fails; gives the reason that it printed.
    """
    with subprocess.Popen(
        [sys.executable, "-c", PROBE],
        env=os.environ | {"PJRT_DEVICE": "TPU"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            said, printed = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise DeviceError(
                f"libtpu did not answer within {limit_s:g} s: it found no TPU, or waits for one that is in use. {REMEDY} "
                "A host that needs longer to start gets more with --backend-option probe_s=120."
            ) from None
    if process.returncode or said.split()[-1:] != ["TPU"]:
        lines = [line for line in printed.splitlines() if line.strip()]
        reason = lines[-1].strip()[:400] if lines else f"it found {said.strip() or 'nothing'}"
        raise DeviceError(f"libtpu cannot use a TPU: {reason}. {REMEDY}")
