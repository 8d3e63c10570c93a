"""What a supernet runs, what it extracts, and what the papers' formulas say are one net, for every choice."""

# ruff: noqa: E402 - nothing below can be imported without the optional package

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st

from hwcost.errors import ArchitectureError, MissingExtraError, UsageError
from hwcost.spaces import space
from hwcost.spaces.transformer import HEADS_OF_NET
from hwcost.supernets.registry import SUPERNETS, supernet
from hwcost.supernets.transformer import kept_layers
from hwcost.testing.supernets import neighbours
from hwcost.workloads.weights import count_parameters
from tests.supernets import by_hand
from tests.supernets.nets import batch, shaken

pytestmark = pytest.mark.torch

TOLERANCE = 1e-5
MINI = [
    "supershaper:scale=mini", "supershaper:scale=mini,merged=true", "autodistil:scale=mini,subspace=tiny",
    "autodistil:scale=mini,subspace=base,heads=scaled", "components:grid=mini",
    "transformer:layers=[2,3],hidden=[32,64],heads=[2,4],ffn_ratio=[2,3],vocabulary=2048",
]  # fmt: skip


@pytest.fixture(scope="module", params=MINI)
def net(request):
    return shaken(request.param)


def apart(one, other) -> float:
    return float((one - other).detach().abs().max())


