"""Ctrl-C and SIGTERM: what ends a command, once, so that it can keep its work and say how to go on."""

from __future__ import annotations

import os
import signal
import threading
import weakref
from collections.abc import Callable
from types import FrameType

SAME_S = 2.0
"""Seconds within which a further Ctrl-C is the same one: a key that is pressed twice, or held down."""

SOON_S = 0.01
"""Seconds after which a signal comes again that came where an exception is swallowed."""


def catch() -> None:
    """Lets Ctrl-C end the command once, and SIGTERM, by which queues, containers and ``timeout`` end it, do the same.

    A further one would end what the first one begins: keeping the work, and saying how to go on. Processes of ``torchrun``
    die of SIGTERM at once: one that waits for the others would not see an interrupt.
    """
    here = os.getpid()

    def end(number: int, frame: FrameType | None) -> None:
        on_ctrl_c = signal.getsignal(signal.SIGINT)
        if os.getpid() != here:  # a forked process, which its parent ends
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        elif callable(on_ctrl_c):
            on_ctrl_c(number, frame)
        else:  # a job in the background of a script, which ignores Ctrl-C
            raise KeyboardInterrupt

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _once())
    if "WORLD_SIZE" not in os.environ and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, end)


def release() -> None:
    """Lets both end the process at once and without a word, now that its command has ended."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)


def _once() -> Callable[[int, FrameType | None], None]:
    came_s = 0.0

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal came_s
        if _is_swallowed(frame):
            soon = threading.Timer(SOON_S, signal.pthread_kill, (threading.main_thread().ident, number))  # ends a wait too
            soon.daemon = True
            soon.start()
            return
        now_s = os.times().elapsed  # 0 on Windows, where every one counts
        if came_s and now_s - came_s < SAME_S:
            return
        came_s = now_s
        raise KeyboardInterrupt

    return interrupt


def _is_swallowed(frame: FrameType | None) -> bool:
    """Whether an exception that is raised in a frame ends there: in a destructor, or in a callback of a weak reference."""
    while frame is not None:
        if frame.f_code.co_name == "__del__" or frame.f_code.co_filename == weakref.__file__:
            return True
        frame = frame.f_back
    return False
