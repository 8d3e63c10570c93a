"""Sizes against the paper's tables; the built module's counts are compared in tests/workloads."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.errors import ArchitectureError, UsageError
from hwcost.objectives import Constraint, Params
from hwcost.spaces import Component, space
from hwcost.spaces.supershaper import RELEASED_FLOORED, TEMPLATES, WIDTHS, SuperShaper

UNMERGED, MERGED = SuperShaper(), SuperShaper(merged=True)
SHAPES = st.lists(st.sampled_from(WIDTHS), min_size=12, max_size=12)

TABLE_6 = {
    "evo-search-1": 65, "evo-search-2": 63, "lower-triangle": 64, "rectangle": 58, "inverted-diamond": 65, "bottle": 64,
    "diamond": 64, "upper-triangle": 64, "inverted-bottle": 64, "random-released": 64,
}  # fmt: skip


@pytest.mark.parametrize(("name", "millions"), TABLE_6.items())
def test_table_6(name: str, millions: int) -> None:
    assert UNMERGED.params(UNMERGED.template(name), "paper") == pytest.approx(millions * 1e6, rel=0.008)


def test_the_misprinted_row_of_table_6() -> None:
    """L6 = 540 as printed gives 67.3 M, not the stated 64 M; L6 = 240 does."""
    assert UNMERGED.params(UNMERGED.template("random"), "paper") == pytest.approx(67.34e6, rel=1e-3)


@pytest.mark.parametrize(
    ("template", "merged", "unmerged"),
    [("evo-search-1", 64.74, 69.69), ("rectangle", 58.08, 62.74), ("diamond", 63.80, 68.73), ("bottle", 63.55, 67.72)],
)
def test_merged_and_unmerged_sizes(template: str, merged: float, unmerged: float) -> None:
    """The built module also holds the decoder's bias and a head norm of full width."""
    arch = UNMERGED.template(template)
    extra = 28_996 + 2 * 768 - 2 * arch.genes[-1]
    assert MERGED.params(MERGED.architecture(arch.genes)) - extra == pytest.approx(merged * 1e6, abs=6e3)
    assert UNMERGED.params(arch) - extra == pytest.approx(unmerged * 1e6, abs=6e3)


def test_the_range_of_sizes() -> None:
    smallest, largest = UNMERGED.architecture([120] * 12), UNMERGED.architecture([768] * 12)
    assert UNMERGED.params(smallest, "paper") == pytest.approx(33.19e6, rel=1e-3)
    assert UNMERGED.params(largest, "paper") == pytest.approx(115.99e6, rel=1e-3)


@given(SHAPES)
def test_sizes_are_the_sum_of_components(shape: list[int]) -> None:
    for variant in (UNMERGED, MERGED):
        arch = variant.architecture(shape)
        parts = [variant.component_work(part) for part in variant.components(arch)]
        assert variant.params(arch) == sum(part.params for part in parts)
        assert variant.flops(arch) == sum(part.flops for part in parts)


@given(SHAPES, st.integers(0, 11))
def test_a_wider_layer_is_larger_and_works_more(shape: list[int], layer: int) -> None:
    wider = [768 if i == layer else width for i, width in enumerate(shape)]
    one, other = UNMERGED.architecture(shape), UNMERGED.architecture(wider)
    assert UNMERGED.params(other) >= UNMERGED.params(one)
    assert UNMERGED.flops(other) >= UNMERGED.flops(one)


@given(SHAPES)
def test_keys_are_read_back(shape: list[int]) -> None:
    arch = UNMERGED.architecture(shape)
    assert UNMERGED.parse(UNMERGED.key(arch)) == arch
    assert UNMERGED.parse(str(shape)) == arch
    assert UNMERGED.parse(",".join(map(str, shape))) == arch


@pytest.mark.parametrize("bad", [[360] * 11, [360] * 11 + [361], [360] * 11 + ["x"], []])
def test_what_lies_outside_the_space_is_refused(bad: list[object]) -> None:
    with pytest.raises(ArchitectureError, match="l1|l12"):
        UNMERGED.architecture(bad)  # type: ignore[arg-type]


def test_the_message_says_what_is_allowed() -> None:
    with pytest.raises(ArchitectureError, match="cannot be 361. Allowed: 120, 240, 360, 480, 540, 600, 768"):
        UNMERGED.architecture([361] * 12)


@pytest.mark.parametrize("text", ["", "[1, 2", "360_360", "a_b"])
def test_texts_that_are_no_architecture(text: str) -> None:
    with pytest.raises(ArchitectureError):
        UNMERGED.parse(text)


@pytest.mark.parametrize("design", ["uniform", "spread"])
def test_samples_are_distinct_and_repeatable(design: str) -> None:
    first = UNMERGED.sample(40, seed=3, design=design)  # type: ignore[arg-type]
    assert len(set(first)) == 40
    assert first == UNMERGED.sample(40, seed=3, design=design)  # type: ignore[arg-type]
    assert first != UNMERGED.sample(40, seed=4, design=design)  # type: ignore[arg-type]


