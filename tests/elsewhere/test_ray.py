"""Campaigns through Ray: a local node with two resources that stand for devices."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hwcost.elsewhere.transports import ConnectionLostError, Transport, queue, transport
from hwcost.errors import MissingExtraError, UsageError
from hwcost.testing.transports import QueueSuite
from tests.elsewhere import clusters, fleets

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def head() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="ray-"))
    try:
        with clusters.ray(folder) as address:
            yield address
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def url(head: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(queue, "POLL_S", 0.2)
    return f"{head}{tmp_path}/there?python={sys.executable}"


class TestRay(QueueSuite):
    @pytest.fixture
    def transport(self, url: str) -> Transport:
        made = transport(url)
        made.claim("k80", 1)
        return made


@pytest.mark.slow
def test_twenty_jobs_are_never_two_at_once_on_a_device(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "POLL_S", 1.0)
    fleets.assert_one_at_a_time(fleets.run_many(url, tmp_path, clusters.OF_RAY, 20), 20)


@pytest.fixture
def cpus(url: str) -> str:
    """The address with the resource that stands for this machine's CPU."""
    return f"{url}&resource=xeon"


@pytest.mark.slow
def test_a_stopped_job_leaves_failed_records_and_a_campaign_that_is_resumed(cpus: str, tmp_path: Path) -> None:
    fleets.assert_cancelled_and_resumed(cpus, tmp_path / "a.db", transport(cpus).stop, "Ray says STOPPED")


@pytest.mark.slow
def test_a_job_is_found_again_after_its_client_was_killed(cpus: str, tmp_path: Path) -> None:
    fleets.assert_found_again(cpus, tmp_path / "a.db")


def test_an_unknown_device_is_refused_at_once(url: str, tmp_path: Path) -> None:
    given = ["--device", "h100", "--backend", "null", "--space", "supershaper", "-n", "3", "--store", str(tmp_path / "a.db")]
    error = fleets.hwcost("measure", *given, "--on", url, status=3)
    assert "has h100=1, CPU=1" in error
    assert "There is: k80=1, l4=1, t4=1, xeon=1" in error
    assert not (tmp_path / "a.db").exists()
    transport(f"{url}&resource=k80").claim("h100", 1)


@pytest.mark.parametrize(("options", "hidden"), [("resource=k80", False), ("gpus=1", True)])
def test_gpus_are_hidden_only_where_ray_counts_them(options: str, hidden: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    submitted: list[dict[str, Any]] = []
    made = transport(f"ray://head?{options}")
    monkeypatch.setattr(type(made), "_client", SimpleNamespace(submit_job=lambda **given: submitted.append(given)))
    made.queued("a", "python run.py", "")
    (given,) = submitted
    left = (given["runtime_env"] or {}).get("env_vars", {})
    assert (left.get("RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES") != "1") == hidden


def test_a_cluster_that_does_not_answer_is_unreachable() -> None:
    pytest.importorskip("ray")
    (port,) = clusters.free_ports(1)
    with pytest.raises(ConnectionLostError, match="cannot be reached"):
        transport(f"ray://127.0.0.1:{port}").claim("k80", 1)


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray.job_submission", None)
    with pytest.raises(MissingExtraError, match=r"hwcost\[ray\]"):
        transport("ray://127.0.0.1").claim("k80", 1)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("ray:///folder", "names no host"),
        ("ray://host?resource=k80=many", "is not a resource"),
        ("ray://host?resource=k80=nan", "is not a resource"),
        ("ray://host?gpus=inf", "is not a resource"),
        ("ray://host?gres=gpu:1", "Known for ray: python, folder, resource, gpus"),
    ],
)
def test_addresses_that_are_refused(wrong: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        transport(wrong)
