"""The keys of configuration files and suites as documentation, in Markdown; tables stand where a page has their mark."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hwcost.configuration import OPTIONS
from hwcost.suites.schema import document_schema

OPTIONS_MARK, SUITES_MARK = "<!-- options -->", "<!-- suites -->"
"""Lines of a page in whose places the tables stand."""

TITLES = {
    "Suite": "A suite: `[suite.NAME]`, or its own file",
    "WorkloadSet": "Workloads: `[[suite.NAME.workloads]]`",
    "Place": "A device: an entry of `devices`",
    "Runtime": "A backend: an entry of `backends`",
    "Shape": "A shape: an entry of `shapes`",
    "PolicyRule": "A rule: `[[suite.NAME.policy]]`",
    "ModelSpec": "A cost model: `[suite.NAME.models.MODEL]`",
    "Limits": "Its limits: `[suite.NAME.models.MODEL.limits]`",
}
"""Heading of each kind of table."""


def filled(page: str) -> str:
    """Returns a page with the tables in place of its marks; a page without a mark stays as it is."""
    if SUITES_MARK not in page:
        return page
    return page.replace(OPTIONS_MARK, "\n".join(_options())).replace(SUITES_MARK, "\n".join(_suites()))


def _options() -> Iterator[str]:
    yield "| key | variable | command line | without it | meaning |"
    yield "|---|---|---|---|---|"
    for one in OPTIONS.values():
        yield f"| `{one.name}` | `{one.variable}` | `{one.flag}` | {one.default} | {one.help} |"


def _suites() -> Iterator[str]:
    definitions = document_schema()["$defs"]
    for name, title in TITLES.items():
        yield f"### {title}"
        yield ""
        yield "| key | type | without it | meaning |"
        yield "|---|---|---|---|"
        needed = definitions[name].get("required", ())
        for key, facts in definitions[name]["properties"].items():
            default = "needed" if key in needed else _default(facts.get("default"))
            meaning = facts["description"].replace("``", "`").replace("\n", " ")
            yield f"| `{key}` | {_kind(facts)} | {default} | {meaning} |"
        yield ""


def _default(value: Any) -> str:
    if value is None or value == "" or value == [] or value == {}:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if isinstance(value, (dict, list)) else str(value)


def _kind(facts: dict[str, Any]) -> str:
    """Returns the type of a key's values in a word or two."""
    if "enum" in facts:
        return ", ".join(map(str, facts["enum"]))
    if "anyOf" in facts:
        return " or ".join(_kind(one) for one in facts["anyOf"] if one.get("type") != "null")
    if "$ref" in facts or facts.get("type") == "object":
        return "table"
    if facts.get("type") == "array":
        return f"list of {_kind(facts['items'])}"
    return {"string": "text", "integer": "number", "number": "number", "boolean": "true or false"}[facts["type"]]
