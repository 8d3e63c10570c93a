"""What the runner does with a workload that fails beside others: memory that runs out, and a card that the process loses."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest

from hwcost.agent import rounds
from hwcost.agent.blocks import BlockReading
from hwcost.agent.devices import Counters
from hwcost.agent.errors import ContextLostError
from hwcost.agent.groups import Groups
from hwcost.agent.job_process import JobProcess
from hwcost.agent.null_runtime import NullRunner, NullRuntime
from hwcost.agent.timer import campaign_s
from hwcost.campaign.rounds.journal import visits_of_events
from hwcost.timing.protocol import protocol

WORKS = [
    ({"name": f"w{place}", "key": f"key{place}", "law_s": 1e-3 * (1 + place), "bound_s": None, "hot_cache": {}}, place)
    for place in range(4)
]


class Failing(NullRuntime):
    """A device on which the third workload fails after some blocks, while all are held.

    Args:
        error: Error that it raises.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__({"backend_options": {}}, "", None)
        self.error, self.held = error, 0

    def prepare(self, workload: dict[str, Any]) -> NullRunner:
        runner = super().prepare(workload)
        run, blocks = runner.run, itertools.count()
        self.held += 1

        def short(calls: int) -> None:
            if workload["name"] == "w2" and self.held == len(WORKS) and next(blocks) > 12:
                raise self.error
            run(calls)

        runner.run = short  # type: ignore[method-assign]
        runner.close = lambda: setattr(self, "held", self.held - 1)  # type: ignore[method-assign]
        return runner


def groups(runtime: NullRuntime, *providers: Any, **how: Any) -> Groups:
    job = {
        "protocol": protocol("quick", **how).to_dict(), "seed": 0, "arrival": {"kind": "back-to-back", "every_s": 0.0},
        "device": {"cache_bytes": 1},
    }  # fmt: skip
    limits = {"round_s": None, "memory_bytes": 1 << 40, "current_fd": None, "began_s": campaign_s()}
    return Groups(JobProcess({"job": job, "round": 0, **limits}, runtime, Counters(list(providers))), WORKS)


def test_memory_that_runs_out_in_a_pass_makes_smaller_groups() -> None:
    runtime = Failing(RuntimeError("CUDA out of memory"))
    events = list(groups(runtime).events())
    prepared = [(event["group"], event["name"]) for event in events if event["event"] == "prepared"]
    assert [one for one in prepared if one[0]] == [(1, "w2")]
    assert [event["workload_key"] for event in events if event["event"] == "deferred"] == ["key2"]
    assert not any(event["event"] == "visit" for event in events)
    seen = visits_of_events(events, protocol("quick"))
    assert Counter(one.workload_key for one in seen) == Counter(work["key"] for work, _ in WORKS)
    assert all(one.is_usable for one in seen)
    assert runtime.held == 0


def test_a_card_is_never_filled_to_its_last_byte() -> None:
    """Else each block would begin with torch's search for memory, which takes longer than a call."""
    runtime = Failing(RuntimeError())

    class Card:
        def free_bytes(self) -> int:
            return 100 - 30 * runtime.held

        def after_block(self) -> BlockReading:
            return BlockReading()

        def __getattr__(self, name: str) -> Any:
            return dict

    runtime.kept_bytes = lambda: 2  # type: ignore[attr-defined]
    events = list(groups(runtime, Card()).events())
    assert [event["group"] for event in events if event["event"] == "prepared"] == [0, 0, 1, 1]
    assert not any(event["event"] == "visit" for event in events)


def test_caches_that_cannot_be_emptied_fail_the_workload_and_say_what_to_do() -> None:
    events = list(groups(Failing(RuntimeError()), cache="cold").events())
    assert [event["event"] for event in events] == ["visit"] * len(WORKS)
    assert {event["visit"]["flags"][0]["text"] for event in events} == {
        "the caches of this device cannot be emptied with this backend; measure with the policy 'hot'"
    }


def test_a_workload_that_was_put_off_is_measured_by_the_next_process_when_this_one_dies() -> None:
    events = [{"event": "environment", "round": 0}, *groups(Failing(MemoryError())).events()]
    told = events[: 1 + next(place for place, event in enumerate(events) if event["event"] == "deferred")]
    assert rounds.keys(told, 0) == {"key0", "key1", "key3"}


def test_a_process_that_loses_its_card_ends_and_blames_no_further_workload() -> None:
    class Lost(Failing):
        def check_alive(self) -> None:
            raise ContextLostError("the process has lost its card: CUDA error")

    events: list[dict[str, Any]] = []
    with pytest.raises(ContextLostError):
        events.extend(groups(Lost(RuntimeError("an illegal memory access"))).events())
    code = (
        "import sys\nfrom hwcost.agent import errors, worker\ndef work(task):\n    raise errors.ContextLostError('gone')\n"
        "    yield\nworker.work = work\nsys.exit(worker.main())"
    )
    done = subprocess.run([sys.executable, "-c", code], input="{}\n", capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "gone\n"), "its parent takes it for a death"
