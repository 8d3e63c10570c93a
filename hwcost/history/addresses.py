"""Where the device of an alarm is, and whether it is still the same one: only then measuring again tells of the code."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from hwcost.devices import find, require
from hwcost.errors import DeviceError, UnknownNameError

if TYPE_CHECKING:
    from hwcost.history.alarm import Setting
    from hwcost.history.check import Check
    from hwcost.stores.base import Store

__all__ = ["addresses", "refuse_another_here", "refuse_another_there"]


def addresses(store: Store, check: Check, series_keys: Collection[str]) -> dict[str, str]:
    """Returns the addresses of the machines elsewhere that measured series, each by its latest campaign.

    Args:
        store: Store of the history.
        check: Check whose runs count.
        series_keys: Keys of the series.

    Returns:
        Addresses by the keys of their series; a series that was measured here, or where nobody kept an address, has none.
    """
    from hwcost.history.check import WINDOW

    table = store.estimates(series_keys=series_keys, run_ids=[run.run_id for run in check.runs[-WINDOW:]])
    rows = zip(table.series.tolist(), table.campaign.tolist(), strict=True)
    latest = {table.series_key[row]: table.campaign_id[campaign] for row, campaign in rows if campaign >= 0}  # oldest first
    known = {campaign_id: _address(store, campaign_id) for campaign_id in set(latest.values())}
    return {key: on for key, campaign_id in latest.items() if (on := known[campaign_id]) is not None}


def _address(store: Store, campaign_id: str) -> str | None:
    """Returns the address of a campaign's machine; None too for a campaign that the store does not hold any more."""
    try:
        return store.campaign(campaign_id).on
    except UnknownNameError:
        return None


def refuse_another_here(setting: Setting) -> None:
    """Refuses to measure here what the device of another machine measured.

    Raises:
        DeviceError: When the device is not here, or the one of that name that is here is another one.
    """
    advice = "Run hwcost check on the machine that has it, with the same store."
    try:
        here = find(require(setting.device))
    except DeviceError:
        raise DeviceError(f"'{setting.device}' is not here, and no run says at what address it is. {advice}") from None
    if here is not None and setting.device_key not in (None, here.key):
        raise DeviceError(
            f"the nights were measured on another '{setting.device}' (key {setting.device_key}) than the one that is here, "
            f"{here.product} (key {here.key}). {advice}"
        )


def refuse_another_there(store: Store, campaign_id: str, setting: Setting) -> None:
    """Refuses the rounds of a machine elsewhere that has another device than the nights were measured on.

    Args:
        store: Store that holds the rounds.
        campaign_id: Campaign of the rounds.
        setting: The device that was expected, and the address.

    Raises:
        DeviceError: When it is another one.
    """
    first = next(store.records(campaign_id), None)
    key = None if first is None else first.environment.device.get("device_key")
    if None not in (key, setting.device_key) and key != setting.device_key:
        raise DeviceError(
            f"the nights were measured on another '{setting.device}' (key {setting.device_key}) than the one that is at "
            f"{setting.on} now (key {key}). Accept the change with hwcost accept, or let the machine of before measure."
        )
