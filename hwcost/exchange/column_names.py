"""What the name of a column says: a latency, a statistic of one, something computed from it, and the unit of time."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hwcost._patterns import Pattern

_WORDS = r"(?:(?:mean|avg|average|median|p50|inference|infer|exec|execution|run|real|wall|elapsed|measured|cpu|gpu)[ _]?)*"
_STEMS = r"(?:latency|latencies|lat|times?|runtimes?|durations?|elapsed)"
_SECONDS = ("s", "sec", "secs", "second", "seconds")
_PARTS_OF_SECONDS = {"m": "ms", "milli": "ms", "u": "us", "µ": "us", "μ": "us", "micro": "us", "n": "ns", "nano": "ns"}
UNIT_NAMES = dict.fromkeys(_SECONDS, "s") | {
    f"{part}{second}": unit for part, unit in _PARTS_OF_SECONDS.items() for second in _SECONDS
}
UNIT = "|".join(sorted(UNIT_NAMES, key=len, reverse=True))
_WITH_UNIT = Pattern(rf"(?P<what>.*?)[ _.,\-]*(?:\bin[ _]+)?[\[(]?\b(?P<unit>{UNIT})\b[\])]?", re.IGNORECASE)
_UNDERSCORED = Pattern(rf"(?P<what>.*)[_.](?P<unit>{UNIT})", re.IGNORECASE)
_BARE = Pattern(rf"[\[(]?(?P<unit>(?!(?:s|ns)\b)(?:{UNIT}))[\])]?", re.IGNORECASE)
_SPELLED = Pattern(r"(milli|micro|nano)[ _-]+(?=s(?:ec(?:ond)?s?)?(?![a-z]))", re.IGNORECASE)
_MICRO = Pattern(r"(?:\$?\\mu\}?\$?[\s~{}]*|(?<![A-Za-z])[µμ]\s+)(?=s(?:ec(?:ond)?s?)?(?![A-Za-z]))")
_MULTIPLE = Pattern(
    r"[\[(][^\])]*[\d*^x×]\s*$|(?:pico|centi|deci|kilo)[ _-]*$|[\u2070\u00b9\u00b2\u00b3\u2074-\u2079]$"
    r"|(?:\^\s*\{?[-\u2212]?|\de[+-]?)\d+\}?$|(?<![^\W_])[x×*] ?10{2,}(?!\d)|\bof(?: an?)?$",
    re.IGNORECASE,
)
_PREFIX = Pattern(r"(?<![^\W_])(?:m|u|n|p|mu)[ _{}$-]+$|[^\w\s(\[{_.,:/<>|'\"-]$")
_PER_CALL = Pattern(
    r"[ _]?(?:/|per)[ _]?(?:op|iter|iteration|call|sample|query|run|inference|batch|token|image|img|frame|seq|sequence|step"
    r"|request)(?![a-z])"
)
_PER_PART = Pattern(r"(?:/|per)[ _]?(?:token|image|img|frame|seq|sequence|step|sample)(?![a-z])", re.IGNORECASE)
_ENTRY = Pattern(r"(?:\.\d+)+$")
_MARKS = " \t\u2193\u2191\u2b07\u2b06\u25bc\u25b2\u2020\u2021\u00a7*"
_AMID = Pattern(
    r"(?<![A-Za-z0-9µμ'])(?P<unit>(?<=[_(\[])s|[mnuµμ]s(?:ecs?|econds?)?|(?:milli|micro|nano)s(?:ec|econd)s?)(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_SCALED = Pattern(r"[\d*^x×]\s*$|(?:milli|micro|nano|pico|centi|deci|kilo)[ _-]*$", re.IGNORECASE)
_FACTOR = Pattern(r"[x×*^]\s*\d|\d\s*[x×*^]|e[+-]\d|/\s*10{2,}(?!\d)", re.IGNORECASE)
_HUMP = Pattern(r"(?<=[a-z])(?=[A-Z])")
_RATE = Pattern(r".*(/|[ _]per)", re.IGNORECASE)
_RATE_NAME = Pattern(
    r"(.*[ _.-])?(fps|qps|ips|rps|tps|throughput)([ _.\-(\[].*)?|(avg|mean|median|samples)_ts"
    r"|.*(/|[ _]per[ _])s(ec|econd)?s?((/|[ _]per[ _])(gpu|device|chip|card|core|node|user))?[)\]]?",
    re.IGNORECASE,
)
_WORD = Pattern(r"[^\W\d_]+")
TIMES = frozenset(("latency", "latencies", "lat", "time", "times", "runtime", "duration", "elapsed"))
_ENDS = TIMES - {"lat", "times"}
"""Words that make a name one of a time where they end it, such as ``prefill_time``; ``times`` may count."""

_OF_SERVING = frozenset(("ttft", "tpot", "itl", "tbt", "e2el"))
"""Names of times by which the serving of language models is judged: to the first token, for every further one, in all."""

_GENERAL = frozenset(("time", "times", "runtime", "run", "duration", "elapsed", "wall"))
_OTHER_TIMES = frozenset(
    ("std", "stdev", "stddev", "sd", "var", "iqr", "cv", "err", "error", "ci", "rank", "compile", "compilation", "load",
     "loading", "build", "warmup", "train", "training", "tuning", "export", "predicted", "pred", "target")
)  # fmt: skip
_WARM_UP = Pattern(r"warm[ _-]?(?:up|ing)|warmUp", re.IGNORECASE)
_BEFORE_A_TIME = frozenset(
    ("log", "ln", "normalized", "normalised", "standardized", "standardised", "relative", "rel", "scaled", "inverse", "inv",
     "reciprocal", "delta", "diff", "neg", "negative", "sqrt")
)  # fmt: skip
_BEHIND_A_TIME = frozenset(("overhead", "improvement", "gain", "saving", "savings", "saved", "penalty", "increase", "gap"))
_OF_MANY = Pattern(
    r"\A1 ?/ ?(?=[a-z(])|(?<![a-z])per[ _]?(?:[2-9]|\d\d+)[ _]?[a-z]+"
    r"|(?<![a-z])for[ _]?(?:[2-9]|\d\d+)[ _]?(?:iter|run|call|inference|quer|request)[a-z]*",
    re.IGNORECASE,
)
_COUNT = Pattern(
    r"(?<![a-z\d.])(?:[2-9]|\d\d+)[ _]?(?:iter|run|call|inference|quer|request|loop|rep)[a-z]*", re.IGNORECASE
)
"""A number of runs, which a total is of: ``time_100_iters_s``; a mean is of one of them: ``mean_100_runs_ms``."""

_ANYWHERE = frozenset(
    ("ratio", "speedup", "percent", "percentage", "pct", "zscore", "rank", "budget", "limit", "deadline", "slo", "sla",
     "threshold", "constraint", "timeout", "cycles", "kcycles", "mcycles", "gcycles", "ticks", "difference", "count",
     "counts")
)  # fmt: skip
_OF_ONE_HUNDRED = Pattern(r"(?<!\d)(?<!\d )%")
_RATE_UNIT = Pattern(
    r"(?:^|[\[(_., ])(?P<rate>(?:(?:im(?:a?ge?)?|sample|tok(?:en)?|t|frame|req(?:uest)?|seq(?:uence)?|item|it|iter(?:ation)?"
    r"|op|call|run|inf(?:erence)?|batch|example)(?:e?s)?|quer(?:y|ies))[ _]?(?:/|per)[ _]?s(?:ec(?:ond)?)?"
    r"|(?:fps|qps|ips|rps|tps)(?=[\])]))[\])]?$",
    re.IGNORECASE,
)
_INPUTS = frozenset(("audio", "video", "utterance", "speech", "recording", "waveform", "wav", "song", "track", "media"))
"""Inputs that last for some time: with a word for an extent, a name gives a property of the input and not a latency."""

_SHARED_INPUTS = frozenset(("clip", "segment", "chunk", "frame", "window", "input", "context", "silence", "signal"))
"""Such inputs whose duration may as well be that of the computation, so that only a length says which."""

_SETTINGS = frozenset(("hop", "stride", "lookahead", "interarrival", "utterance"))
"""Times that are chosen, whatever else their name says."""

_LENGTHS = frozenset(("length", "len", "lengths"))
_EXTENTS = _LENGTHS | {"duration", "durations", "dur", "seconds", "secs", "sec"}
_BESIDE_EXTENTS = frozenset(("mean", "avg", "average", "max", "min", "total", "in", "sample", "frame", "window", "size"))
REPEATS = frozenset(
    ("run", "rep", "repeat", "repetition", "trial", "iter", "iteration", "measurement", "sample", "try", "attempt", "pass",
     "round", "t", "inference", "infer", "measured", "wall")
)  # fmt: skip
_INSTANT = Pattern(r"(?:.*[_ .-])?(?:start|stop|end|begin|creat|arriv|finish|submit)\w*[_ ]?time", re.IGNORECASE)
_INSTANTS = frozenset(
    ("start", "started", "begin", "end", "ended", "stop", "stopped", "finish", "finished", "timestamp", "timestamps",
     "stamp", "ts", "epoch", "unixtime")
)  # fmt: skip
_OF_INSTANTS = frozenset(("at", "in", "time", "wall", "clock", "unix", "cpu", "gpu", "host", "kernel", "compute", "event"))
_WHOLE = Pattern(r"(?<![a-z])(?:total|e2e|end[ _-]?to[ _-]?end|whole|full|overall|request|batch)(?![a-z])")
_VOCABULARY = frozenset(("mean", "average", "avg", "median", "inference", "of"))
MIDDLES, SPREADS = "mean|avg|average|median|p50", "std|std_dev|stddev|stdev|sd"
_OF_MIDDLES = frozenset(("mean", "avg", "average", "median"))
_OF_SPREADS = frozenset(("std", "stddev", "stdev", "sd"))
_WITH_SPREAD = Pattern(rf"\b({MIDDLES})\s*(?:±|\+/-|[(\[/&,])\s*(?:{SPREADS})\b[)\]]?", re.IGNORECASE)
"""A mean beside its spread, as ``mean (std)`` says of cells that hold both."""

_PARTS = rf"{MIDDLES}|{SPREADS}|min|max|minimum|maximum|iqr|cv|var|variance|[pq]\d\d?(?:\.\d+)?"
_STATISTIC = Pattern(
    rf"(?:{_PARTS}|rsd|noise|(?:score[ _])?err(?:or)?|outliers(?:\.\d)?)(?: ?[\[(][\W\d]*\w{{0,3}}\W?[\])])?"
    r"|(?:percentiles?|quantiles?)\..+|sem|std_?err|(?:100|\d\d?(?:\.\d+)?|(?:cdf|cum(?:ulative)?)?) ?%"
    r"|(?:ci|confidence)[ _]?\d*(?:[ _](?:interval|low|lower|lo|high|upper|hi))*"
    r"|(?:low|lower|high|upper)[ _](?:bound|ci)[ _]?\d*",
    re.IGNORECASE,
)
_NUMBERED = Pattern(r"(?<=%[)\]])\.\d+$|(?<=%)\.\d+$")
_STATISTIC_END = Pattern(rf"(?P<head>.*[\w)\]])(?:[ _.,\-]+|[ _]*[\[(])(?P<end>{_PARTS})[\])]?", re.IGNORECASE)
_NUMBER_END = Pattern(r"(?P<head>.*[^\W\d_][\])]?)[ _.#-]*(?P<end>\d+)")
_BRACKETED = Pattern(r"\s*[\[(].*")
_LATENCY_NAME = Pattern(rf"{_WORDS}{_STEMS}(?:[ _.-](?:{MIDDLES}))?", re.IGNORECASE)


def is_latency_name(name: str) -> bool:
    """Whether a column is named as latencies are and so is not a feature.

    ``latency``, ``latency_p99_s``, ``time_ms``, ``run2_us``, ``time``, and statistics of times such as ``time_mlp.median``.
    """
    name = name.strip(_MARKS)
    what, unit = _at_end(name)
    words = words_of(name)
    if is_input_extent(name):
        return False
    if not words.isdisjoint(_OF_SERVING | {"latency", "latencies"}):
        return True
    if unit is not None:
        is_named = _is_latency(what) or unit != "s" or not what or not words.isdisjoint(TIMES)
        is_named = is_named or words_of(what) <= _OF_MIDDLES  # of a mean, a plural in brackets makes no sense
        return is_named and not _is_rate(name, what)
    if match := _STATISTIC_END.fullmatch(name.strip()):
        return not words.isdisjoint(TIMES) or is_latency_name(match["head"])
    if match := _NUMBER_END.fullmatch(name.strip()):
        return is_latency_name(match["head"]) and _at_end(match["head"])[0] != ""
    if "%" in name and not words.isdisjoint(_ENDS):  # a share of the time, such as ``Self Time on Device (%)``
        return True
    plain = _BRACKETED.sub("", name)
    return _is_latency(plain) or not _ENDS.isdisjoint(words_in_order(plain)[-1:]) or _amid(name) is not None


def is_input_extent(name: str) -> bool:
    """Whether a name gives how long an input lasts, or a time that is chosen: ``audio_duration_s``, ``hop_ms``."""
    words = words_of(name)
    extents, rest = words & _EXTENTS, words - _EXTENTS - _BESIDE_EXTENTS - UNIT_NAMES.keys()
    if rest and rest <= _SETTINGS:
        return bool(extents) or split_unit(name)[1] is not None
    if not rest:  # a word beside others, such as the frame of ``frame_length_ms``
        return not words.isdisjoint(_LENGTHS) and not words.isdisjoint(_SHARED_INPUTS)
    return bool(extents) and rest <= (_INPUTS | _SHARED_INPUTS if extents <= _LENGTHS else _INPUTS)


def computed_word(name: str) -> str | None:
    """Returns the word by which a column is something that is computed from a latency, or a bound on one: no latency itself.

    ``log`` of ``log10_latency``, ``normalized``, ``slo``, ``per 1000 images``, ``img/s``, ``%``. A word such as ``log``
    counts right before a word for a time or at the end: ``log_softmax_ms`` is the time of an operator.
    """
    if match := _OF_MANY.search(name.strip(_MARKS)):
        return match[0].strip()
    if not is_typical(name) and (match := _COUNT.search(name)):
        return match[0]
    if match := _RATE_UNIT.search(name.strip(_MARKS)):
        return match["rate"]
    if _OF_ONE_HUNDRED.search(name):
        return "%"
    words = words_in_order(name)
    for before, word, following in zip(["", *words], words, [*words[1:], ""], strict=False):
        if word in _ANYWHERE or (word in _BEHIND_A_TIME and before in TIMES):
            return word
        if word in _BEFORE_A_TIME and (not following or following in TIMES | _VOCABULARY):
            return word
    return None


def is_statistic_name(name: str) -> bool:
    """Whether a column is named as a statistic and nothing else (``p99``, ``std``): beside a latency it is one of it."""
    return _STATISTIC.fullmatch(_NUMBERED.sub("", name.strip())) is not None


def split_unit(name: str) -> tuple[str, str | None]:
    """Splits a unit of time off a name: ``latency_ms``, ``latency (ms)``, ``latencyUs``, ``time/ns``, ``ms``.

    A statistic or a number may stand behind it, and stays with the rest: ``latency_ms_mean``, ``Latency [ms] (p50)``.
    """
    plain = name.strip(_MARKS)
    what, unit = _at_end(plain)
    if unit is not None:
        return what, unit
    if _FACTOR.search(plain):
        return name, None
    for pattern in (_STATISTIC_END, _NUMBER_END):
        match = pattern.fullmatch(plain)
        inner = ("", None) if match is None else split_unit(match["head"])
        if match is not None and inner[1] is not None and (inner[0] or pattern is _STATISTIC_END):
            return f"{inner[0]}_{match['end']}".strip("_"), inner[1]
    return _amid(plain) or (name, None)


def _amid(name: str) -> tuple[str, str] | None:
    """Splits off the only unit that stands within a name of a time: ``latency_ms_gpu``, ``Latency (ms, batch 1)``."""
    if words_of(name).isdisjoint(TIMES) or _FACTOR.search(name):
        return None
    found = list(_AMID.finditer(name))
    if len(found) != 1:
        return None
    head = name[: found[0].start()]
    if _SCALED.search(head) or _is_multiple(head, found[0]["unit"]):
        return None
    before, after = name[: found[0].start()].rstrip(" _.,-([{"), name[found[0].end() :].strip(" _.,-)]}")
    return f"{before}_{after}".strip("_"), UNIT_NAMES[found[0]["unit"].lower()]


def _at_end(name: str) -> tuple[str, str | None]:
    """Splits off a unit that ends a name; a multiple of a unit, such as ``latency (100 us)``, is none."""
    plain = _MICRO.sub("µ", _SPELLED.sub(r"\1", _PER_CALL.sub("", name.strip())))
    if bare := _BARE.fullmatch(plain):
        return "", UNIT_NAMES[bare["unit"].lower()]
    for text in (plain.replace("/", " ").strip(), _HUMP.sub("_", plain)):
        match = _UNDERSCORED.fullmatch(text) or _WITH_UNIT.fullmatch(text)
        if match is not None and match["what"].strip(" _"):
            head = text[: match.start("unit")]
            is_multiple = _is_multiple(head, match["unit"]) and "," not in head[match.end("what") :]
            return (name, None) if is_multiple else (match["what"].strip(" _.,-([{"), UNIT_NAMES[match["unit"].lower()])
    return name, None


def _is_multiple(head: str, unit: str) -> bool:
    """Whether what stands before a unit scales it: ``(10^-3 s)``, ``x1000_s``, ``tenths of a second``, ``m s``.

    A sign such as the question mark of ``(?s)`` stands where a micro sign was before an encoding lost it.
    """
    if _MULTIPLE.search(head.rstrip(" _.,-([{")):
        return True
    return unit[:1].lower() == "s" and _PREFIX.search(head) is not None


def words_of(name: str) -> set[str]:
    """Returns the words of a name in small letters: ``mean`` and ``latency`` of ``meanLatency_2``."""
    return set(words_in_order(name))


def words_in_order(name: str) -> list[str]:
    """Returns the words of a name in small letters, as they stand."""
    return [word.lower() for word in _WORD.findall(_HUMP.sub("_", name))]


def is_general(name: str) -> bool:
    """Whether a name says a time and not of what, such as ``duration_s``: it may be that of a whole benchmark."""
    return words_of(split_unit(name)[0]) <= _GENERAL


def is_typical(name: str) -> bool:
    """Whether a name says the middle of several measurements: ``averageMs``, ``mean_ttft_ms``."""
    return not words_of(name).isdisjoint(_OF_MIDDLES)


def spread_of(name: str) -> frozenset[str] | None:
    """Returns the words of what a name gives the spread of, ``power`` for ``power_std_w``; None where it gives none."""
    words = words_of(split_unit(name)[0])
    return None if words.isdisjoint(_OF_SPREADS) else frozenset(words - _OF_SPREADS - {"dev"})


def middle_of(name: str) -> frozenset[str]:
    """Returns the words of what a name gives, ``power`` for ``mean_power_w``."""
    return frozenset(words_of(split_unit(name)[0]) - _OF_MIDDLES)


def says_latency(name: str) -> bool:
    """Whether a name has the word for a latency: ``lat_ms``, ``meanLatency``; not ``platform_ms``."""
    return any(word == "lat" or "latenc" in word for word in words_of(name))


def _is_rate(name: str, what: str) -> bool:
    """Whether a unit at the end of a name stands below a stroke, as in ``frames/ms`` but not in ``latency/ms``."""
    head = _PER_CALL.sub("", name.strip())[: len(what) + 1]
    return not _is_latency(what) and (_RATE.fullmatch(head) is not None or _RATE.fullmatch(what) is not None)


def _is_latency(what: str) -> bool:
    return _LATENCY_NAME.fullmatch(what.strip()) is not None


def named_as_latencies(names: Sequence[str]) -> list[str]:
    """Returns the names that say a latency and nothing else; where there are none, those of any times but special ones."""
    return [name for name in names if _is_latency(split_unit(name)[0])] or named_as_times(names)


def named_as_times(names: Sequence[str]) -> list[str]:
    """Returns the names that say a time, but for special ones such as those of loading, and what is computed from times."""
    times = [name for name in names if is_latency_name(name) and computed_word(name) is None]
    times = [name for name in times if not is_instant(name)]
    plain = {name: _WARM_UP.sub("warmup", _WITH_SPREAD.sub(r"\1", name)) for name in times}
    return [name for name in times if words_of(plain[name]).isdisjoint(_OTHER_TIMES)]


def is_of_cold_call(name: str) -> bool:
    """Whether a name says the time of a first call, as beside that of later ones: ``cold_start_ms``."""
    return "cold" in words_of(name)


def is_instant(name: str) -> bool:
    """Whether a name says when something was, and not how long it took: ``start_time``, ``endInMs``, ``timestamp_us``."""
    words = words_of(split_unit(name)[0])
    return bool(_INSTANT.fullmatch(name)) or (not words.isdisjoint(_INSTANTS) and words <= _INSTANTS | _OF_INSTANTS)


def unit_of(text: str) -> str | None:
    """Returns the unit of time that a text names, ``us`` for ``us/op``: ``s``, ``ms``, ``us`` or ``ns``; None for none."""
    return UNIT_NAMES.get(_PER_CALL.sub("", text.strip().lower()))


def cpu_times(names: Sequence[str]) -> list[str]:
    """Returns the names of the CPU times that ``time`` and hyperfine give: ``user`` and ``system``, where both are there."""
    found = [name for name in names if name.strip().lower() in ("user", "sys", "system")]
    return found if len(found) == 2 and any(name.strip().lower() == "user" for name in found) else []


def is_rate_name(name: str) -> bool:
    """Whether a column is named as a rate, or as an entry of a list of them: ``fps``, ``samples/s``, ``throughput.0``."""
    return _RATE_NAME.fullmatch(_ENTRY.sub("", name)) is not None


def is_of_part(name: str) -> bool:
    """Whether a name says the time of a part of a call: ``latency_per_token_ms``, ``latency per step``."""
    return _PER_PART.search(name) is not None


def is_of_whole(name: str) -> bool:
    """Whether a name says the latency of a whole call, as beside that of its parts: ``total_latency_ms``."""
    return says_latency(name) and names_whole(name)


def names_whole(name: str) -> bool:
    """Whether a name says the whole of something, and not a part: ``total_ms``."""
    return not is_of_part(name) and _WHOLE.search(_HUMP.sub("_", name).lower()) is not None
