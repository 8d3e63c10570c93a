"""What exporters and quantisers print, warn of and log, kept away from stdout and stderr."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator

EXPORTERS = ("onnx_ir", "onnxscript", "torch")
"""Libraries whose loggers are silenced during an export."""


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keeps the prints, warnings and log lines of exporters and quantisers from reaching stdout and stderr."""
    sink = io.StringIO()
    with _silent_loggers(), warnings.catch_warnings(), contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _silent_loggers() -> Iterator[None]:
    """Silences the exporter's own loggers for the time of an export, and no others."""
    logging.root.addFilter(_nothing)  # what is logged with no logger's name, as the quantiser does
    known = {name: logging.getLogger(name) for name in (*EXPORTERS, *logging.root.manager.loggerDict)}
    levels = [(one, one.level) for name, one in known.items() if name.partition(".")[0] in EXPORTERS]
    for one, _ in levels:
        one.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logging.root.removeFilter(_nothing)
        for one, level in levels:
            one.setLevel(level)


def _nothing(record: logging.LogRecord) -> bool:
    return False
