"""One process of a run: takes a task on stdin, measures its workloads, and writes events as JSON lines.

The events are those of ``hwcost.timing.processes.worker``. What libraries print goes to stderr.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Iterator

from . import devices, machine, processors, timer
from .errors import AgentError, ContextLostError, UsageError
from .groups import Groups
from .job_process import JobProcess
from .pipe import Pipe

RUNTIMES = ("torch", "onnxruntime", "null")


def main() -> int:
    """Runs the task on stdin; the exit status is 0 also when a workload failed, since that is a result.

    A process that has lost its device ends as one that died, so that another one goes on.
    """
    pipe = Pipe()
    try:
        return pipe.tell(work(json.loads(sys.stdin.readline())))
    except ContextLostError as error:
        sys.stderr.write("%s\n" % error)
        return error.exit_code
    except AgentError as error:
        pipe.send({"event": "error", "exit_code": error.exit_code, "text": str(error)})
    return 0


def work(task: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Measures the workloads of a task and yields its events; the next pass begins when the next event is asked for."""
    job = task["job"]
    timer.share_epoch(task["epoch_s"])
    if task["cpus"]:
        processors.bind(task["cpus"])
    device = devices.find(job["device"])
    runtime = runtime_of(job, task["folder"], device)
    runtime.round = task["round"]
    facts = machine.facts(device.facts, runtime.versions(), devices.of_process(device))
    facts["settings"]["exclusive"] = task["is_exclusive"]
    yield {"event": "environment", "round": task["round"], "round_s": task["round_s"], **facts}
    counters = device.counters() if runtime.uses_processor else devices.Counters([])
    tasks = list(zip(task["workloads"], task["positions"]))
    yield from Groups(JobProcess(task, runtime, counters), tasks).events()


def runtime_of(job: dict[str, Any], folder: str, device: Any) -> Any:
    """Makes the runtime of a job.

    Raises:
        UsageError: When the runner knows no such runtime, or it is not installed.
    """
    name = job["backend"]
    try:
        if name == "torch":
            from .torch_runtime import TorchRuntime

            return TorchRuntime(job, folder, device)
        if name == "onnxruntime":
            from .onnx_runtime import OnnxRuntime

            return OnnxRuntime(job, folder, device)
    except ImportError as error:
        raise UsageError("the runtime of this job, %s, cannot be imported: %s" % (name, error)) from None
    if name == "null":
        from .null_runtime import NullRuntime

        return NullRuntime(job, folder, device)
    raise UsageError("unknown runtime '%s'. Known: %s" % (name, ", ".join(RUNTIMES)))
