"""Checks a profile's file strictly: a misspelt key, a wrong type or a number without a source is an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hwcost.devices.kinds import DEVICE_KINDS, device_kind
from hwcost.devices.profile import (
    DTYPES,
    INTEGER_FIELDS,
    NUMBER_FIELDS,
    TEXT_FIELDS,
    DeviceProfile,
    Match,
    ProtocolDefaults,
)
from hwcost.errors import DataError

_TABLES = ("match", "flops_per_s", "protocol", "sources")
_PROTOCOL_INTEGERS = ("batch_size", "seq_len", "threads")

EXAMPLES = {
    "": ' Expected at the top of the file, such as name = "mydevice", title = "My device", kind = "cpu".',
    "protocol": " Expected batch_size = 1, seq_len = 128, dtype = \"float32\" and threads = 1, or other values that a "
    "measurement on this device uses unless some are given; [sources] then says why under 'protocol'.",
}
"""Examples of what every profile states, by the name of the table."""


def profile_from(document: Mapping[str, Any], where: str) -> DeviceProfile:
    """Builds a profile from a parsed file.

    Args:
        document: Content of the TOML file.
        where: Path of the file, for messages.

    Raises:
        DataError: When a key is unknown or missing, a value has the wrong type, or a number has no source.
    """
    _known_keys(document, (*TEXT_FIELDS, *INTEGER_FIELDS, *NUMBER_FIELDS, "last_framework", *_TABLES), "", where)
    _needed(document, TEXT_FIELDS, "", where)
    texts: dict[str, Any] = {key: _text(document, key, "", where) for key in TEXT_FIELDS}
    if texts["kind"] not in (known := DEVICE_KINDS.names()):
        raise DataError(f"{where}: kind is '{texts['kind']}'. Known: {', '.join(known)}.")
    optional = [key for key in (*INTEGER_FIELDS, *NUMBER_FIELDS) if key in document]
    numbers: dict[str, Any] = {key: _number(document, key, "", where, key in INTEGER_FIELDS) for key in optional}
    peaks = _table(document, "flops_per_s", where)
    _known_keys(peaks, DTYPES, "flops_per_s.", where)
    sources = _table(document, "sources", where)
    profile = DeviceProfile(
        **texts,
        **numbers,
        match=_match(_table(document, "match", where), texts["kind"], where),
        protocol=_protocol(_table(document, "protocol", where), where),
        flops_per_s={dtype: float(_number(peaks, dtype, "flops_per_s.", where)) for dtype in peaks},
        last_framework=_text(document, "last_framework", "", where) if "last_framework" in document else None,
        sources={key: _text(sources, key, "sources.", where) for key in sources},
    )
    _sources_complete(profile, where)
    return profile


def _match(table: Mapping[str, Any], kind: str, where: str) -> Match:
    facts = device_kind(kind).match_facts
    _known_keys(table, (kind, "not", *facts), "match.", where)
    words = _texts(table, kind, where)
    if not words:
        raise DataError(
            f"{where}: match.{kind} is missing. Expected a list of words that the name of a device of kind {kind} has, as "
            f"'hwcost devices detect' shows it, below a line [match]: {kind} = [\"...\"], or [\"*\"] for any."
        )
    given = tuple((name, _text(table, name, "match.", where)) for name in facts if name in table)
    return Match(words, _texts(table, "not", where), given)


def _protocol(table: Mapping[str, Any], where: str) -> ProtocolDefaults:
    _known_keys(table, (*_PROTOCOL_INTEGERS, "dtype"), "protocol.", where)
    _needed(table, (*_PROTOCOL_INTEGERS, "dtype"), "protocol", where)
    numbers = {key: int(_number(table, key, "protocol.", where, whole=True)) for key in _PROTOCOL_INTEGERS}
    dtype = _text(table, "dtype", "protocol.", where)
    if dtype not in DTYPES:
        raise DataError(f"{where}: protocol.dtype is '{dtype}'. Known: {', '.join(DTYPES)}.")
    return ProtocolDefaults(**numbers, dtype=dtype)


def _sources_complete(profile: DeviceProfile, where: str) -> None:
    facts = {*profile.numbers(), *(["last_framework"] if profile.last_framework else [])}
    for fact in sorted(facts):
        if profile.source(fact) is None:
            raise DataError(f"{where}: {fact} has no source. Add sources.{fact.partition('.')[0]}, or leave it out.")
    _known_keys(profile.sources, (*facts, *(fact.partition(".")[0] for fact in facts)), "sources.", where)


def _known_keys(table: Mapping[str, Any], known: tuple[str, ...], prefix: str, where: str) -> None:
    for key in table:
        if key not in known:
            names = ", ".join(sorted(set(known)))
            raise DataError(f"{where}: unknown key '{prefix}{key}'. Known: {names}.")


def _needed(table: Mapping[str, Any], keys: tuple[str, ...], name: str, where: str) -> None:
    """Raises DataError when a table lacks keys; says all of them at once."""
    missing = [key for key in keys if key not in table]
    if not missing:
        return
    example = EXAMPLES.get(name, "")
    what = f"{missing[0]} is" if len(missing) == 1 else f"{', '.join(missing[:-1])} and {missing[-1]} are"
    place = f"the table [{name}] lacks what every profile states: " if name else ""
    raise DataError(f"{where}: {place}{what} missing.{example}")


def _table(document: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    value = document.get(key, {})
    if not isinstance(value, Mapping):
        raise DataError(f"{where}: '{key}' must be a table, with a line [{key}] and its values below; got {value!r}.")
    return value


def _text(table: Mapping[str, Any], key: str, prefix: str, where: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"{where}: '{prefix}{key}' must be a text, got {value!r}.")
    return value


def _texts(table: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(word, str) and word for word in value):
        raise DataError(f"{where}: 'match.{key}' must be a list of texts, got {value!r}.")
    return tuple(value)


def _number(table: Mapping[str, Any], key: str, prefix: str, where: str, whole: bool = False) -> Any:
    value = table.get(key)
    kinds = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not 0 < value < float("inf"):
        noun = "whole number" if whole else "number"
        raise DataError(f"{where}: '{prefix}{key}' must be a positive {noun}, got {value!r}. Unknown is left out, not 0.")
    return value
