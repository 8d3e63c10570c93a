"""Comparing arms: verdicts, their correction, matching, environments, and how often they are wrong."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import hwcost
from benchmarks.studies.comparisons import comparison_row
from hwcost.campaign.comparisons.arms import read_arm
from hwcost.campaign.comparisons.campaign_levels import MeasuredCampaign, campaign_level, level_half_width
from hwcost.campaign.comparisons.compare_arms import compare_arms
from hwcost.campaign.comparisons.differences import BAND, differences, holm, verdicts
from hwcost.campaign.comparisons.matching import matches
from hwcost.campaign.estimates import interleaved, uncontended
from hwcost.campaign.estimates.block_model import fit_block_model
from hwcost.campaign.estimates.block_table import BlockTable
from hwcost.campaign.run import Result
from hwcost.cli.main import invoke
from hwcost.errors import DataError, UnknownNameError, UsageError
from hwcost.spaces import space
from hwcost.stores import open_store
from hwcost.timing.measurement import Measurement, Visit
from hwcost.workloads import SyntheticWorkload, Workload, models

pytestmark = pytest.mark.usefixtures("laws_here")

SPACE = space("supershaper")


CALM = (0.0, 0.0, 0.0, 0.0)


def measured(
    work: Workload, latency_s: float | None, half_width: float | None = 0.005, levels: tuple[float, ...] = CALM
) -> Measurement:
    visits = tuple(Visit(work.key, i, 0, ((latency_s or 1.0) * math.exp(level),)) for i, level in enumerate(levels))
    return Measurement(work, "fit", latency_s, half_width, len(levels), visits)


def arm(*latencies_s: float, **more: object) -> list[Measurement]:
    return [measured(SyntheticWorkload(f"w{i}"), value, **more) for i, value in enumerate(latencies_s)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("log_ratio", "half_width", "verdict"),
    [
        (0.03, 0.01, "SLOWER"),
        (-0.03, 0.01, "FASTER"),
        (0.03, 0.025, "AMBIGUOUS"),
        (0.0, 0.005, "SAME"),
        (0.004, 0.008, "AMBIGUOUS"),
        (math.nan, 0.01, "AMBIGUOUS"),
        (0.03, math.nan, "AMBIGUOUS"),
    ],
)
def test_a_verdict_follows_from_the_interval_and_the_band(log_ratio: float, half_width: float, verdict: str) -> None:
    assert verdicts(["x"], np.array([log_ratio]), np.array([half_width]))[0].verdict == verdict


def test_many_comparisons_are_corrected() -> None:
    ratios, widths = np.zeros(50), np.full(50, 0.008)
    ratios[7] = BAND + 0.0095
    assert verdicts(["x"], ratios[7:8], widths[7:8])[0].verdict == "SLOWER"
    assert verdicts([f"{i}" for i in range(50)], ratios, widths)[7].verdict == "AMBIGUOUS"
    ratios[7] = 0.05
    assert verdicts([f"{i}" for i in range(50)], ratios, widths)[7].verdict == "SLOWER"


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_is_between_the_plain_value_and_bonferroni(values: list[float]) -> None:
    p = np.array([*values, math.nan])
    adjusted = holm(p)
    assert math.isnan(adjusted[-1])
    assert (adjusted[:-1] >= p[:-1]).all()
    assert (adjusted[:-1] <= np.minimum(1, len(values) * p[:-1]) + 1e-12).all()
    assert adjusted[:-1].min() == pytest.approx(min(1.0, len(values) * min(values)))


def test_the_ratio_is_that_of_the_second_arm() -> None:
    found = differences(arm(1.0, 2.0, 3.0), arm(1.1, 2.2, 3.3), is_together=True)
    assert [one.verdict for one in found.workloads] == ["SLOWER"] * 3
    assert [one.ratio for one in found.workloads] == pytest.approx([1.1] * 3)
    assert [(one.a_s, one.b_s) for one in found.workloads][1] == (2.0, 2.2)
    half = math.hypot(0.005, 0.005)
    assert found.workloads[0].half_width == pytest.approx(half)
    assert found.overall.half_width == pytest.approx(half / math.sqrt(3))
    assert (found.overall.low, found.overall.high) == pytest.approx(
        (1.1 * math.exp(-half / math.sqrt(3)), 1.1 * math.exp(half / math.sqrt(3)))
    )
    assert found.has("SLOWER")
    assert not found.has("FASTER")


def test_what_was_not_measured_is_ambiguous_and_leaves_the_rest_alone() -> None:
    a = [*arm(1.0, 2.0), measured(SyntheticWorkload("lost"), None)]
    b = [*arm(1.1, 2.2), measured(SyntheticWorkload("lost"), 1.0)]
    found = differences(a, b, is_together=True)
    assert [one.verdict for one in found.workloads] == ["SLOWER", "SLOWER", "AMBIGUOUS"]
    assert found.workloads[2].ratio is None
    assert found.overall.ratio == pytest.approx(1.1)


def added(*campaigns: list[Measurement]) -> float:
    """Half-width that the levels of two campaigns add to an interval."""
    return level_half_width(*([campaign_level(one)] for one in campaigns))


def test_workloads_that_may_be_off_together_are_no_surer_for_their_number() -> None:
    a, b = arm(*[1.0] * 40), arm(*[1.1] * 40)
    off = [replace(m, half_width=0.2, is_confirmed=False) for m in b]
    found = differences(a, off, is_together=True)
    assert found.overall.half_width == pytest.approx(0.2, rel=0.01)
    assert found.overall.verdict == "AMBIGUOUS"
    assert found.workloads[0].half_width == pytest.approx(math.hypot(0.2, 0.005))
    assert differences(off, off, is_together=True).overall.half_width == pytest.approx(math.hypot(0.2, 0.2))
    few = differences(a, [*off[:4], *b[4:]], is_together=True)
    noise = math.sqrt(40 + 36) * 0.005 / 40
    assert few.overall.half_width == pytest.approx(math.hypot(4 * 0.2 / 40, noise))
    assert few.overall.verdict == "SLOWER"
    half = differences(off[:20] + a[20:], a[:20] + off[20:], is_together=True).overall.half_width
    assert half == pytest.approx(math.hypot(0.1, 0.1), rel=0.01)


def test_rounds_that_vary_widen_what_is_compared_across_campaigns() -> None:
    calm, moved = arm(1, 2, 3, 4), arm(1, 2, 3, 4, levels=(0.05, -0.05, 0.05, -0.05))
    assert added(calm, calm) == 0
    assert added(calm, moved) == pytest.approx(4.303 * 0.0577, rel=0.05)
    slower = [replace(m, latency_s=1.05 * (m.latency_s or 0)) for m in calm]
    assert differences(calm, slower).overall.verdict == "SLOWER"
    assert differences(moved, slower).overall.verdict == "AMBIGUOUS"
    assert math.isnan(added(calm, arm(1, 2, levels=(0.0,))))
    assert added(calm[:1], calm[1:2]) == 0


def test_only_noise_of_items_is_taken_out_of_what_rounds_vary() -> None:
    own, common, levels = 0.004, 0.03, (0.02, -0.02, 0.02, -0.02)
    calm = arm(1, 2)
    plain = arm(1, 2, half_width=own, levels=levels)
    noise = 4 * (own / 1.96) ** 2 / 2
    assert campaign_level(plain).variance == pytest.approx(np.var(levels, ddof=1) - noise, rel=1e-3)
    shared = [replace(m, half_width=math.hypot(own, common), level_half_width=common) for m in plain]
    assert added(calm, shared) == pytest.approx(math.hypot(added(calm, plain), common))
    slowed = [*shared, *(replace(m, half_width=0.3, is_confirmed=False) for m in arm(3, 4, 5, levels=levels))]
    assert campaign_level(slowed).variance == pytest.approx(campaign_level(shared).variance, rel=0.02)


def test_rounds_in_which_fewer_workloads_ran_have_more_noise() -> None:
    own, levels = 0.004, (0.02, -0.02, 0.02, -0.02)
    whole = arm(1, 2, 3, 4, half_width=own, levels=levels)
    part = [replace(whole[0], visits=whole[0].visits[:3]), *whole[1:]]
    noise = 4 * (own / 1.96) ** 2 * (3 / 4 + 1 / 3) / 4  # one round has 3 visits, three have 4
    assert campaign_level(part).variance == pytest.approx(np.var(levels, ddof=1) - noise, rel=1e-3)


@pytest.mark.parametrize("workloads", [2, 3])
def test_intervals_of_few_workloads_hold_the_levels_of_two_campaigns(workloads: int) -> None:
    hits = []
    for seed in range(60):
        sides = [_at_a_level(np.random.default_rng([seed, side]), workloads) for side in (0, 1)]
        found = differences(*sides)
        hits += [abs(one.log_ratio) <= one.half_width for one in found.workloads]  # type: ignore[arg-type,operator]
    assert np.mean(hits) >= 0.95


def _at_a_level(rng: np.random.Generator, n: int, rounds: int = 4) -> list[Measurement]:
    """A campaign whose level varies by 1.5 % from campaign to campaign and from round to round, and visits by 0.8 %."""
    y = rng.normal(0, 0.015) + rng.normal(0, 0.015, rounds) + rng.normal(0, 0.008, (n, rounds))
    rest = y - y.mean(axis=0) - y.mean(axis=1)[:, None] + y.mean()
    freedom = (n - 1) * (rounds - 1)
    own = stats.t.ppf(0.975, freedom) * math.sqrt((rest**2).sum() / freedom / rounds)
    level = stats.t.ppf(0.975, rounds - 1) * y.mean(axis=0).std(ddof=1) / math.sqrt(rounds)
    found = [measured(SyntheticWorkload(f"w{i}"), 1.0, levels=tuple(y[i])) for i in range(n)]
    return [
        replace(m, latency_s=math.exp(y[i].mean()), half_width=math.hypot(own, level), level_half_width=level)
        for i, m in enumerate(found)
    ]


def test_a_level_that_wanders_widens_more_than_one_that_jumps_to_and_fro() -> None:
    calm = arm(1, 2, 3, 4)
    levels = np.linspace(-0.05, 0.05, 8)
    wandering, shuffled = (arm(1, 2, 3, 4, levels=tuple(one)) for one in (levels, levels[[0, 7, 1, 6, 2, 5, 3, 4]]))
    ratio = added(calm, wandering) / added(calm, shuffled)
    assert ratio == pytest.approx(math.sqrt(2.0), rel=1e-6)


def apart(*campaigns: list[Measurement]) -> list[MeasuredCampaign]:
    return [MeasuredCampaign.of(one) for one in campaigns]


def test_levels_of_several_campaigns_of_one_arm_are_kept_apart() -> None:
    levels = np.array([0.05, -0.05, 0.05, -0.05])
    first = arm(1, 2, levels=tuple(levels))
    second = [measured(SyntheticWorkload(f"v{i}"), 1.0, levels=tuple(-levels)) for i in range(2)]
    calm = [measured(m.workload, m.latency_s) for m in (*first, *second)]
    assert differences([*first, *second], calm).level_half_width == 0  # as one campaign, the levels cancel out
    found = differences([*first, *second], calm, campaigns=(apart(first, second), apart(calm[:2], calm[2:])))
    half = added(first, calm[:2])
    assert half == pytest.approx(added(second, calm[2:])) == pytest.approx(4.303 * 0.0577, rel=0.01)
    noise = math.hypot(0.005, 0.005)
    assert [one.half_width for one in found.workloads] == pytest.approx([math.hypot(half, noise)] * 4)
    assert found.overall.half_width == pytest.approx(math.hypot(half / math.sqrt(2), noise / 2))
    sides = apart(first, second[:1], second[1:]), apart(calm[:3], calm[3:])
    found = differences([*first, *second], calm, campaigns=sides)
    assert [one.half_width > 0.2 for one in found.workloads] == [True, True, False, False]  # type: ignore[operator]
    assert found.level_half_width == pytest.approx(half)
    assert found.overall.half_width == pytest.approx(math.hypot(half / 2, noise / 2), rel=1e-3)


def test_workloads_match_by_key_then_name_then_architecture() -> None:
    archs = SPACE.sample(3, seed=0)
    small = [measured(work, 1.0) for work in models(SPACE, archs, batch_size=1, seq_len=16)]
    big = [measured(work, 2.0) for work in models(SPACE, archs[::-1], batch_size=4, seq_len=16)]
    assert [(one.workload.genes, other.workload.genes) for one, other in matches(small, big)] == [  # type: ignore[attr-defined]
        (arch.genes, arch.genes) for arch in archs
    ]
    other_name, same_name = SyntheticWorkload("b", flops=1), SyntheticWorkload("a", flops=2)
    a = [measured(SyntheticWorkload("a", flops=1), 1.0), measured(SyntheticWorkload("c"), 1.0)]
    pairs = matches(a, [measured(other_name, 1.0), measured(same_name, 1.0)])
    assert [(one.workload.name, other.workload.name) for one, other in pairs] == [("a", "a")]
    found = differences(a, [measured(other_name, 1.0), measured(same_name, 1.0)])
    assert (found.only_a, found.only_b) == (("c",), ("b",))
    assert len(matches(a[:1], [measured(other_name, 1.0)])) == 1


def campaign(store: Path, seed: int = 0, factor: float = 1.0, n: int = 6) -> Result:
    works = [SyntheticWorkload(f"w{i}", flops=int(1e9 * (1 + i))) for i in range(n)]
    options = {"flops_per_s": 1e11 / factor, "overhead_s": 0.0, "seed": seed, "noise": 0.02}
    return hwcost.measure(works, backend="null", store=store, backend_options=options, rounds=3, seed=seed)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stores") / "s.db"
    for seed, factor in ((0, 1.0), (1, 1.0), (2, 1.1)):
        campaign(path, seed, factor)
    return path


def ids(store: Path) -> list[str]:
    with open_store(store, create=False) as opened:
        return [one.campaign_id for one in opened.campaigns()]


def test_campaigns_of_a_store_are_compared(store: Path) -> None:
    first, again, slower = ids(store)
    same = hwcost.compare(f"{store}#{first}", f"{store}#{again}")
    assert not same.has("FASTER")
    assert not same.has("SLOWER")
    found = hwcost.compare(f"{store}#{first}", str(store))
    assert read_arm(str(store)).campaign_id == read_arm(f"{store}#null").campaign_id == slower
    assert found.overall.verdict == "SLOWER"
    assert found.overall.ratio == pytest.approx(1.1, rel=0.01)


def test_the_blocks_of_each_campaign_are_fitted_once(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _, slower = ids(store)
    anew = differences(*(read_arm(f"{store}#{one}").measurements for one in (first, slower)))
    monkeypatch.setattr(uncontended, "block_values", interleaved.block_values)
    fits: list[BlockTable] = []
    fit = fit_block_model
    monkeypatch.setattr(interleaved, "fit_block_model", lambda table, *how: fits.append(table) or fit(table, *how))
    found = hwcost.compare(f"{store}#{first}", f"{store}#{slower}")
    assert len(fits) == 2
    assert found.level_half_width == pytest.approx(anew.level_half_width, rel=1e-9)
    assert found.level_half_width > 0


def test_lists_of_measurements_count_as_one_campaign(store: Path) -> None:
    found = read_arm(f"{store}#{ids(store)[0]}").measurements
    assert hwcost.compare(found, found).overall.verdict == "SAME"
    assert hwcost.compare(found, found).level_half_width == 0


def test_lists_measured_one_after_the_other_are_two_campaigns() -> None:
    def at(hour: int, *minutes: int) -> list[Measurement]:
        levels = (0.05, -0.05, 0.05, -0.05)
        found = arm(1, 2, levels=levels)
        return [
            replace(m, visits=tuple(
                replace(visit, started_at=f"2026-01-31T{hour:02}:{minute:02}:00Z")
                for visit, minute in zip(m.visits, minutes, strict=True)
            ))
            for m in found
        ]  # fmt: skip

    first, later, between = at(10, 0, 1, 2, 3), at(11, 0, 1, 2, 3), at(10, 1, 2, 3, 4)
    assert hwcost.compare(first, between).overall.verdict == "SAME"
    assert hwcost.compare(first, later).level_half_width == pytest.approx(added(first, later)) != 0
    assert hwcost.compare(later, first).overall.verdict == "AMBIGUOUS"
    assert hwcost.compare(first, arm(1, 2)).level_half_width == 0


def test_other_environments_are_refused_by_name(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, _, last = ids(store)
    lines, moved = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    assert invoke(["export", "--store", str(store), "--out", str(lines), "-q"]) == 0
    with open_store(store, create=False) as opened:
        kernel = next(opened.records()).environment.host["kernel"]
    moved.write_text(lines.read_text().replace(f'"{kernel}"', '"0.1-another"'))
    here, there = f"{store}#{first}", f"{moved}#{last}"
    with pytest.raises(DataError, match="W_ENV_MISMATCH: .*kernel: \\d+.\\d+ and 0.1.*--allow-env-mismatch"):
        hwcost.compare(here, there)
    assert invoke(["compare", here, there, "-q"]) == 2
    assert "kernel" in capsys.readouterr().err
    found = hwcost.compare(here, there, allow_env_mismatch=True)
    assert [flag.code for flag in found.flags] == ["W_ENV_MISMATCH"]
    assert found.overall.verdict == "SLOWER"
    assert invoke(["compare", here, there, "--allow-env-mismatch", "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["flags"][0]["code"] == "W_ENV_MISMATCH"


def test_unknown_facts_and_backends_do_not_differ_but_variables_do(store: Path) -> None:
    a = read_arm(f"{store}#{ids(store)[0]}")
    b = replace(read_arm(str(store)), environment={"device_key": None, "framework": {"torch": "2"}})
    assert not compare_arms(a, b).flags
    one, other = (replace(arm, environment={"env": env}) for arm, env in ((a, {"OMP_NUM_THREADS": "1"}), (b, {})))
    with pytest.raises(DataError, match="env.OMP_NUM_THREADS: 1 and unset"):
        compare_arms(one, other)


def test_canaries_that_moved_widen_and_warn(store: Path) -> None:
    first, _, slower = ids(store)
    a, b = (replace(read_arm(f"{store}#{one}"), canaries={"x": 1.0}) for one in (first, slower))
    assert compare_arms(a, b).overall.verdict == "SLOWER"
    found = compare_arms(a, replace(b, canaries={"x": 1.12, "y": 7.0}))
    assert found.overall.verdict == "AMBIGUOUS"
    assert found.overall.ratio == compare_arms(a, b).overall.ratio
    assert [flag.code for flag in found.flags] == ["W_UNSTABLE_HOST"]
    assert "+12.0 %" in found.flags[0].text


@pytest.mark.parametrize(
    ("b", "error", "says"),
    [
        ("{store}#nothing", UnknownNameError, "unknown campaign, backend or device 'nothing'. .*Known: .*null"),
        ("{store}#{first}", DataError, "both arms are campaign"),
        ("{store}.missing.db", UsageError, "missing.db"),
    ],
)
def test_wrong_arms_are_refused(store: Path, b: str, error: type[Exception], says: str) -> None:
    first = ids(store)[0]
    with pytest.raises(error, match=says):
        hwcost.compare(f"{store}#{first}", b.format(store=store, first=first))


def test_nothing_in_common_is_an_error(store: Path, tmp_path: Path) -> None:
    works = [SyntheticWorkload(f"other{i}", flops=10**9) for i in range(2)]
    hwcost.measure(works, backend="null", store=tmp_path / "o.db", rounds=2)
    with pytest.raises(DataError, match="no workload of .* 'w0@1' and 'other0|no workload of .*'w0' and 'other0'"):
        hwcost.compare(str(store), str(tmp_path / "o.db"))


def test_the_command_prints_a_document_and_trips_its_gate(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, again, slower = (f"{store}#{one}" for one in ids(store))
    assert invoke(["compare", first, slower, "--json", "-", "-q"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["schema_version"] == 1
    assert found["overall"]["verdict"] == "SLOWER"
    assert {one["name"] for one in found["workloads"]} == {f"w{i}" for i in range(6)}
    assert found["overall"]["low"] < found["overall"]["ratio"] < found["overall"]["high"]
    assert invoke(["compare", first, slower, "--fail-on", "slower", "-q"]) == 1
    assert invoke(["compare", slower, first, "--fail-on", "slower", "-q"]) == 0
    assert invoke(["compare", slower, first, "--fail-on", "faster", "-q"]) == 1
    assert invoke(["compare", first, again, "--fail-on", "slower", "-q"]) == 0
    shown = capsys.readouterr()
    assert "SLOWER" in shown.out
    assert invoke(["compare", first, again, "--fail-on", "best"]) == 2
    assert "Known: slower, faster, ambiguous" in capsys.readouterr().err
    assert invoke(["compare", first, f"{store}#{'0' * 8}"]) == 2


@pytest.mark.parametrize("workloads", [1, 10])
def test_identical_arms_of_one_campaign_are_hardly_ever_told_apart_and_3_percent_mostly(workloads: int) -> None:
    row = comparison_row("no drift", workloads, True, pairs=30, seed=1)
    assert row.false_any <= 0.05
    assert row.found_overall >= 0.8
    drifting = comparison_row("slow walk, sd 5 %", workloads, True, pairs=20, seed=1)
    assert drifting.false_any <= 0.05


def test_identical_arms_of_two_campaigns_are_hardly_ever_told_apart() -> None:
    row = comparison_row("no drift", 10, False, pairs=20, seed=1)
    assert row.false_any <= 0.05
    assert row.found_overall >= 0.8
    wandering = comparison_row("slow walk, sd 5 %", 10, False, pairs=40, seed=1)
    assert wandering.false_any <= 0.1
