"""Units by the ends of names, and values as they are typed and shown."""

from __future__ import annotations

import pytest

from hwcost.errors import UsageError
from hwcost.units import (
    about_half_width,
    format_half_width,
    format_quantity,
    in_words,
    parse_quantity,
    unit_of,
    written_unit,
)


@pytest.mark.parametrize(
    ("name", "unit", "value", "shown"),
    [
        ("latency_s", "s", 0.0123, "12.3 ms"),
        ("energy_j", "J", 0.25, "250 mJ"),
        ("power_w", "W", 350.0, "350 W"),
        ("peak_memory_bytes", "B", 4.2e8, "420 MB"),
        ("tokens_per_s", "1/s", 102_400.0, "102.4 k/s"),
        ("peak_flops_per_s", "FLOP/s", 6e13, "60.0 TFLOP/s"),
        ("flops_utilisation", "1", 0.414, "41.4 %"),
        ("perplexity", "1", 12.3456, "12.346"),
        ("params", "1", 66e6, "66.00 M"),
    ],
)
def test_a_name_ends_in_its_unit(name: str, unit: str, value: float, shown: str) -> None:
    assert (unit_of(name), format_quantity(name, value)) == (unit, shown)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("latency_s", "latency"), ("energy_j", "energy"), ("peak_memory_bytes", "peak memory"), ("perplexity", "perplexity"),
        ("tokens_per_s", "tokens per second"), ("flops_utilisation", "flops utilisation"),
    ],
)  # fmt: skip
def test_a_name_in_words_has_no_unit(name: str, words: str) -> None:
    assert in_words(name) == words


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("66M", 66e6, None), ("50ms", 0.05, "s"), ("2J", 2.0, "J"), ("1.5 kJ", 1500.0, "J"), ("300W", 300.0, "W"),
        ("4GB", 4e9, "B"), ("4GiB", 2**32, "B"), ("40%", 0.4, "1"), ("0.02", 0.02, None),
    ],
)  # fmt: skip
def test_a_value_may_be_written_with_a_unit(text: str, value: float, unit: str | None) -> None:
    assert (parse_quantity(text), written_unit(text)) == (pytest.approx(value), unit)


@pytest.mark.parametrize("text", ["", "fast", "3 parsecs", "1e999", "4gb"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a quantity"):
        parse_quantity(text)


@pytest.mark.parametrize(
    ("half_width", "shown", "about"),
    [
        (0.0125, "±1.25 %", "±1.2 %"),
        (0.19, "±19.00 %", "±19 %"),
        (0.7, "-50 % to +101 %", "-50 % to +101 %"),
        (1.179, "-69 % to +225 %", "-69 % to +225 %"),
        (4.0, "a factor of 55", "a factor of 55"),
        (1e9, "a factor of 2.7e+43", "a factor of 2.7e+43"),
    ],
)
def test_a_wide_interval_of_a_logarithm_is_told_by_its_ends(half_width: float, shown: str, about: str) -> None:
    assert format_half_width(half_width, sign="±") == shown
    assert about_half_width(half_width, "±") == about
    assert format_half_width(None, sign="±") == "-"