def test_spread_covers_the_range_of_sizes_evenly() -> None:
    params = np.array([UNMERGED.params(arch) for arch in UNMERGED.sample(40, seed=0, design="spread")])
    lo, hi = UNMERGED.params(UNMERGED.architecture([120] * 12)), UNMERGED.params(UNMERGED.architecture([768] * 12))
    counts, _ = np.histogram(params, bins=8, range=(lo, hi))
    assert counts.min() >= 4
    uniform = np.array([UNMERGED.params(arch) for arch in UNMERGED.sample(40, seed=0)])
    assert params.std() > 2 * uniform.std()


@given(st.integers(0, 50), st.floats(36e6, 118e6), st.floats(0.5e6, 10e6))
def test_a_range_of_sizes_is_kept(seed: int, lo: float, width: float) -> None:
    for arch in UNMERGED.sample(3, seed=seed, params=(lo, lo + width)):
        assert lo <= UNMERGED.params(arch) <= lo + width


def test_an_impossible_range_says_what_is_possible() -> None:
    with pytest.raises(UsageError, match="the space reaches from 35097220 to 122515012"):
        UNMERGED.sample(1, params=(1.0, 2.0))


@pytest.mark.parametrize("design", ["uniform", "spread"])
def test_a_range_between_the_sizes_that_there_are_names_the_nearest(design: str) -> None:
    step = 120 * (2 * 768 + 1) + 120  # fewer parameters than any two sizes differ by
    one = UNMERGED.params(UNMERGED.architecture([360] * 12))
    with pytest.raises(UsageError, match=r"the nearest that were found have (\d+) and (\d+); the space reaches") as error:
        UNMERGED.sample(1, params=(one + 1, one + 2), design=design)  # type: ignore[arg-type]
    below, above = (int(text) for text in re.findall(r"\d+", str(error.value).partition("have")[2])[:2])
    assert one - step <= below <= one < above <= one + step


