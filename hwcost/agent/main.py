"""The command line of the runner: ``python run.py`` measures what is not measured yet, and can be ended at any moment."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from typing import Any

from . import worker
from .cores import Cores
from .errors import AgentError, InterruptedRunError, UsageError
from .results import NAME, Results, stop
from .rounds import Rounds


def main(folder: str) -> int:
    """Runs the job of a folder and returns the exit status.

    Args:
        folder: Folder with ``job.json`` and ``rounds.json``.
    """
    if sys.argv[1:] == ["--worker"]:
        return worker.main()
    options = _options()
    try:
        if options.stop:
            sys.stderr.write("ended\n" if stop(folder) else "nothing runs here\n")
            return 0
        run(folder, options.budget, options.wait, options.quiet, options.stream)
    except AgentError as error:
        sys.stderr.write("error: %s\n" % error)
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; what was measured is kept. Run it again to resume it\n")
        return InterruptedRunError.exit_code
    except OSError as error:  # of the folder: full, read-only, or gone
        what = error.strerror or error
        text = "error: %s: %s. What was measured is kept; run it again to resume it\n"
        sys.stderr.write(text % (error.filename or folder, what))
        return AgentError.exit_code
    sys.stderr.write("done: %s\n" % os.path.join(folder, NAME))
    return 0


def run(
    folder: str, budget_s: float | None = None, wait_s: float = 600.0, quiet: bool = False, stream: bool = False
) -> None:
    """Measures what is left of a job.

    Args:
        folder: Folder of the job.
        budget_s: Seconds that the rounds to come share; None for as long as the protocol asks for.
        wait_s: Seconds to wait for CPUs, or for the job itself, that others hold.
        quiet: Whether nothing is said of the progress.
        stream: Whether every event is written to stdout too, in place of the progress.
    """
    signal.signal(signal.SIGTERM, _interrupted)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a connection that is cut ends nothing

    def say(line: str) -> None:
        if not quiet and not stream:
            _say(sys.stderr, line)

    job = _read(folder, "job.json")
    heard = (lambda event: _say(sys.stdout, json.dumps(event, default=str))) if stream else None
    with Results(folder, job, wait_s, say, heard) as results:
        rounds = _read(folder, "rounds.json")
        made = Rounds(folder, job, results, say, budget_s)
        if job["backend"] == "null":
            made.run(rounds, None)
            return
        with Cores(job["threads"], wait_s, say) as cores:
            made.run(rounds, cores)


def _say(where: Any, line: str) -> None:
    try:
        where.write(line + "\n")
        where.flush()
    except OSError:
        pass  # nobody listens any more; the results are what counts


def _interrupted(number: int, frame: Any) -> None:
    raise KeyboardInterrupt


def _read(folder: str, name: str) -> Any:
    path = os.path.join(folder, name)
    with open(path, encoding="utf-8") as file:
        try:
            return json.load(file)
        except ValueError as error:
            raise UsageError("%s is damaged: %s. Copy the job folder again" % (path, error)) from None


def _options() -> Any:
    parser = argparse.ArgumentParser(description="Measures the job of this folder; run it again to resume it.")
    parser.add_argument("--budget", type=float, metavar="SECONDS", help="time that the rounds share")
    parser.add_argument("--wait", type=float, default=600.0, metavar="SECONDS", help="longest wait for others (600)")
    parser.add_argument("--stream", action="store_true", help="write every event to stdout as well")
    parser.add_argument("--stop", action="store_true", help="end the process that runs this job")
    parser.add_argument("--quiet", action="store_true", help="say nothing of the progress")
    return parser.parse_args()
