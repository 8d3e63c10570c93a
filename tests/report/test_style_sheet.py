"""The colours that dashboards and reports share can be told from what they stand on, in both schemes."""

from __future__ import annotations

import re

import pytest

from hwcost.report.style_sheet import style_sheet

TEXT, GRAPHIC = 4.5, 3.0
"""Least contrast of texts, and of what a reader must see beside them. Source: WCAG 2.2, criteria 1.4.3 and 1.4.11."""

VERDICTS = ("regressed", "improved", "ambiguous", "missing")


def colours(scheme: str) -> dict[str, str]:
    light, dark = style_sheet().split("@media (prefers-color-scheme: dark)")[:2]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", light if scheme == "light" else dark))


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_can_be_told_from_what_they_stand_on(scheme: str) -> None:
    of = colours(scheme)
    texts = [(name, ground) for name in ("ink", "quiet", "accent", *VERDICTS) for ground in ("ground", "raised")]
    texts += [(name, f"{verdict}-soft") for verdict in VERDICTS for name in ("ink", "quiet", "accent", verdict)]
    assert {pair: ratio for pair in texts if (ratio := contrast(*(of[name] for name in pair))) < TEXT} == {}
    assert contrast(of["accent-soft"], of["ground"]) > GRAPHIC
