"""The JSON Schema of configuration files, suites included; ``docs/hwcost.schema.json`` holds it for editors."""

from __future__ import annotations

from typing import Any

from pydantic import Field, create_model

from hwcost.configuration.settings import settings_model
from hwcost.suites.suite import Suite

ADDRESS = "https://hwcost.readthedocs.io/en/latest/hwcost.schema.json"


def document_schema() -> dict[str, Any]:
    """Returns the JSON Schema of ``hwcost.toml``; a suite's own file is one of its ``$defs``, ``Suite``."""
    model = create_model(
        "hwcost.toml",
        __base__=settings_model(),
        suite=(dict[str, Suite], Field(default_factory=dict, description="Suites by name.")),
    )
    found = model.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": ADDRESS, **found}
