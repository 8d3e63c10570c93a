"""What cannot be trusted stands at the head of a report, wherever in the results it was found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from hwcost.systems.campaign_notes import CampaignNote
from hwcost.systems.doubts import doubts
from hwcost.systems.fits import Fit
from hwcost.systems.latencies import ComparedLatency, Latency, LatencyFit
from hwcost.systems.learnt import Learnt, RelationsLearnt, WordsLearnt


@dataclass(frozen=True)
class Stage:
    nets: dict[str, Latency]
    fits: list[Fit]


@dataclass(frozen=True)
class Memory(Fit):
    quantity = "peak memory"


@dataclass(frozen=True)
class Both(LatencyFit):
    memory: Memory | None = None


@dataclass(frozen=True)
class Taught:
    learnt: Learnt | None


def fit(r2: float | None = 0.99) -> LatencyFit:
    return LatencyFit(30, {"r2": r2, "mape": 7.5}, [], [], [])


def note(*flags: str, stage: str = "profile", void: int = 0, reason: str | None = None) -> CampaignNote:
    return CampaignNote(stage=stage, workloads=40, void=void, reason=reason, flags=list(flags))


def told(*notes: CampaignNote) -> list[str]:
    return doubts({"search": Stage({}, [])}, False, notes)


def latency(seconds: float | None = 1.0, low: float | None = 0.99, high: float | None = 1.01) -> Latency:
    return Latency(measured_s=seconds, measured_low_s=low, measured_high_s=high)


def compared(inside: bool) -> ComparedLatency:
    ends = dict.fromkeys(("predicted_low_s", "predicted_high_s", "at_level_s", "at_level_low_s", "at_level_high_s"), 1.0)
    return ComparedLatency(
        measured_s=1.0, measured_low_s=0.99, measured_high_s=1.01, predicted_s=1.0, in_interval=inside, **ends
    )


def found(*nets: Latency, fits: tuple[Fit, ...] = ()) -> list[str]:
    return doubts({"search": Stage({str(number): net for number, net in enumerate(nets)}, list(fits))}, False)


LATENCY = "model of latency of stage search explains 0.47 of the differences between 30 nets (R2 0.47), with a mean error"
PEAK_MEMORY = "model of peak memory of stage search explains 0.50 of the differences between 12 nets (R2 0.50)"


def test_a_run_without_fault_has_no_doubts() -> None:
    assert found(latency(), compared(True), fits=(fit(), fit(None))) == []
    assert told(note("W_VIRTUAL: a virtual machine", "I_SHARED: read only")) == []
    assert found(latency(None, None, None)) == []  # not measured, as where a cost model is given and the device is not here


def test_a_rehearsal_says_so_first() -> None:
    assert "rehearses" in doubts({"search": Stage({}, [fit(0.1)])}, True)[0]
    assert len(doubts({"search": Stage({}, [fit(0.1)])}, True)) == 2


@pytest.mark.parametrize(
    ("nets", "fits", "said"),
    [
        ((), (fit(0.47),), LATENCY),
        ((), (fit(-0.44),), "explains nothing of the differences between 30 nets (R2 -0.44)"),
        ((), (Memory(12, {"r2": 0.5}),), PEAK_MEMORY),
        ((), (Both(30, {"r2": 0.99}, [], [], [], memory=Memory(12, {"r2": 0.5})),), PEAK_MEMORY),
        ((latency(1.0, None, None),), (), "1 have no interval"),
        ((latency(1.0, 0.9, 1.1), latency(), latency()), (), "Of 3 latencies that stage search measured, 1 have an"),
        ((compared(True), compared(False)), (), "Only 1 of 2 winners of stage search lie in the 90 % interval"),
    ],
    ids=["fit", "no fit", "another quantity", "within another", "no interval", "wide", "outside"],
)
def test_every_doubt_names_its_stage_and_number(nets, fits, said) -> None:
    (one,) = found(*nets, fits=fits)
    assert said in one


UNSTABLE = "W_UNSTABLE_HOST: 23 % of the blocks were slowed, by 12 % on average. Stop what else runs here."
MIXED = "W_CONFOUNDED: size follows order (0.8). Measure again in random order."
DRIFT = "W_DRIFT: the level moved by 1.7 %; it was taken out. More rounds make up for it."


@pytest.mark.parametrize(
    ("notes", "said"),
    [
        ((note(UNSTABLE),), f"While stage profile measured: {UNSTABLE}"),
        ((note("W_VIRTUAL: a virtual machine", MIXED, stage="winners"),), f"While stage winners measured: {MIXED}"),
        ((note("E_NULL_EFFECT: all alike."),), "While stage profile measured: E_NULL_EFFECT: all alike."),
        (
            (note(), note(MIXED), note(MIXED.replace("0.8", "0.9"))),
            f"While stage profile measured, 2 of 3 campaigns: {MIXED}",
        ),
        (
            (note(void=3, reason="E_FOREIGN: another process."), note(void=1)),
            "Of 80 workloads that stage profile measured, 4 are void. E_FOREIGN: another process.",
        ),
        ((note(void=1),), "Of 40 workloads that stage profile measured, 1 are void: no visit was usable."),
    ],
    ids=["unstable", "confounded", "error", "several campaigns", "void", "without a reason"],
)  # fmt: skip
def test_what_a_campaign_says_of_itself_is_a_doubt_of_its_stage(notes, said) -> None:
    assert told(*notes) == [said]


def test_a_level_that_was_taken_out_is_no_doubt() -> None:
    assert told(note(DRIFT)) == []


def test_what_was_measured_in_doubt_stands_before_the_fits_that_rest_on_it() -> None:
    taught = {"first": Taught(WordsLearnt("teacher", 6.25, 6.24, -0.02)), "search": Stage({}, [fit(0.47)])}
    learnt, machine, fitted = doubts(taught, False, [note(UNSTABLE)])
    assert "has learnt nothing" in learnt
    assert UNSTABLE in machine
    assert LATENCY in fitted


def test_nets_that_differ_too_little_are_told_so_with_the_half_width_that_tells_them_apart() -> None:
    logs = np.random.default_rng(0).normal(-4.0, 1.0, 30)
    seconds = np.exp(-4.0 + 0.05 * (logs - logs.mean()) / logs.std(ddof=1)).tolist()
    (one,) = found(fits=(LatencyFit(30, {"r2": 0.48}, seconds, seconds, []),))
    assert "differ by 5 % (standard deviation): half-widths of 3.1 % or less would tell them apart." in one
    assert "tell them apart" not in found(fits=(fit(0.48),))[0]


@pytest.mark.parametrize(
    ("learnt", "said"),
    [
        (WordsLearnt("teacher", 6.25, 6.24, -0.02), "teacher of stage first has learnt nothing that shows: masked words"),
        (WordsLearnt("base net", 6.20, 6.24, -0.01), "a loss of 6.20 nats, and 6.24 by the frequencies of words alone"),
        (RelationsLearnt("largest net", 3.9e-6, 4.4e-6, 4.5e-6), "3.90e-06, and was 4.50e-06 before it was distilled; a"),
        (RelationsLearnt("largest net", 7e-4, 9e-4, 7.5e-4), "relates all words alike has 9.00e-04. So what is selected by"),
    ],
    ids=["worse", "not clearly better", "alike", "untrained"],
)
def test_a_net_that_has_learnt_nothing_is_the_first_doubt(learnt, said) -> None:
    results = {"zeroth": Stage({}, [fit(0.47)]), "first": Taught(learnt)}
    first, second = doubts(results, False)
    assert said in first
    assert LATENCY.replace("search", "zeroth") in second


@pytest.mark.parametrize(
    "learnt",
    [None, WordsLearnt("teacher", 6.15, 6.24, 0.05), RelationsLearnt("largest net", 4.5e-4, 9e-4, 8.8e-4)],
    ids=["not known", "words", "relations"],
)
def test_a_net_that_has_learnt_is_no_doubt(learnt) -> None:
    assert doubts({"first": Taught(learnt)}, False) == []


def test_a_rehearsal_needs_no_word_on_what_nets_have_learnt() -> None:
    assert len(doubts({"first": Taught(WordsLearnt("teacher", 6.25, 6.24, -0.02))}, True)) == 1
