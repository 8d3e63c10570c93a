"""``torch.utils.benchmark``: ``Timer(...).blocked_autorange`` on one net after another, and its median.

Its interval is what a ``Measurement`` shows of itself, the interquartile range from the 25th to the 75th percentile.
Warnings are its own: an interquartile range of 10 % of the median or more.
"""

from __future__ import annotations

import numpy as np
import torch
from peer_tools.asked import Asked, Found, Reading, serve
from peer_tools.nets import calls
from peer_tools.setting import THREADS
from torch.utils.benchmark import Timer


def measure(asked: Asked) -> Found:
    """Measures the nets, each for an equal share of what is left of the time."""
    readings, warned = {}, []
    left = asked.nets
    with torch.inference_mode():
        for key, call in calls(asked).items():
            timer = Timer("call()", globals={"call": call}, num_threads=THREADS)
            measurement = timer.blocked_autorange(min_run_time=asked.share_s(left))
            low_s, high_s = np.quantile(measurement.times, (0.25, 0.75)).tolist()
            readings[key] = Reading(measurement.median, low_s, high_s)
            warned += [key] if measurement.has_warnings else []
            left -= 1
    return Found(readings, tuple(warned))


if __name__ == "__main__":
    serve(measure)
