"""Where other tools' detectors see changes in the series on stdin; run by a Python that has them, without hwcost.

Reads ``{"series": [[...], ...]}`` and writes ``{"asv": [[[at, up], ...], ...], "otava": ...}``; a tool that is not there is
left out.
"""

import itertools
import json
import sys

LEAST = 0.03
P_VALUE = 0.001


def asv_changes(series):
    """Ends of the segments of asv's Potts fit whose values differ by the minimum effect."""
    from asv.step_detect import detect_steps

    found = []
    for y in series:
        steps = [(left, value) for left, _, value, _, _ in detect_steps(list(y))]
        pairs = itertools.pairwise(steps)
        found.append([(left, b > a) for (_, a), (left, b) in pairs if abs(b / a - 1) >= LEAST])
    return found


def otava_changes(series):
    """Change points of Otava with the minimum effect as its magnitude."""
    from otava.analysis import compute_change_points

    found = []
    for y in series:
        points, _ = compute_change_points(list(y), max_pvalue=P_VALUE, min_magnitude=LEAST)
        found.append([(int(one.index), bool(one.stats.mean_2 > one.stats.mean_1)) for one in points])
    return found


def main():
    """Reads the series and writes the changes."""
    series = json.load(sys.stdin)["series"]
    found = {}
    for name, detector in (("asv", asv_changes), ("otava", otava_changes)):
        try:
            found[name] = detector(series)
        except ImportError as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
