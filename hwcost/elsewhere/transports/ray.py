"""Machines of a Ray cluster, ``ray://HOST[:PORT][/folder]``, by its interface for jobs.

Ray starts the runner of the job folder with a Python of the node, as a command of a shell, and has no other part in it. So
the release of Ray and the Python of this process need not be those of the cluster, nor those that measure.
"""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from hwcost._cached import cached_property
from hwcost._extras import imported
from hwcost.elsewhere.transports.base import ConnectionLostError
from hwcost.elsewhere.transports.queue import VARIABLE, Queue, Standing
from hwcost.errors import DeviceError, UsageError

if TYPE_CHECKING:
    from hwcost.elsewhere.transports.address import Address

PORT = 8265
"""Usual port of the head node's interface for jobs."""

NODE_SHARE = 0.001
"""Part of a node's own resource, of which it has one, that binds a job to the node."""

MANY = 10_000
"""Nodes that are listed at most."""

SEES_ALL = {"RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES": "1"}
"""Environment variable that keeps Ray from hiding the GPUs from a job without one that Ray counts, as many releases do."""

_OWN = re.compile(r"(node:.*|memory|object_store_memory|CPU)")
"""Resources that Ray gives every node."""


class Ray(Queue):
    """Queues jobs by Ray's interface for them.

    Options:
        resource: Resource that stands for the device, ``NAME`` or ``NAME=AMOUNT`` (DEVICE=1); repeatable.
        gpus: Number of GPUs that Ray counts (0).
    """

    name: ClassVar[str] = "ray"
    option_names: ClassVar[tuple[str, ...]] = (*Queue.option_names, "resource", "gpus")

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        if not address.host:
            raise UsageError(f"'{address.url}' names no host. Expected ray://HOST[:PORT][/folder][?resource=NAME]")
        host = f"[{address.host}]" if ":" in address.host else address.host
        self._http = f"http://{host}:{address.port or PORT}"
        self._resources = dict(self._amount(one) for one in address.values("resource"))
        self._gpus = self._amount(f"gpus={address.value('gpus') or 0}")[1]
        self._threads = 1

    def claim(self, device: str, threads: int) -> None:
        """See the base class."""
        if not self._resources and not self._gpus:
            self._resources = {device: 1.0}
        self._threads = threads
        nodes = self._nodes()
        if not any(all(node.get(name, 0.0) >= amount for name, amount in self._wanted.items()) for node in nodes):
            here = "; ".join(_listed(node) for node in nodes) or "no node"
            raise DeviceError(
                f"no node of the Ray cluster at {self._http} has {self._asked}, asked for to measure on '{device}'. There "
                f"is: {here}. Say which resource the device is: ray://{self.address.host}?resource=NAME"
            )

    def found(self, job: str) -> str | None:
        """See the base class."""
        with self._reached():
            jobs = self._client.list_jobs()
        own = [one for one in jobs if (one.submission_id or "").startswith(f"hwcost-{job}-")]
        return next((one.submission_id for one in own if not one.status.is_terminal()), None)

    def queued(self, job: str, command: str, node: str) -> str:
        """See the base class."""
        resources = {**self._resources, **({f"node:{node}": NODE_SHARE} if node else {})}
        ticket = f"hwcost-{job}-{secrets.token_hex(4)}"
        environment = None if self._gpus else {"env_vars": SEES_ALL}
        with self._reached():
            self._client.submit_job(
                entrypoint=f"export {VARIABLE}='ray {ticket}'; {command}", submission_id=ticket, runtime_env=environment,
                entrypoint_resources=resources, entrypoint_num_cpus=self._threads, entrypoint_num_gpus=self._gpus or None,
            )  # fmt: skip
        return ticket

    def standing(self, ticket: str) -> Standing:
        """See the base class."""
        with self._reached():
            info = self._client.get_job_info(ticket)
        state, text = info.status.value, " ".join((info.message or "").split())
        node = urlsplit(info.driver_agent_http_address or "").hostname or ""
        if state == "PENDING":
            return Standing("waiting", f"no node has {self._asked} free")
        if state == "RUNNING":
            return Standing("running", node=node)
        if state in ("SUCCEEDED", "FAILED") and info.driver_exit_code is not None and info.driver_exit_code >= 0:
            return Standing("done", exit_status=info.driver_exit_code, node=node)
        return Standing("ended", f"Ray says {state}: {text[:400].rstrip('.')}", node=node)

    def cancel(self, ticket: str) -> None:
        """See the base class."""
        with self._reached():
            self._client.stop_job(ticket)

    @property
    def _wanted(self) -> dict[str, float]:
        return {**self._resources, **({"GPU": self._gpus} if self._gpus else {}), "CPU": float(self._threads)}

    @property
    def _asked(self) -> str:
        return ", ".join(f"{name}={amount:g}" for name, amount in self._wanted.items())

    @cached_property
    def _client(self) -> Any:
        return imported("ray.job_submission", "ray").JobSubmissionClient(self._http)

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """Turns errors of Ray's client into those of a transport.

        Raises:
            ConnectionLostError: When the cluster does not answer.
            DeviceError: When it refuses.
        """
        ray, requests, state = (imported(one, "ray") for one in ("ray.exceptions", "requests", "ray.util.state.exception"))
        try:
            yield
        except (ConnectionError, requests.exceptions.RequestException) as error:
            reason = " ".join(str(error).split())[:400].rstrip(".")
            raise ConnectionLostError(f"{self._http} cannot be reached: {reason}.") from None
        except (RuntimeError, ray.RayError, state.RayStateApiException) as error:
            raise DeviceError(f"{self._http} refuses: {' '.join(str(error).split())[:400].rstrip('.')}.") from None

    def _nodes(self) -> list[dict[str, float]]:
        """Returns the resources of every node that is up."""
        alive = ("state", "=", "ALIVE")
        with self._reached():
            self._client.get_version()  # says by an error of its own that nothing answers
            nodes = imported("ray.util.state", "ray").list_nodes(address=self._http, filters=[alive], limit=MANY)
        return [node["resources_total"] for node in nodes]

    def _amount(self, text: str) -> tuple[str, float]:
        name, _, amount = text.partition("=")
        try:
            found = float(amount or 1)
        except ValueError:
            found = -1.0
        if not name or not 0 <= found < math.inf:
            raise UsageError(f"'{self.url}': '{text}' is not a resource; write NAME or NAME=AMOUNT")
        return name, found


def _listed(node: dict[str, float]) -> str:
    """Returns the resources of a node as they are asked for."""
    own = [f"{name}={amount:g}" for name, amount in sorted(node.items()) if not _OWN.fullmatch(name)]
    return ", ".join([*own, f"CPU={node.get('CPU', 0):g}"])
