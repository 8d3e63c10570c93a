"""Properties that are computed once an object, without a lock.

Up to Python 3.11 ``functools.cached_property`` holds one lock for all objects of a class: threads that fit different models
wait for each other, and a child that is forked meanwhile waits for ever. Here two threads may compute a value twice; both
values are equal, since objects do not change.

This property is used wherever a value is kept, so that nobody has to know which objects threads share. The one exception is
``hwcost.systems``, which is built on public names: a pipeline belongs to one thread.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

__all__ = ["cached_property"]

if TYPE_CHECKING or sys.version_info >= (3, 12):
    from functools import cached_property
else:

    class cached_property:  # noqa: N801  (the name of what it stands in for)
        """A property whose value is kept in the object's ``__dict__``, which is asked before this class.

        Args:
            compute: Method that computes the value.
        """

        def __init__(self, compute: Any) -> None:
            self.compute = compute
            self.__doc__ = compute.__doc__

        def __set_name__(self, owner: type, name: str) -> None:
            self.name = name

        def __get__(self, instance: Any, owner: type | None = None) -> Any:
            if instance is None:
                return self
            value = instance.__dict__[self.name] = self.compute(instance)
            return value
