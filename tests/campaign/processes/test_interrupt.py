"""Ctrl-C is raised again when something swallowed it."""

from __future__ import annotations

import signal

import pytest

from hwcost.campaign.processes.interrupt import Interrupt


def test_an_interrupt_that_was_swallowed_is_raised_at_the_next_check() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interrupt() as interrupt:
        interrupt.check()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            interrupt.check()
    assert signal.getsignal(signal.SIGINT) is before
