"""``hwcost devices``: what is known of devices, what is here, and what it really reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwcost.cli import console, listing

if TYPE_CHECKING:
    from hwcost.devices import DeviceProfile
    from hwcost.timing.probe import ProbeResult

app = typer.Typer(help="List, inspect, detect and probe devices.", no_args_is_help=True)

_UNITS = {
    "flops_per_s": "FLOP/s",
    "memory_bytes_per_s": "B/s",
    "memory_bytes": "B",
    "l1d_bytes": "B",
    "l2_bytes": "B",
    "l3_bytes": "B",
    "clock_hz": "Hz",
    "power_w": "W",
}


@app.command("list")
def list_(json: console.Json = None, quiet: console.Quiet = False, verbose: console.Verbose = False) -> None:
    """List all device profiles, and which of them are here; what cannot be read or imported is listed with the reason."""
    from hwcost.devices import PACKAGES, every, find, present, resolve
    from hwcost.devices.kinds import unusable_kinds
    from hwcost.units import format_bytes, format_si

    here = present()
    known, broken = every()
    broken |= listing.unusable(PACKAGES) | unusable_kinds()
    profiles = [resolve(profile, here) for profile in known.values()]
    found = {profile.name: find(profile, here) is not None for profile in profiles}
    document = {"devices": [{**p.to_dict(), "here": found[p.name]} for p in profiles], "unusable": broken}
    if console.write_json(document, json):
        return
    rows = []
    for profile in profiles:
        dtype = "float32" if "float32" in profile.flops_per_s else profile.protocol.dtype
        peak = format_si(profile.peak(dtype), "FLOP/s")
        bandwidth = format_si(profile.memory_bytes_per_s, "B/s")
        memory = format_bytes(profile.memory_bytes)
        is_here = "yes" if found[profile.name] else "no"
        rows.append([profile.name, profile.kind, f"{peak} {dtype}", bandwidth, memory, is_here])
    rows += [[name, "unusable", "-", "-", "-", "no"] for name in broken]
    footer = "Figures are vendors' (hwcost devices show NAME for sources); - is unknown."
    console.print_table("Devices", ["device", "kind", "peak", "memory bandwidth", "memory", "here"], rows, footer)
    listing.say(broken)


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME|FILE.toml", help="Name of a profile, or the path of its file.")],
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Show every number of a profile with its source, and what was probed beside it."""
    from hwcost.devices import find, present, resolve
    from hwcost.timing.probe import load_probe

    here = present()
    profile = resolve(name, here)
    device = find(profile, here)
    report = load_probe(device.key) if device else None
    results = report.results if report else ()
    document = {
        "device": profile.to_dict(),
        "here": device is not None,
        "device_key": device.key if device else None,
        "probes": report.to_dict()["results"] if report else [],
    }
    if console.write_json(document, json):
        return
    rows, sources = _facts(profile, results)
    state = f"here, key {device.key}" if device else "not here"
    title = f"{profile.name}: {profile.title} ({profile.kind}, {state})"
    console.print_table(title, ["fact", "value", "measured", "source"], rows, _footnotes(sources))


@app.command()
def detect(json: console.Json = None, quiet: console.Quiet = False, verbose: console.Verbose = False) -> None:
    """Show which devices are here and the profiles they answer to."""
    from hwcost.devices import present, profiles_of
    from hwcost.devices.kinds import unusable_kinds
    from hwcost.units import format_bytes

    found = [(device, profiles_of(device)) for device in present()]
    if console.write_json({"devices": [{**d.to_dict(), "profiles": answers} for d, answers in found]}, json):
        return
    rows = []
    for device, answers in found:
        cores, memory = _dash(device.cores), format_bytes(device.memory_bytes)
        names = ", ".join(answers) or "none"
        rows.append([device.product, device.kind, str(device.index), names, cores, memory, device.key])
    columns = ["product", "kind", "index", "profiles", "cores", "memory", "key"]
    console.print_table("Devices that are here", columns, rows, "--device PROFILE:INDEX takes one of several.")
    listing.say(unusable_kinds())


