"""The rounds of a run: each in a fresh process, and another one where it dies; nothing that has results is repeated."""

from __future__ import annotations

from collections import Counter
from typing import Any, Callable

from . import devices
from .cores import Cores
from .errors import AgentError
from .job_process import failure
from .memory import free_bytes
from .results import Results
from .timer import stopwatch
from .worker_process import WorkerEndedError, WorkerProcess, WorkerStalledError

MEMORY_SHARE = 0.3


class Rounds:
    """Measures the rounds of a job that are not done yet.

    Args:
        folder: Folder of the job.
        job: The job.
        results: Its results, open.
        say: Function that takes a line for the user.
        budget_s: Seconds that the rounds to come share; None for as long as the protocol asks for.
    """

    def __init__(
        self, folder: str, job: dict[str, Any], results: Results, say: Callable[[str], None], budget_s: float | None = None
    ) -> None:
        self._folder, self._job, self._results, self._say = folder, job, results, say
        self._budget_s, self._elapsed = budget_s, stopwatch()
        self._memory_bytes: int | None = None
        self._deaths: Counter[str] = Counter()
        for number, place in ((e["round"], e["position"]) for e in results.events if e["event"] == "died"):
            self._deaths[self._order(number)[place]] += 1

    def run(self, rounds: list[dict[str, Any]], cores: Cores | None) -> None:
        """Measures what is left of every round.

        Args:
            rounds: Number and order of each round.
            cores: CPUs that the run holds; None where the runtime needs none.
        """
        device = devices.find(self._job["device"])
        for place, one in enumerate(rounds):
            number, order = one["number"], one["order"]
            if not any(e["event"] == "round" and e["number"] == number for e in self._results.events):
                self._results.add({"event": "round", "number": number, "order": order})
            self._fail_stalled(number, order)
            while self._left(number, order):
                self._process(number, order, device, cores, len(rounds) - place)
                self._fail_stalled(number, order)
                if self._is_late():
                    return

    def _is_late(self) -> bool:
        """Says whether the budget ends a run whose workloads are measured one after another."""
        is_over = self._budget_s is not None and self._elapsed() >= self._budget_s
        return is_over and self._job["arrival"]["kind"] != "back-to-back"

    def _order(self, number: int) -> list[str]:
        return next(e["order"] for e in self._results.events if e["event"] == "round" and e["number"] == number)

    def _left(self, number: int, order: list[str]) -> list[int]:
        """Returns the positions of a round that have no results: neither timed blocks of a process of before, nor a failure.

        Workloads that are timed in turn are measured once a round, also where they stand in its order several times.
        """
        alone = self._job["arrival"]["kind"] != "back-to-back"
        done = positions(self._results.events, number) if alone else keys(self._results.events, number)
        first = {key: position for position, key in reversed(list(enumerate(order)))}
        if alone:
            return [position for position in range(len(order)) if position not in done]
        return sorted(position for key, position in first.items() if key not in done)

    def _process(self, number: int, order: list[str], device: Any, cores: Cores | None, to_go: int) -> None:
        left = self._left(number, order)
        round_s = None
        if self._budget_s is not None:
            round_s = max(0.0, self._budget_s - self._elapsed()) / to_go
        task = {
            "folder": self._folder, "job": {**self._job, "workloads": {}, "campaign": {}}, "round": number,
            "positions": left, "workloads": [self._workload(order[place]) for place in left], "round_s": round_s,
            "memory_bytes": self._memory_bytes, "cpus": cores.cpus if cores and self._job["pin"] else None,
            "is_exclusive": bool(cores and cores.is_exclusive),
        }  # fmt: skip
        age = stopwatch()
        try:
            with WorkerProcess(task, device.environment()) as worker:
                for event in worker.events():
                    self._results.add({**event, "elapsed_s": age()})
                    self._report(event, number, len(left))
            self._results.add({"event": "done", "round": number})
        except WorkerEndedError as error:
            self._after_end(error, number, order)
            return
        if not self._is_late() and self._left(number, order) == left:
            raise AgentError("the measuring process ended without a visit of %d workloads. Report this" % len(left))

    def _workload(self, key: str) -> dict[str, Any]:
        return {**self._job["workloads"][key], "key": key}

    def _after_end(self, error: WorkerEndedError, number: int, order: list[str]) -> None:
        """Lets the workload that was in hand be tried once more, in groups of half the memory, unless it has failed.

        It has failed at the second death of its process, and as soon as one stalls. The failure is written before the end of
        the process, so that whoever reads the end knows whose passes do not count.
        """
        if error.position is None:
            raise error
        key = order[error.position]
        self._deaths[key] += 1
        self._memory_bytes = self._memory_bytes // 2 if self._memory_bytes else int(MEMORY_SHARE * free_bytes())
        if self._deaths[key] >= error.attempts:
            self._say("%s has failed: %s" % (self._job["workloads"][key]["name"], error))
            self._results.add(failure(key, number, error.position, error.code, str(error), error.remedy))
        self._results.add({"event": "died", "round": number, "position": error.position, "text": str(error)})

    def _fail_stalled(self, number: int, order: list[str]) -> None:
        """Lets workloads that stalled before fail at once wherever they are still to be measured: each try takes long."""
        known = stalled(self._results.events)
        for position in self._left(number, order):
            flag = known.get(order[position])
            if flag is not None:
                text = "it was not tried again, since in an earlier process %s" % flag["text"]
                self._results.add(failure(order[position], number, position, flag["code"], text, flag["remedy"]))

    def _report(self, event: dict[str, Any], number: int, workloads: int) -> None:
        if event["event"] == "prepared":
            self._say("round %d: preparing %s" % (number + 1, event["name"]))
        elif event["event"] == "pass":
            self._say("round %d: pass %d over %d of %d workloads" % (
                number + 1, event["pass"], len({one["workload_key"] for one in event["blocks"]}), workloads,
            ))  # fmt: skip


def stalled(events: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """Returns the flag of every workload whose process stalled, by its key."""
    found: dict[str, dict[str, str]] = {}
    for event in events:
        if event["event"] == "visit" and event["visit"]["flags"][0]["code"] == WorkerStalledError.code:
            found.setdefault(event["visit"]["workload_key"], event["visit"]["flags"][0])
    return found


def keys(events: list[dict[str, Any]], number: int) -> set[str]:
    """Returns the workloads that have timed blocks, or have failed, in a round."""
    found, current = set(), None
    for event in events:
        if event["event"] == "environment":
            current = event["round"]
        elif event["event"] == "visit" and event["visit"]["round"] == number:
            found.add(event["visit"]["workload_key"])
        elif event["event"] == "pass" and current == number:
            found.update(block["workload_key"] for block in event["blocks"] if block["role"] == "timed")
        elif event["event"] == "deferred" and current == number:
            found.discard(event["workload_key"])
    return found


def positions(events: list[dict[str, Any]], number: int) -> set[int]:
    """Returns the positions of a round that have timed blocks or have failed, where each is measured by itself."""
    found, current, places = set(), None, {}
    for event in events:
        if event["event"] == "environment":
            current, places = event["round"], {}
        elif event["event"] == "prepared":
            places[event["group"]] = event["position"]
        elif event["event"] == "visit" and event["visit"]["round"] == number:
            found.add(event["visit"]["position"])
        elif event["event"] == "pass" and current == number and event["group"] in places:
            found.add(places[event["group"]])
    return found
