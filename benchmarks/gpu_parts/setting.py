"""What all parts share: the GPU, the store, and the seconds that a part may take."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

from hwcost.campaign import run as campaign
from hwcost.campaign.options import MeasureOptions
from hwcost.campaign.plans.plan import Item
from hwcost.campaign.run import Result
from hwcost.devices import DeviceHandle
from hwcost.stores import open_store


@dataclass(frozen=True)
class Setting:
    """The circumstances of a run.

    Attributes:
        device: GPU that is measured.
        store: File that takes the records.
        seconds: Seconds that the part may take.
        nets: Architectures of the campaign of SuperShaper; a smaller number is a trial run.
    """

    device: DeviceHandle
    store: Path
    seconds: float
    nets: int

    @property
    def place(self) -> str:
        """Torch's name of the GPU in this process."""
        from hwcost.backends.torch_place import torch_device

        return str(torch_device(self.device))


def measured(setting: Setting, items: list[Item], options: MeasureOptions, seconds: float) -> tuple[Result, float]:
    """Runs a campaign within so many seconds.

    Returns:
        The campaign, and the seconds that it took from its plan to its estimates.
    """
    began = time.monotonic()
    plan = options.plan(items)
    setting.store.parent.mkdir(parents=True, exist_ok=True)
    with open_store(str(setting.store)) as store:
        result = campaign.run(store, campaign.start(plan, store), budget_s=seconds, progress=_say)
    return result, time.monotonic() - began


def _say(progress: object) -> None:
    print(progress, file=sys.stderr, flush=True)
