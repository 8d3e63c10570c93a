"""Model files of SentencePiece, made by hand byte by byte, and what reads them where its library is not installed."""

from __future__ import annotations

import struct
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import pytest

HAS_LIBRARY = find_spec("sentencepiece") is not None
"""Whether SentencePiece's own library is installed."""

NORMAL, UNKNOWN, CONTROL, UNUSED, BYTE = 1, 2, 3, 5, 6
"""Types of pieces."""

BPE = 2
"""Type of models of byte pairs."""

BYTES = [(f"<0x{byte:02X}>", 0.0, BYTE) for byte in range(256)]
"""The pieces of bytes."""

_FIELDS = {
    "ModelProto": {
        "pieces": (1, "SentencePiece"), "trainer_spec": (2, "TrainerSpec"), "normalizer_spec": (3, "NormalizerSpec"),
    },
    "SentencePiece": {"piece": (1, "string"), "score": (2, "float"), "type": (3, "int32", "1")},
    "TrainerSpec": {
        "model_type": (3, "int32", "1"), "treat_whitespace_as_suffix": (24, "bool"), "byte_fallback": (35, "bool"),
    },
    "NormalizerSpec": {
        "precompiled_charsmap": (2, "bytes"), "add_dummy_prefix": (3, "bool", "true"),
        "remove_extra_whitespaces": (4, "bool", "true"),
    },
}  # fmt: skip
"""The fields of ``sentencepiece_model.proto`` that are read, with their numbers, types and defaults."""


def model(
    pieces: Sequence[tuple[str, float, int]], trainer: dict[str, int] | None = None, normalizer: dict[str, int] | None = None
) -> bytes:
    """Makes a model file, which folds no characters.

    Args:
        pieces: Text, score and type of each piece behind ``<unk>``, ``<s>`` and ``</s>``.
        trainer: Values of the trainer's fields.
        normalizer: Values of the normalizer's fields.
    """
    own = [("<unk>", 0.0, UNKNOWN), ("<s>", 0.0, CONTROL), ("</s>", 0.0, CONTROL)]
    written = [
        _field(1, _field(1, text.encode()) + _field(2, score) + _field(3, kind)) for text, score, kind in [*own, *pieces]
    ]
    options = [
        _field(number, b"".join(_field(_FIELDS[name][key][0], value) for key, value in (given or {}).items()))
        for number, name, given in ((2, "TrainerSpec", trainer), (3, "NormalizerSpec", normalizer))
    ]
    return b"".join([*written, *options])


def _field(number: int, value: bytes | int | float) -> bytes:
    if isinstance(value, bytes):
        return _count(number << 3 | 2) + _count(len(value)) + value
    if isinstance(value, float):
        return _count(number << 3 | 5) + struct.pack("<f", value)
    return _count(number << 3) + _count(value)


def _count(value: int) -> bytes:
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + _count(value >> 7)


def require_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes sure that model files can be read: by SentencePiece's library, else by a message with the fields above."""
    if HAS_LIBRARY:
        return
    descriptors = pytest.importorskip("google.protobuf.descriptor_pb2")
    from google.protobuf.descriptor_pool import DescriptorPool
    from google.protobuf.message_factory import GetMessageClass

    file = descriptors.FileDescriptorProto(name="model.proto", package="sentencepiece", syntax="proto2")
    for name, fields in _FIELDS.items():
        message = file.message_type.add(name=name)
        for key, (number, kind, *default) in fields.items():
            made: dict[str, Any] = {"type": getattr(descriptors.FieldDescriptorProto, f"TYPE_{kind.upper()}", 11)}
            made |= {"type_name": f".sentencepiece.{kind}"} if made["type"] == 11 else {}
            made |= {"default_value": default[0]} if default else {}
            message.field.add(name=key, number=number, label=3 if key == "pieces" else 1, **made)
    pool = DescriptorPool()
    pool.Add(file)
    module: Any = ModuleType("sentencepiece.sentencepiece_model_pb2")
    module.ModelProto = GetMessageClass(pool.FindMessageTypeByName("sentencepiece.ModelProto"))
    monkeypatch.setitem(sys.modules, "sentencepiece", ModuleType("sentencepiece"))
    monkeypatch.setitem(sys.modules, module.__name__, module)