@app.command()
def probe(
    device: Annotated[
        str, typer.Option("--device", metavar="NAME|FILE.toml", help="Profile of a device that is here.")
    ] = "cpu",
    dtypes: Annotated[
        list[str] | None,
        typer.Option("--dtype", help="Number format of matrix products; repeatable.", show_default="float32"),
    ] = None,
    threads: Annotated[int, typer.Option("--threads", min=1, help="Threads on a CPU.")] = 1,
    json: console.Json = None,
    dry_run: console.DryRun = False,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Measure what a device reaches: matrix products, a copy, and the dispatch of a tiny operation.

    Of a GPU also the launch of a kernel from a graph, the overwriting of its last cache, and the gate that timing uses.
    """
    from hwcost._dtypes import MEASURED
    from hwcost.devices import find, present, require
    from hwcost.errors import DeviceError, UnknownNameError
    from hwcost.timing.probe import run_probes, save_probe

    here = present()
    detected = find(require(device, here), here)
    if detected is None:
        raise DeviceError(f"device '{device}' is not here.")
    wanted = dtypes or ["float32"]
    if unknown := [one for one in wanted if one not in MEASURED]:
        raise UnknownNameError("dtype", unknown[0], MEASURED)
    if dry_run:
        document = {"device": detected.to_dict(), "dtypes": wanted, "threads": threads, "dry_run": True}
        if not console.write_json(document, json):
            console.note(f"would probe {detected.product}: matmul {', '.join(wanted)}; copy; dispatch; {threads} threads")
        return
    report = run_probes(detected, dtypes=wanted, threads=threads, progress=lambda what: console.note(f"probing {what}"))
    path = save_probe(report)
    console.note(f"kept in {path}")
    if console.write_json(report.to_dict(), json):
        return
    rows = [[f"{r.name} {r.dtype}", _figure(r), _quartiles(r), r.engine, _dash(r.threads)] for r in report.results]
    columns = ["probe", "median", "quartiles", "engine", "threads"]
    console.print_table(f"{detected.product}, key {report.device_key}", columns, rows)


def _facts(profile: DeviceProfile, results: tuple[ProbeResult, ...]) -> tuple[list[list[str]], list[str]]:
    from hwcost.units import format_si

    measured = _measured(results)
    numbers: dict[str, Any] = {**dict.fromkeys(measured), **profile.numbers()}
    sources: list[str] = []
    rows = []
    for fact in sorted(numbers, key=lambda name: (name.startswith("protocol"), name)):
        unit = _UNITS.get(fact.partition(".")[0], "")
        value = numbers[fact]
        shown = format_si(value, unit) if unit or value is None else f"{value:g}"
        source = None if value is None else profile.source(fact)
        rows.append([fact, shown, measured.get(fact, "-"), _mark(source, sources)])
    rows.append(["protocol.dtype", profile.protocol.dtype, "-", _mark(profile.source("protocol"), sources)])
    if profile.last_framework:
        rows.append(["last_framework", profile.last_framework, "-", _mark(profile.source("last_framework"), sources)])
    return rows, sources


def _measured(results: tuple[ProbeResult, ...]) -> dict[str, str]:
    """Returns what was probed by the name of the fact that it stands beside."""
    shown: dict[str, list[str]] = {}
    for result in results:
        fact = {"matmul": f"flops_per_s.{result.dtype}", "copy": "memory_bytes_per_s"}.get(result.name)
        fact = fact or f"{result.name}_{'s' if result.unit == 's' else 'bytes_per_s'}"
        threads = f" with {result.threads} thread{'s' if result.threads != 1 else ''}" if result.threads else ""
        shown.setdefault(fact, []).append(f"{_figure(result)}{threads}")
    return {fact: ", ".join(texts) for fact, texts in shown.items()}


def _mark(source: str | None, sources: list[str]) -> str:
    if source is None:
        return "-"
    if source not in sources:
        sources.append(source)
    return f"[{sources.index(source) + 1}]"


def _footnotes(sources: list[str]) -> str:
    return "\n".join(f"[{number}] {source}" for number, source in enumerate(sources, 1))


def _figure(result: ProbeResult) -> str:
    from hwcost.units import format_si

    return format_si(result.value, result.unit)


def _quartiles(result: ProbeResult) -> str:
    from hwcost.units import format_si

    return f"{format_si(result.q1, result.unit)} to {format_si(result.q3, result.unit)}"


def _dash(value: int | None) -> str:
    return "-" if value is None else str(value)