def some(archs):
    """Returns all architectures, or of very many 60, evenly over their order."""
    listed = list(archs)
    return listed[:: max(1, len(listed) // 60)]


def test_extracted_nets_equal_sliced_ones_for_every_choice_of_every_gene(net) -> None:
    inputs = batch()
    with torch.no_grad():
        for start in (net.largest(), net.space.sample(1, seed=4)[0]):
            for arch in some(neighbours(net.space, start)):
                logits = net.extract(arch, "mlm")(*inputs)
                assert apart(logits, net.set(arch, "mlm")(*inputs)) <= TOLERANCE, net.space.key(arch)


def test_extracted_nets_have_the_counted_parameters_for_every_choice_of_every_gene(net) -> None:
    for arch in some(neighbours(net.space, net.space.sample(1, seed=4)[0])):
        assert count_parameters(net.extract(arch)) == net.space.params(arch)


def test_extracted_nets_equal_sliced_ones_with_every_head(net) -> None:
    inputs = batch()
    arch = net.space.sample(1, seed=9)[0]
    for head in (None, *HEADS_OF_NET):
        assert apart(net.extract(arch, head)(*inputs), net.set(arch, head)(*inputs)) <= TOLERANCE


def test_extracted_nets_have_weights_of_their_own(net) -> None:
    arch = net.smallest()
    inputs = batch()
    model = net.extract(arch)
    before = model(*inputs).detach()
    for parameter in net.parameters():
        parameter.data.mul_(0.5)
    assert apart(model(*inputs), before) == 0
    for parameter in net.parameters():
        parameter.data.mul_(2)


def test_extracting_leaves_the_chosen_architecture_alone(net) -> None:
    net.set(net.smallest(), "none")
    net.extract(net.largest(), "mlm")
    assert (net.arch, net.head) == (net.smallest(), "none")


def test_gradients_reach_exactly_the_sliced_parameters(net) -> None:
    """The gradient is zero wherever no view of the subnet reaches, and the views cover what the space counts."""
    inputs = batch(size=4, seq_len=16)
    for arch in (net.smallest(), net.space.sample(1, seed=2)[0], net.largest()):
        net.zero_grad(set_to_none=False)
        sum(tensor.sum() for tensor in net.set(arch, "mlm").tensors().values()).backward()
        graded = ((name, one.grad) for name, one in net.named_parameters() if one.grad is not None)
        reached = {name: grad.clone() != 0 for name, grad in graded}
        net.zero_grad(set_to_none=True)
        net(*inputs).square().mean().backward()
        for name, parameter in net.named_parameters():
            if parameter.grad is not None:
                assert not (parameter.grad[~reached[name]] != 0).any(), name
        unseen = ("word", "position", "query.bias", "key.bias")  # ids that are not there; scores that do not feel a shift
        for name, parameter in net.named_parameters():
            if name in reached and reached[name].any() and not any(part in name for part in unseen):
                share = (parameter.grad[reached[name]] != 0).float().mean()
                assert share > 0.98, f"{name}: gradients reach {share:.3f} of what the subnet uses"


widths = st.sampled_from(space("supershaper:scale=mini").sizes.widths)


@settings(max_examples=25, deadline=None)
@given(st.tuples(widths, widths, widths, widths))
def test_supershaper_equals_the_papers_layer_by_hand(shape) -> None:
    net = shaken("supershaper:scale=mini", seed=3)
    inputs = batch()
    with torch.no_grad():
        expected = by_hand.supershaper(net.weights, shape, 4, *inputs)
        assert apart(net.set(net.space.architecture(shape))(*inputs), expected) <= TOLERANCE


@pytest.mark.parametrize("heads", ["retained", "scaled"])
@pytest.mark.parametrize("subspace", ["tiny", "small", "base", "reference", "one-shot-27"])
def test_super_lm_equals_the_papers_extraction_by_hand(subspace, heads) -> None:
    net = shaken("autodistil", subspace=subspace, heads=heads, scale="mini")
    inputs = batch()
    with torch.no_grad():
        for arch in net.space.sample(min(6, net.space.size), seed=1):
            channels = 8 if heads == "retained" else arch.genes[1] // 12
            expected = by_hand.super_lm(net.weights, arch.genes, channels, *inputs)
            assert apart(net.set(arch, "none")(*inputs), expected) <= TOLERANCE


@pytest.mark.parametrize("heads", [2, 4])
def test_heads_that_share_the_width_divide_its_first_channels(heads) -> None:
    net = shaken("transformer:layers=[2,3],hidden=[32,64],heads=[2,4],ffn_ratio=[2,3],vocabulary=2048")
    inputs = batch()
    for depth, width, ratio in ((2, 32, 2), (3, 64, 3), (3, 32, 3)):
        widest = SimpleNamespace(
            embeddings=net.weights.embeddings,
            layers=[net.weights.parts[index] for index in kept_layers(depth, 3)],
        )
        with torch.no_grad():
            expected = by_hand.prefixes(widest, width, ratio * width, heads, *inputs)
            arch = net.space.architecture((depth, width, ratio, heads))
            assert apart(net.set(arch, "none")(*inputs), expected) <= TOLERANCE


@pytest.mark.parametrize(
    ("depth", "kept"),
    [
        (12, list(range(12))),
        (11, list(range(11))),
        (9, [0, 1, 2, 4, 5, 6, 8, 9, 10]),
        (6, [0, 2, 4, 6, 8, 10]),
        (4, [0, 3, 6, 9]),
    ],
)
def test_layers_that_are_kept(depth, kept) -> None:
    """The released code's rule, floor(i / (l / 12)); at half the depth it is the paper's alternate dropping."""
    assert kept_layers(depth, 12) == kept


@pytest.mark.parametrize("depth", [4, 6, 12])
def test_top_dropping_keeps_the_first_layers(depth) -> None:
    """AutoDistil, Table 8."""
    assert kept_layers(depth, 12, "top") == list(range(depth))


def test_nets_of_a_supernet_have_the_layers_of_its_rule() -> None:
    net, inputs = shaken("autodistil", subspace="tiny", scale="mini"), batch()
    arch, genes = net.space.parse("6_28_3_10"), (6, 28, 3, 10)
    with torch.no_grad():
        alternate = net.set(arch, "none")(*inputs)
        net.keep_layers("top")
        top = net.set(arch, "none")(*inputs)
        assert torch.equal(net.extract(arch, "none")(*inputs), top)
        first = SimpleNamespace(embeddings=net.weights.embeddings, parts=list(net.weights.parts)[:6])
        assert apart(top, by_hand.super_lm(first, genes, 8, *inputs)) <= TOLERANCE
        assert apart(top, alternate) > 1e-3


def test_rules_of_kept_layers_that_are_not_there_are_refused() -> None:
    with pytest.raises(UsageError, match="unknown rule of the kept layers 'odd'. Known: alternate, top"):
        shaken("autodistil", subspace="tiny", scale="mini").keep_layers("odd")
    with pytest.raises(UsageError, match="nets of space 'supershaper' keep no layers by the rule 'top'"):
        shaken("supershaper:scale=mini").keep_layers("top")


def test_merged_equals_unmerged() -> None:
    inputs = batch()
    plain, merged = shaken("supershaper:scale=mini"), shaken("supershaper:scale=mini,merged=true")
    with torch.no_grad():
        for arch in plain.space.sample(5, seed=5):
            net = merged.extract(merged.space.architecture(arch.genes))
            assert len(net.transitions) == 5
            with pytest.raises(ArchitectureError, match="merged=False.*not to.*merged=True"):
                merged.extract(arch)
            assert apart(net(*inputs), plain.extract(arch)(*inputs)) <= TOLERANCE


def test_only_the_asked_positions_are_answered() -> None:
    net = shaken("supershaper:scale=mini")
    inputs = batch()
    positions = torch.tensor([3, 12, 17])
    everywhere = net(*inputs).flatten(0, 1)
    assert apart(net(*inputs, positions), everywhere[positions]) <= TOLERANCE


@pytest.mark.parametrize("text", ["supershaper", "autodistil:subspace=tiny", "components"])
def test_full_size_supernets_slice_as_small_ones_do(text) -> None:
    net = supernet(text)
    inputs = batch(seq_len=6)
    with torch.no_grad():
        for arch in (net.smallest(), net.space.sample(1, seed=7)[0]):
            assert apart(net.extract(arch)(*inputs), net.set(arch)(*inputs)) <= TOLERANCE


def test_equal_seeds_give_equal_weights() -> None:
    one, same, other = (supernet("autodistil:scale=mini", seed=seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not all(torch.equal(one[name], other[name]) for name in one)


def test_architectures_outside_the_space_are_refused() -> None:
    net = supernet("supershaper:scale=mini")
    with pytest.raises(ArchitectureError, match="gene 'l2' of space 'supershaper' cannot be 25. Allowed: 8, 16, 24"):
        net.set(type(net.largest())("supershaper", (8, 25, 8, 8)))
    with pytest.raises(ArchitectureError, match="belongs to space 'transformer', not to space 'supershaper'"):
        net.set(type(net.largest())("transformer", (8, 8, 8, 8)))
    with pytest.raises(UsageError, match="a net ends in one of mlm, pooler, none; got 'nsp'"):
        net.set(net.largest(), "nsp")


def test_students_share_no_weights() -> None:
    with pytest.raises(UsageError, match=r"'autodistill' has no supernet: .* hwcost.supernets.student.student"):
        supernet("autodistill")


def test_layers_of_their_own_cannot_be_sliced_alike() -> None:
    with pytest.raises(UsageError, match="elastic='per_layer'"):
        supernet("transformer:elastic=per_layer")


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(UsageError, match="unknown space 'supershapr'. Did you mean 'supershaper'"):
        supernet("supershapr")
    assert set(SUPERNETS.names()) >= {"autodistil", "components", "supershaper", "transformer"}
    assert issubclass(MissingExtraError, UsageError)
