"""Lets a package be called like the public function of the same name.

``hwcost.measure`` is both a package and the function that users call. Whichever is imported first, the package ends up as
the attribute; so the package itself takes the call and hands it on.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


def make_callable(package: str, module: str, function: str) -> None:
    """Makes ``package(...)`` call ``module.function(...)``, imported at the first call."""

    class CallablePackage(ModuleType):
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return getattr(import_module(module), function)(*args, **kwargs)

    sys.modules[package].__class__ = CallablePackage