@pytest.mark.parametrize("text", ["supershaper", "components"])
def test_a_range_beyond_the_space_is_refused_after_a_few_walks(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    of, counted = space(text), []
    real = type(of)._params
    monkeypatch.setattr(type(of), "_params", lambda *given: counted.append(given) or real(*given))
    with pytest.raises(UsageError, match="the space reaches from"):
        of.sample(1, params=(1, 2))
    assert len(counted) < 8 * sum(len(gene.choices) for gene in of.genes)


def test_uniform_sampling_has_the_frequencies_of_table_7() -> None:
    """10,000 uniform shapes fall into the paper's bins of 52-54, 68-70 and 89-91 M as the paper counts, within noise."""
    rng = np.random.default_rng(0)
    shapes = rng.choice(WIDTHS, (10_000, 12))
    layer = {w: MERGED.component_work(MERGED.components(MERGED.architecture([w] * 12))[2]).params for w in WIDTHS}
    base = MERGED.params(MERGED.architecture([120] * 12), "paper") - 12 * layer[120] - 11 * (120 * 120 + 120)
    joins = (shapes[:, :-1] * shapes[:, 1:] + shapes[:, 1:]).sum(1)
    ends = (shapes[:, 0] + shapes[:, -1] - 240) * 768 + (shapes[:, 0] - 120) + 2 * (shapes[:, -1] - 120)
    params = (base + np.vectorize(layer.get)(shapes).sum(1) + joins + ends) / 1e6
    counts = [int(((params >= lo) & (params <= lo + 2)).sum()) for lo in (52, 68, 89)]
    assert counts == pytest.approx([68, 1035, 40], rel=0.35)


@given(SHAPES, st.integers(0, 100))
def test_mutation_changes_something_and_stays_inside(shape: list[int], seed: int) -> None:
    arch = UNMERGED.architecture(shape)
    other = UNMERGED.mutate(arch, np.random.default_rng(seed), 0.1)
    assert other != arch
    assert UNMERGED.architecture(other.genes) == other


@given(SHAPES, SHAPES, st.integers(0, 100))
def test_a_child_takes_every_gene_from_a_parent(one: list[int], other: list[int], seed: int) -> None:
    a, b = UNMERGED.architecture(one), UNMERGED.architecture(other)
    child = UNMERGED.cross(a, b, np.random.default_rng(seed))
    assert all(gene in pair for gene, *pair in zip(child.genes, a.genes, b.genes, strict=True))


def test_encoding_is_the_widths() -> None:
    archs = UNMERGED.sample(5, seed=1)
    assert UNMERGED.encode(archs).tolist() == [list(arch.genes) for arch in archs]
    assert UNMERGED.encode([]).shape == (0, 12)


RELEASED = {
    37: (120,) * 8 + (240,) * 4,
    42: (240, 120, 120, 120) + (240,) * 8,
    61: (360, 240, 240, 240, 360, 360, 360, 360, 480, 480, 540, 540),
    70: (480, 240, 240, 240, 480, 480, 480, 480, 540, 540, 600, 600),
    87: (540, 360, 360, 360, 540, 540, 540, 540, 768, 768, 768, 768),
    91: (600, 360, 360, 360, 600, 600, 600, 600, 768, 768, 768, 768),
}


@pytest.mark.parametrize(("millions", "shape"), RELEASED.items())
def test_the_heuristic_gives_the_released_shapes(millions: int, shape: tuple[int, ...]) -> None:
    """Figure 10: the shapes that the authors released, from the 61 M reference with layers 2 to 4 rounded down."""
    assert UNMERGED.cigar(millions * 1e6, floored=RELEASED_FLOORED).genes == shape


@pytest.mark.parametrize(("millions", "first"), [(56, (360, 120, 120, 120)), (59, (360, 240, 240, 240))])
def test_the_second_reference_gives_the_others(millions: int, first: tuple[int, ...]) -> None:
    found = UNMERGED.cigar(millions * 1e6, reference="59M", floored=RELEASED_FLOORED)
    assert found.genes == (*first, *(360,) * 6, 540, 540)


@pytest.mark.parametrize("millions", [47, 53, 56, 61, 69, 75, 80, 90])
def test_the_heuristic_is_a_cigar_of_about_the_size(millions: int) -> None:
    """Section 4.4: layers 2 to 5 are rounded down, the last one is widest, the first one wider than the early middle."""
    shape = UNMERGED.cigar(millions * 1e6)
    widths = [int(gene) for gene in shape.genes]
    assert UNMERGED.params(shape, "paper") == pytest.approx(millions * 1e6, rel=0.035)
    assert max(widths) == widths[-1]
    assert max(widths[1:5]) <= widths[0]
    assert max(widths[1:5]) <= min(widths[5:])


@pytest.mark.parametrize("scale", ["mini", "small"])
@pytest.mark.parametrize("share", [0.25, 0.4, 0.6, 0.75])
def test_the_heuristic_has_a_shape_of_four_layers(scale: str, share: float) -> None:
    four = SuperShaper(scale=scale)
    ends = (four.sizes.widths[0], four.sizes.widths[-1])
    low, high = (four.params(four.architecture([width] * 4), "paper") for width in ends)
    shape = four.cigar(low + share * (high - low))
    assert four.params(shape, "paper") == pytest.approx(low + share * (high - low), rel=0.05)
    assert max(shape.genes) == shape.genes[-1]
    assert min(shape.genes) == shape.genes[1]
    with pytest.raises(UsageError, match=f"unknown reference shape '61M'. Known: {scale}"):
        four.cigar(2e5, reference="61M")


def test_published_nets_keep_the_limit_of_66_million_as_the_paper_counts() -> None:
    """Table 6: Evo 1 and 2 have 65 M and 63 M; what is built of them has 69.7 M and 68.4 M."""
    nets = [UNMERGED.template(f"evo-search-{number}") for number in (1, 2)]
    for accounting, kept in (("paper", True), ("built", False)):
        assert set(Constraint(Params(UNMERGED, accounting=accounting), most=66e6).feasible(nets)) == {kept}


def test_unknown_names_are_listed() -> None:
    with pytest.raises(UsageError, match="lower-triangle"):
        UNMERGED.template("triangle")
    with pytest.raises(UsageError, match=r"Known: built, paper"):
        UNMERGED.params(UNMERGED.template("rectangle"), "guess")
    with pytest.raises(UsageError, match="unknown space 'supershapr'. Did you mean 'supershaper'"):
        space("supershapr")
    with pytest.raises(UsageError, match="does not take these options"):
        space("supershaper", layers=3)


def test_templates_are_points_of_the_space() -> None:
    assert all(UNMERGED.template(name).genes == shape for name, shape in TEMPLATES.items())


def test_the_outermost_strata_hold_few_architectures_and_take_in_their_neighbours() -> None:
    archs = space("supershaper").sample(200, seed=0, design="spread")
    assert len(set(archs)) == 200


def test_templates_at_a_small_scale_are_of_about_one_size() -> None:
    for scale in ("small", "mini"):
        small = space("supershaper", scale=scale)
        sizes = {name: small.params(arch) for name, arch in small.templates.items()}
        assert {"rectangle", "diamond", "bottle"} <= set(sizes)
        assert max(sizes.values()) / min(sizes.values()) < 1.12
    assert space("autodistill").mobilebert == space("autodistill").student("mobilebert")
    assert space("autodistill", scale="mini").mobilebert.genes == (64, 32, 4, 64, 4)


def test_a_layer_of_the_formula_in_the_text() -> None:
    """SuperShaper, section 3.1: ``d_h (2 (2 d_attn + d_ff + d_h))`` parameters, and twice as many operations a token.

    Attention beside its projections is printed as ``2 seq_len d_attn`` operations; scores and values take that much each.
    """
    width, inner, tokens = 768, 3072, 128
    layer = UNMERGED.component_work(Component("layer", (("hidden", width),)), 1, tokens)
    params = width * 2 * (2 * width + inner + width)
    biases = 4 * width + inner + width + 2 * width  # projections, feed-forward, bottlenecks
    assert layer.params == params + biases + 2 * 2 * width  # and two norms
    assert layer.flops == tokens * (2 * params + 2 * 2 * tokens * width)
