"""Commands that several files of tests run."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import typer
from typer.testing import CliRunner, Result

from hwcost.cli import transfer


@pytest.fixture
def call() -> Callable[..., Result]:
    """A function that runs ``hwcost export`` or ``hwcost import`` with arguments, and returns what became of it."""
    app = typer.Typer()
    transfer.register(app)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])
