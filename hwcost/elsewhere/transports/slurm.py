"""Machines that Slurm hands out: ``slurm://PARTITION[/folder]?gres=gpu:k80:1``, by its own programs.

Slurm starts the runner of the job folder with a Python of the node, as a plain command. So a node needs neither hwcost nor a
library that speaks with Slurm, and nothing is pickled.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from hwcost.elsewhere.transports.base import ConnectionLostError
from hwcost.elsewhere.transports.processes import TAIL
from hwcost.elsewhere.transports.queue import VARIABLE, Queue, Standing
from hwcost.errors import DeviceError, UsageError

if TYPE_CHECKING:
    from hwcost.elsewhere.transports.address import Address

SBATCH = ("account", "constraint", "mem", "nodelist", "qos", "reservation", "time")
"""Options of ``sbatch`` that an address may give as they are."""

RESOURCE = "hwdev:{device}:1"
"""Generic resource that is asked for where the address names none."""

WAITING = {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SUSPENDED", "SPECIAL_EXIT", "RESV_DEL_HOLD"}
RUNNING = {"RUNNING", "COMPLETING", "SIGNALING", "STAGE_OUT", "STOPPED"}

AWAY = ("Unable to contact slurm controller", "Socket timed out", "Connection refused", "Zero Bytes were transmitted")
"""Messages of Slurm's programs after which another attempt may succeed."""

YES, NO = ("yes", "user"), ("no", None)


class Slurm(Queue):
    """Queues jobs by ``sbatch``.

    Options:
        gres: Generic resources that stand for the device (hwdev:DEVICE:1); empty for none.
        exclusive: Whether a job has its node alone: ``yes``, ``user`` (beside jobs of the same user) or ``no`` (no).
        account, constraint, mem, nodelist, qos, reservation, time: Options of ``sbatch``.
    """

    name: ClassVar[str] = "slurm"
    option_names: ClassVar[tuple[str, ...]] = (*Queue.option_names, "gres", "exclusive", *SBATCH)

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        if not address.host:
            raise UsageError(f"'{address.url}' names no partition. Expected slurm://PARTITION[/folder][?gres=NAME:TYPE:1]")
        exclusive = address.value("exclusive")
        if exclusive not in (*YES, *NO):
            raise UsageError(f"'{address.url}': exclusive= is yes, user or no, got '{exclusive}'")
        self._options = {name: value for name in SBATCH if (value := address.value(name)) is not None}
        self._options |= {"exclusive": exclusive} if exclusive in YES else {}
        self._gres = address.value("gres")

    def claim(self, device: str, threads: int) -> None:
        """See the base class."""
        self._gres = RESOURCE.format(device=device) if self._gres is None else self._gres
        self._options["cpus-per-task"] = str(threads)
        partition, offers = self.address.host, self._offers()
        if partition not in offers:
            raise DeviceError(f"Slurm has no partition '{partition}'. It has: {', '.join(sorted(offers)) or 'none'}")
        here = sorted(offers[partition])
        for wanted in filter(None, self._gres.split(",")):
            if not any(_serves(one, wanted) for one in here):
                raise DeviceError(
                    f"the partition '{partition}' has no '{wanted}', asked for to measure on '{device}'. It has: "
                    f"{', '.join(here) or 'no generic resources'}. Say which of them the device is: "
                    f"slurm://{partition}?gres=NAME:TYPE:1"
                )

    def found(self, job: str) -> str | None:
        """See the base class."""
        listed = _said(["squeue", "--noheader", "--me", f"--name={_named(job)}", "--format=%i"], self.url).split()
        return listed[-1] if listed else None

    def queued(self, job: str, command: str, node: str) -> str:
        """See the base class."""
        options = {"partition": self.address.host, "gres": self._gres, **self._options}
        if node:
            options["nodelist"] = node
        given = [f"--{name}={value}" for name, value in options.items() if value and value != "yes"]
        given += [f"--{name}" for name, value in options.items() if value == "yes"]
        folder = self._shared.of(job)
        log = [f"--output={folder}/slurm.log", "--open-mode=append", f"--chdir={folder}", "--export=NONE"]
        script = f'#!/bin/sh\nexport {VARIABLE}="slurm $SLURM_JOB_ID"\n{command}\n'
        return _said(["sbatch", "--parsable", f"--job-name={_named(job)}", *log, *given], self.url, script).partition(";")[0]

    def standing(self, ticket: str) -> Standing:
        """See the base class."""
        try:
            shown = _said(["scontrol", "show", "job", "--oneliner", ticket], self.url)
        except ConnectionLostError:
            raise
        except DeviceError:
            return Standing("ended", "Slurm does not know it any more")
        fact = dict(re.findall(r"(?<!\S)(\w+)=(\S*)", shown))
        if "JobState" not in fact:
            return Standing("ended", "Slurm tells no state of it")
        state, reason, node = fact["JobState"], fact.get("Reason", "None"), fact.get("NodeList", "").replace("(null)", "")
        if state in WAITING:
            return Standing("waiting", "its turn has not come" if reason == "None" else reason, node=node)
        if state in RUNNING:
            return Standing("running", node=node)
        status, _, signal = fact.get("ExitCode", "").partition(":")
        if state in ("COMPLETED", "FAILED") and signal == "0":
            return Standing("done", exit_status=int(status), node=node)
        why = "" if reason == "None" else f" ({reason})"
        killed = f", killed by signal {signal}" if state == "FAILED" else ""
        return Standing("ended", f"Slurm says {state}{why}{killed}", node=node)

    def cancel(self, ticket: str) -> None:
        """See the base class."""
        _said(["scancel", ticket], self.url)

    def _offers(self) -> dict[str, set[str]]:
        """Returns the generic resources of the nodes in every partition."""
        found: dict[str, set[str]] = {}
        for line in _said(["sinfo", "--noheader", "--format=%R|%G"], self.url).splitlines():
            partition, _, resources = line.strip().partition("|")
            plain = re.sub(r"\([^)]*\)", "", resources)
            found.setdefault(partition, set()).update(one for one in plain.split(",") if one)
        return found


def _serves(offered: str, wanted: str) -> bool:
    """Says whether a resource of a node is the one asked for: its name, and its type where that is said."""
    here, asked = (re.sub(r"[:=]\d+[KMGT]?$", "", text).split(":") for text in (offered, wanted))
    return here[: len(asked)] == asked


def _named(job: str) -> str:
    return f"hwcost-{job}"


def _said(command: Sequence[str], url: str, given: str = "") -> str:
    """Runs a program of Slurm's and returns what it says.

    Raises:
        ConnectionLostError: When Slurm's controller does not answer.
        DeviceError: When the program is missing, or refuses.
    """
    how: dict[str, Any] = {"capture_output": True, "text": True, "errors": "replace", "check": False}
    try:
        done: subprocess.CompletedProcess[str] = subprocess.run(command, input=given, **how)
    except FileNotFoundError:
        remedy = "Install Slurm's client here, or call hwcost on a machine that has it"
        raise DeviceError(f"{url}: the program '{command[0]}' is missing. {remedy}") from None
    if done.returncode:
        text = " ".join(done.stderr.split())[-TAIL:] or f"it ended with status {done.returncode}"
        kind = ConnectionLostError if any(sign in text for sign in AWAY) else DeviceError
        raise kind(f"{url}: {text.removesuffix('.')}.")
    return done.stdout.strip()
