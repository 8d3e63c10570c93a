"""The library's loggers, ``hwcost.*``; the application decides what is shown of them.

Importing ``hwcost`` does not import ``logging``: the first module that may log does, by importing this one.
"""

from __future__ import annotations

import logging

__all__ = ["logger"]

logging.getLogger("hwcost").addHandler(logging.NullHandler())  # without one, warnings would be printed


def logger(name: str) -> logging.Logger:
    """Returns the logger of a module.

    Args:
        name: Full name of the module.
    """
    return logging.getLogger(name)
