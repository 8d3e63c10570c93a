"""Ctrl-C and SIGTERM end a command once, with its words; never with a traceback."""

from __future__ import annotations

import signal
import subprocess
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest

from hwcost.campaign.processes.interrupt import Interrupt
from hwcost.cli import interrupts


@pytest.fixture(autouse=True)
def _caught() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("measures", [False, True])
def test_a_second_one_does_not_end_what_the_first_begins(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals, measures: bool
) -> None:
    interrupts.catch()
    with Interrupt() if measures else pytest.MonkeyPatch.context():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        monkeypatch.setattr(interrupts, "SAME_S", 0.0)  # later on, it ends even that
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)


class Leaving:
    def __init__(self, number: signal.Signals) -> None:
        self.number = number

    def __del__(self) -> None:
        signal.raise_signal(self.number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("is_callback", [False, True])
def test_one_that_comes_where_python_swallows_it_ends_the_command_all_the_same(
    number: signal.Signals, is_callback: bool
) -> None:
    interrupts.catch()
    if is_callback:
        target = Interrupt()
        weakref.finalize(target, signal.raise_signal, number)
    else:
        target = Leaving(number)
    del target
    began_s = monotonic()
    with pytest.raises(KeyboardInterrupt):
        sleep(10)
    assert monotonic() - began_s < 5  # it ends what the command waits for


def test_a_job_that_ignores_ctrl_c_is_ended_by_sigterm() -> None:
    """As the jobs in the background of a script do."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    interrupts.catch()
    signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)


def test_a_process_whose_command_has_ended_ends_at_once() -> None:
    interrupts.catch()
    interrupts.release()
    assert signal.getsignal(signal.SIGINT) == signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_ctrl_c_while_the_command_line_is_imported_shows_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("import signal; signal.raise_signal(signal.SIGINT)\n")
    begin = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    begin += f"sys.path.insert(0, {str(tmp_path)!r})\nfrom hwcost.__main__ import run; run()"
    done = subprocess.run([sys.executable, "-c", begin], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, "hwcost: interrupted\n")
