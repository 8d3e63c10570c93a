"""Ways to a machine that is elsewhere, one per file; each is imported when it is asked for."""

from __future__ import annotations

from hwcost.elsewhere.transports import plugin_transports
from hwcost.elsewhere.transports.address import Address
from hwcost.elsewhere.transports.base import ConnectionLostError, JobEndedError, Transport
from hwcost.registry import Registry

__all__ = ["TRANSPORTS", "Address", "ConnectionLostError", "JobEndedError", "Transport", "transport"]

TRANSPORTS = Registry(
    "hwcost.transports",
    "transport",
    {
        "local": "hwcost.elsewhere.transports.local:Local",
        "ray": "hwcost.elsewhere.transports.ray:Ray",
        "slurm": "hwcost.elsewhere.transports.slurm:Slurm",
        "ssh": "hwcost.elsewhere.transports.ssh:Ssh",
    },
)
"""Transports by the scheme of their addresses."""


def transport(url: str) -> Transport:
    """Makes the transport of an address, such as ``ssh://user@host:22/folder?python=python3.8``.

    Raises:
        UnknownNameError: When there is no such transport; lists the known ones.
        UsageError: When the address is not one, or has an option that the transport does not know.
    """
    address = Address.parse(url)
    return plugin_transports.checked(TRANSPORTS.make(address.scheme, address), address.scheme)
