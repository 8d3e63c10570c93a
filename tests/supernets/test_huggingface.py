"""Full nets are BERT: the same logits as the library everyone has it from, with the same weights."""

# ruff: noqa: E402 - nothing below can be imported without the optional packages

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from hwcost.errors import DataError, UsageError
from hwcost.supernets import huggingface
from hwcost.supernets.registry import supernet
from tests.supernets.nets import batch

pytestmark = pytest.mark.torch

CASED, UNCASED = 28_996, 30_522
TOLERANCE = 1e-5


def bert(vocabulary: int, kind: str = "BertForPreTraining", **sizes):
    """A BERT of random weights, biases and scales of norms too."""
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=vocabulary, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, **sizes
    )
    model = getattr(transformers, kind)(config).eval()
    for parameter in model.parameters():
        if parameter.ndim == 1:
            parameter.data.add_(0.05 * torch.randn_like(parameter))
    return model


def far(one, other) -> float:
    return float((one - other).detach().abs().max())


@torch.no_grad()
def test_supershaper_at_step_0_is_berts_masked_language_model() -> None:
    """All layers 768 wide, bottlenecks still identities: BERT-base with the cased vocabulary, whole."""
    theirs = bert(CASED, "BertForMaskedLM")
    net = supernet("supershaper")
    huggingface.load_backbone(net, huggingface.renamed(theirs.state_dict()))
    ids, mask, types = batch(CASED, seq_len=10)
    expected = theirs(ids, attention_mask=mask, token_type_ids=types).logits
    assert far(net.set(net.largest())(ids, mask, types), expected) <= TOLERANCE
    assert far(net.extract(net.largest())(ids, mask, types), expected) <= TOLERANCE


@torch.no_grad()
def test_autodistils_widest_net_is_bert() -> None:
    """12 layers, 768 wide, 12 heads: hidden states and pooled output of BERT-base."""
    theirs = bert(UNCASED, "BertModel")
    net = supernet("autodistil", subspace="reference")
    huggingface.load_backbone(net, huggingface.renamed(theirs.state_dict()))
    ids, mask, types = batch(UNCASED, seq_len=10)
    expected = theirs(ids, attention_mask=mask, token_type_ids=types)
    arch = net.space.architecture((12, 768, 4, 12))
    kept = mask.bool()
    assert far(net.set(arch, "none")(ids, mask, types)[kept], expected.last_hidden_state[kept]) <= TOLERANCE
    assert far(net.set(arch)(ids, mask, types), expected.pooler_output) <= TOLERANCE


@torch.no_grad()
def test_components_with_all_gates_open_are_bert() -> None:
    theirs = bert(UNCASED, "BertModel")
    net = supernet("components", grid="bert-base")
    huggingface.load_backbone(net, huggingface.renamed(theirs.state_dict()))
    inputs = batch(UNCASED, seq_len=10)
    expected = theirs(inputs[0], attention_mask=inputs[1], token_type_ids=inputs[2]).pooler_output
    assert far(net.set(net.largest())(*inputs), expected) <= TOLERANCE


@torch.no_grad()
def test_folders_on_disk_become_backbones_and_teachers(tmp_path) -> None:
    sizes = {"hidden_size": 64, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 256}
    theirs = bert(2048, max_position_embeddings=128, **sizes)
    theirs.save_pretrained(tmp_path)
    config, tensors = huggingface.read(tmp_path)
    inputs = batch(seq_len=10)
    expected = theirs(inputs[0], attention_mask=inputs[1], token_type_ids=inputs[2]).prediction_logits
    net = supernet("supershaper:scale=mini")
    huggingface.load_backbone(net, tensors)
    assert far(net(*inputs), expected) <= TOLERANCE
    assert far(huggingface.teacher(config, tensors, "mlm")(*inputs), expected) <= TOLERANCE


SMALL = {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 64}


@pytest.mark.parametrize(
    ("changes", "heads", "says"),
    [
        ({}, 4, r"of the given BERT has shape \(.*\), the supernet of space 'supershaper' needs"),
        ({"num_hidden_layers": 2}, None, "has 2 layers, the supernet of space 'supershaper' needs 4 of 4 heads"),
        ({"num_attention_heads": 8}, 8, "has 4 layers of 8 heads, the supernet"),
    ],
)
def test_berts_of_other_sizes_are_refused(changes, heads, says) -> None:
    other = bert(100, **{**SMALL, **changes})
    with pytest.raises(DataError, match=says):
        huggingface.load_backbone(supernet("supershaper:scale=mini"), huggingface.renamed(other.state_dict()), heads)


@pytest.mark.parametrize(
    ("kind", "changes", "says"),
    [
        ("BertForPreTraining", {"hidden_act": "relu"}, "has hidden_act 'relu'; here BERT has 'gelu'"),
        ("BertForPreTraining", {"layer_norm_eps": 1e-2}, "has layer_norm_eps 0.01"),
        ("BertForPreTraining", {"is_decoder": True}, "has is_decoder True; here BERT has False"),
        ("BertForPreTraining", {"tie_word_embeddings": False}, "has tie_word_embeddings False; here BERT has True"),
        ("BertForPreTraining", {"position_embedding_type": "relative_key"}, "'relative_key'; here BERT has 'absolute'"),
        ("RobertaModel", {}, "has model_type 'roberta'; here BERT has 'bert'"),
    ],
)
def test_folders_of_other_nets_are_refused(tmp_path, kind, changes, says) -> None:
    config = getattr(transformers, kind.partition("F")[0].removesuffix("Model") + "Config")
    getattr(transformers, kind)(config(vocab_size=100, **SMALL, **changes)).save_pretrained(tmp_path)
    with pytest.raises(DataError, match=says):
        huggingface.read(tmp_path)


def test_heads_that_a_folder_does_not_hold_are_not_made_up(tmp_path) -> None:
    bert(100, "BertModel", **SMALL).save_pretrained(tmp_path)
    _, tensors = huggingface.read(tmp_path)
    assert not any(name.startswith("head.") for name in tensors)
    assert "pooler.dense.weight" in tensors


def test_weights_that_are_none_are_refused(tmp_path) -> None:
    small = bert(100, **SMALL)
    net = supernet("supershaper:scale=mini")
    with pytest.raises(UsageError, match="hold no word embeddings"):
        huggingface.load_backbone(net, {"something": torch.ones(2)})
    with pytest.raises(DataError, match="holds no BERT that transformers can read"):
        huggingface.read(tmp_path)
    with pytest.raises(DataError, match="do not fit its configuration"):
        huggingface.teacher({**small.config.to_dict(), "num_hidden_layers": 5}, huggingface.renamed(small.state_dict()))
