"""Kinds of workload of other distributions, looked at before a campaign is planned: an error names the kind and its slip.

hwcost's own are not looked at.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hwcost.errors import ContractError
from hwcost.registry import is_own, named
from hwcost.spaces.accounting import Work
from hwcost.workloads.registry import from_dict

if TYPE_CHECKING:
    from hwcost.workloads.base import Workload


def check(workload: Workload) -> None:
    """Looks at what a workload says of itself.

    Raises:
        ContractError: When it cannot be kept as plain JSON and made of it again, has no name, or counts no work.
        DataError: When its kind is unknown.
    """
    if is_own(type(workload)):
        return
    who = f"the workload {type(workload).__module__}.{type(workload).__name__}"
    if not isinstance(getattr(workload, "kind", None), str):
        raise ContractError(f"{who} has no kind; expected the name of its entry point, as kind: ClassVar[str] = '...'")
    with named(who, "as_dict (every field of a frozen dataclass is plain JSON)"):
        plain = json.loads(json.dumps(workload.as_dict(), allow_nan=False))
    with named(who, "name"):
        name: Any = workload.name
    if not isinstance(name, str) or not name:
        raise ContractError(f"{who} gave {name!r:.80} as its name; expected a text")
    with named(who, "work"):
        work: Any = workload.work()
    if not isinstance(work, Work | None):
        raise ContractError(f"{who} gave {work!r:.80} from work; expected a hwcost.spaces.accounting.Work, or None")
    again = from_dict(plain)
    if again.key != workload.key:
        raise ContractError(
            f"{who} is another one when it is made of what as_dict gives: {again.as_dict()!r:.200}. A measuring process "
            "makes it anew, so every field that matters has to be there, and lead to the same workload"
        )
