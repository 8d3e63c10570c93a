"""Verdicts on histories with known truth: what each means, and what tells the machine from the code."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, Literal

import numpy as np
import pytest

from hwcost.errors import UnknownNameError, UsageError
from hwcost.history import Policy
from hwcost.stores.entries import Acceptance, Confirmation
from tests.history.histories import History

SLOWER = math.log1p(0.06)


def confirmation(
    history: History, i: int, outcome: Literal["confirmed", "refuted", "ambiguous"], run: int, before: int | None = None
) -> Confirmation:
    good = run - 1 if before is None else before
    return Confirmation(
        series_key=history.key(i), run_id=f"run{run:03d}", before_run_id=f"run{good:03d}", outcome=outcome,
        log_ratio=0.06, half_width=0.01, how="worktree",
    )  # fmt: skip


def test_a_quiet_history_is_ok_and_says_so_in_one_sentence() -> None:
    judged = History().judged()
    assert Counter(one.verdict for one in judged.values()) == {"ok": 12}
    assert all(one.reason.endswith(".") and one.first_bad is None for one in judged.values())


def test_a_slow_down_is_an_alarm_with_its_range_until_it_was_measured_again() -> None:
    history = History()
    history.y[3, 22:] += SLOWER
    alarm = history.judged()["net003"]
    assert (alarm.verdict, alarm.is_alarm, alarm.is_confirmed) == ("regressed", True, False)
    assert alarm.ratio == pytest.approx(1.06, abs=0.02)
    assert alarm.low is not None
    assert alarm.high is not None
    assert alarm.low < 1.06 < alarm.high
    assert alarm.first_bad is not None
    assert alarm.first_bad.last_good < "run022" <= alarm.first_bad.first_bad
    assert alarm.first_bad.bad_commit is not None
    assert alarm.first_bad.bad_commit[:10] in alarm.reason
    assert "not measured again yet" in alarm.reason
    confirmed = history.judged(confirmation(history, 3, "confirmed", 22))["net003"]
    assert (confirmed.verdict, confirmed.is_confirmed, confirmed.is_alarm) == ("regressed", True, False)
    assert history.judged(confirmation(history, 3, "ambiguous", 22))["net003"].verdict == "ambiguous"
    refuted = history.judged(confirmation(history, 3, "refuted", 22))["net003"]
    assert refuted.verdict == "ok"
    assert "not found" in refuted.reason
    assert [one.verdict for name, one in history.judged().items() if name != "net003"] == ["ok"] * 11


def test_a_confirmation_is_of_the_change_between_the_codes_that_it_compared() -> None:
    history = History()
    history.y[3, 22:] += SLOWER
    assert history.judged(confirmation(history, 3, "refuted", 29, before=12))["net003"].verdict == "ok"
    for run, before in ((15, 8), (29, 25)):
        assert history.judged(confirmation(history, 3, "refuted", run, before))["net003"].is_alarm


def test_faster_is_improved_and_a_slow_down_that_was_mended_is_ok() -> None:
    history = History()
    history.y[2, 20:] -= SLOWER
    history.y[5, 10:20] += SLOWER
    judged = history.judged()
    assert (judged["net002"].verdict, judged["net005"].verdict) == ("improved", "ok")
    assert "back at an earlier level" in judged["net005"].reason


def test_the_baseline_never_follows_a_slow_down_by_itself() -> None:
    history = History(nights=60)
    history.y[1, 20:] += SLOWER
    history.y[1, 40:] -= SLOWER / 2  # half of it is mended
    assert history.judged(policy=Policy(least_nights=5)).get("net001") is not None
    found = history.judged()["net001"]
    assert found.verdict == "regressed"
    assert found.ratio == pytest.approx(math.exp(SLOWER / 2), abs=0.012)


def test_a_confirmed_regression_is_not_forgotten_when_its_night_is_long_ago() -> None:
    history = History(nights=100)
    history.y[1, 20:] += SLOWER
    assert history.judged()["net001"].verdict == "ok"  # no night before it is looked at any more
    old = history.judged(confirmation(history, 1, "confirmed", 20))["net001"]
    assert (old.verdict, old.is_confirmed) == ("regressed", True)
    accepted = Acceptance(run_id="run020", author="ann", reason="more accurate", workload="net001")
    assert history.judged(confirmation(history, 1, "confirmed", 20), accepted)["net001"].verdict == "ok"


def test_an_accepted_change_breaks_the_baseline_of_what_it_names() -> None:
    history = History()
    history.y[[1, 2], 20:] += SLOWER
    accepted = Acceptance(run_id="run020", author="ann", reason="more accurate", workload="net001")
    judged = history.judged(accepted)
    assert (judged["net001"].verdict, judged["net002"].verdict) == ("ok", "regressed")
    assert judged["net001"].acceptance == accepted
    late = Acceptance(run_id="run027", author="ann", reason="more accurate", workload="net00*")
    found = history.judged(late)["net002"]
    assert found.verdict == "insufficient"
    assert "ann" in found.reason


def test_missing_failed_and_unconfirmed_nights() -> None:
    history = History(statuses={(1, 29): "failed", (2, 29): "invalid", (3, 29): "unconfirmed"})
    judged = history.judged(without=[(4, 29), (4, 28)])
    assert [judged[f"net00{i}"].verdict for i in range(1, 6)] == ["missing", "missing", "ok", "missing", "ok"]
    assert "failed" in judged["net001"].reason
    assert "no estimate" in judged["net004"].reason
    gone = Acceptance(run_id="run028", author="ann", reason="removed", workload="net004")
    assert "net004" not in history.judged(gone, without=[(4, 29), (4, 28)])


def test_unconfirmed_nights_raise_an_alarm_where_they_are_off_by_more_than_they_say() -> None:
    unconfirmed = {(3, night): "unconfirmed" for night in range(22, 30)}
    history = History(statuses=unconfirmed, vague=0.25)
    history.y[3, 22:] += 2 * SLOWER
    found = history.judged()["net003"]
    assert (found.verdict, found.nights, found.unconfirmed) == ("ok", 30, 8)
    assert "8 of 30 nights are unconfirmed, and count less." in found.reason
    history.vague = 0.06
    alarm = history.judged()["net003"]
    assert (alarm.verdict, alarm.unconfirmed) == ("regressed", 8)
    assert alarm.first_bad is not None
    assert "run020" <= alarm.first_bad.first_bad <= "run025"
    assert alarm.ratio == pytest.approx(math.exp(2 * SLOWER), abs=0.03)


def test_a_history_of_unconfirmed_nights_is_judged_once_there_are_many() -> None:
    statuses = {(i, night): "unconfirmed" for i in range(12) for night in range(50)}
    others: Counter[str] = Counter()
    for seed in range(6):
        history = History(nights=50, noise=0.03, vague=0.06, statuses=statuses, seed=seed)
        history.y[3, 30:] += math.log1p(0.12)
        judged = history.judged()
        assert judged.pop("net003").verdict == "regressed"
        others.update(one.verdict for one in judged.values())
    assert others["ok"] >= 0.94 * others.total()
    few = History(nights=6, vague=0.06, noise=0.03, statuses=history.statuses).judged()["net000"]
    assert few.verdict == "insufficient"
    assert "6 nights have a value, 6 of them unconfirmed" in few.reason


def test_a_night_on_which_hardly_anything_is_confirmed_hides_and_makes_no_change() -> None:
    history = History(n=12, nights=30, vague=0.2)
    rng = np.random.default_rng(2)
    for night in (25, 27, 29):
        busy = rng.permutation(12)[:10]
        history.statuses |= {(int(i), night): "unconfirmed" for i in busy}
        history.y[busy, night] += 0.1 + rng.normal(0, 0.1, 10)
    history.y[5, 20:] += SLOWER
    verdicts = {name: one.verdict for name, one in history.judged().items() if one.verdict not in ("ok", "ambiguous")}
    assert verdicts == {"net005": "regressed"}
    assert history.device().verdict == "ok"


def test_too_few_nights_are_insufficient_and_a_wild_history_is_ambiguous() -> None:
    assert {one.verdict for one in History(nights=4).judged().values()} == {"insufficient"}
    history = History()
    history.y[0] += np.random.default_rng(5).normal(0, 0.08, 30)
    assert history.judged()["net000"].verdict == "ambiguous"


def test_one_slow_night_is_ambiguous_and_the_next_tells() -> None:
    history = History()
    history.y[0, -1] += 0.15
    found = history.judged()["net000"]
    assert found.verdict == "ambiguous"
    assert "next one tells" in found.reason
    history.y[0, -1] -= 0.15
    history.y[0, -2] += 0.15
    assert history.judged()["net000"].verdict == "ok"


def test_verdicts_at_an_earlier_run() -> None:
    history = History()
    history.y[3, 22:] += SLOWER
    assert history.judged(at="run020")["net003"].verdict == "ok"
    with pytest.raises(UnknownNameError, match="run 'run999'"):
        history.judged(at="run999")


# -- the level that all series of a device share -----------------------------------------------------------------------


def test_what_all_share_from_night_to_night_hides_no_change_and_makes_none() -> None:
    history = History(n=40, nights=60)
    history.y += np.random.default_rng(1).normal(0, 0.05, 60)
    history.y[7, 50:] += SLOWER
    judged = history.judged()
    assert {name: one.verdict for name, one in judged.items() if one.verdict != "ok"} == {"net007": "regressed"}


@pytest.mark.parametrize("moves", [True, False])
def test_a_shift_of_everything_is_said_once_and_anchors_tell_the_cause(moves: bool) -> None:
    history = History(n=40, anchors=2)
    history.y[:38, 20:] += SLOWER
    if moves:
        history.y[38:, 20:] += SLOWER
    assert {one.verdict for one in history.judged().values()} == {"ok"}
    device = history.device()
    assert (device.cause, device.verdict) == (("machine", "ok") if moves else ("code", "regressed"))
    assert device.ratio == pytest.approx(1.06, abs=0.01)
    assert device.is_alarm is not moves


@pytest.mark.parametrize("direction", [1, -1])
def test_anchors_that_a_policy_names_have_no_verdict_of_their_own_when_the_code_moves_all_others(direction: int) -> None:
    history = History(n=40)
    history.y[:38, 20:] += direction * SLOWER
    policy = Policy.of([{"workload": "net038", "anchor": True}, {"workload": "net039", "anchor": True}])
    verdicts = {name: one.verdict for name, one in history.judged(policy=policy).items()}
    assert verdicts == {f"net{i:03d}": "ok" for i in range(38)}
    device = history.device(policy=policy)
    assert (device.cause, device.verdict) == ("code", "regressed" if direction > 0 else "improved")
    assert device.n_series == 38
    assert device.ratio == pytest.approx(math.exp(direction * SLOWER), abs=0.01)


def test_without_anchors_the_same_commit_is_the_machine_and_others_are_ambiguous_until_measured_again() -> None:
    history = History(n=40)
    history.y[:, 20:] += SLOWER
    assert (history.device().cause, history.device().verdict) == ("unknown", "ambiguous")
    for outcome, verdict in (("confirmed", "regressed"), ("refuted", "ok")):
        answer: Any = confirmation(history, 0, outcome, 20)  # type: ignore[arg-type]
        answer = answer.model_copy(update={"series_key": history.device().key})
        assert history.device(answer).verdict == verdict
    runs = history.runs
    same = [run.model_copy(update={"code": runs[0].code}) for run in runs]
    history.__class__ = type("Same", (History,), {"runs": property(lambda self: same)})
    assert (history.device().cause, history.device().verdict) == ("machine", "ok")


def test_a_latest_night_that_is_slower_for_all_is_said_of_the_device() -> None:
    history = History(n=40)
    assert not history.device().ratio
    history.y[:, -1] += 10 * SLOWER
    device = history.device()
    assert (device.verdict, device.cause, device.is_alarm) == ("ambiguous", None, False)
    assert device.ratio == pytest.approx(math.exp(10 * SLOWER), rel=0.02)
    assert "All 40 series: the latest night is" in device.reason
    assert "next one tells" in device.reason
    runs = history.runs
    same = [*runs[:-1], runs[-1].model_copy(update={"code": runs[-2].code})]
    history.__class__ = type("Same", (History,), {"runs": property(lambda self: same)})
    assert (history.device().verdict, history.device().cause) == ("ok", "machine")
    assert "the machine or its software" in history.device().reason


def test_a_change_of_the_code_is_seen_behind_an_earlier_one_of_the_machine() -> None:
    history = History(n=40, anchors=3, nights=60)
    history.y[:, 20:] += 2 * SLOWER
    history.y[:37, 45:] += SLOWER
    device = history.device()
    assert (device.cause, device.verdict) == ("code", "regressed")
    assert device.ratio == pytest.approx(1.06, abs=0.01)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.8])
def test_what_slows_a_part_is_theirs_and_makes_nobody_faster(share: float) -> None:
    history = History(n=50, nights=40)
    slower = round(share * 50)
    history.y[:slower, 30:] += SLOWER
    verdicts = Counter(one.verdict for one in history.judged().values())
    assert verdicts == {"regressed": slower, "ok": 50 - slower}
    assert history.device().verdict == "ok"


# -- policy ------------------------------------------------------------------------------------------------------------


def test_rules_by_pattern_override_each_other_field_by_field() -> None:
    history = History(noise=0.003)
    history.y[[1, 2], 20:] += math.log1p(0.02)
    first: dict[str, Any] = {"workload": "net00*", "least": 0.01, "owner": "ann"}
    rules = [first, {"workload": "net002", "least": 0.05}]
    judged = history.judged(policy=Policy.of(rules))
    assert (judged["net001"].verdict, judged["net002"].verdict) == ("regressed", "ok")
    assert (judged["net002"].owner, judged["net011"].owner) == ("ann", "")
    turned = history.judged(policy=Policy.of([{"least": 0.01, "worse": "lower"}]))
    assert turned["net001"].verdict == "improved"


@pytest.mark.parametrize("rule", [{"lest": 0.01}, {"least": -1.0}, {"worse": "up"}, {"least": "3 %"}])
def test_a_wrong_rule_is_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="rule 1 of the policy: .*Known fields: workload, device"):
        Policy.of([rule])
