"""``hwcost spaces``: what can be searched, and what one architecture holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hwcost.cli import console, listing, measuring, tables

if TYPE_CHECKING:
    from hwcost.spaces.base import Architecture, Gene, GeneValue, SearchSpace

app = typer.Typer(help="List and inspect search spaces.", no_args_is_help=True)


@app.command("list")
def list_(json: console.Json = None, quiet: console.Quiet = False, verbose: console.Verbose = False) -> None:
    """List the known search spaces; one whose plug-in cannot be imported is listed with the reason."""
    from hwcost.spaces import SPACES

    names, broken = SPACES.names(), listing.unusable(SPACES)
    if not console.write_json({"spaces": names, "unusable": broken}, json):
        rows = [[name, "unusable" if name in broken else _summary(name)] for name in names]
        console.print_table("Search spaces", ["space", "what it is"], rows)
        listing.say(broken)


@app.command()
def from_table(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="FILE.csv", help="A table of architectures and latencies.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE.toml", help="File for the declaration.")],
    columns: Annotated[
        str, typer.Option("--columns", metavar="A,B", help="Columns that are genes.", show_default="all but the latencies")
    ] = "",
    categorical: tables.Categorical = "",
    latency: tables.Latency = None,
    unit: tables.Unit = None,
    keep: tables.Keep = "",
    drop: tables.Drop = "",
    id: tables.Id = None,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Declare a space whose genes are a table's columns, with the distinct values of each as choices."""
    from hwcost.errors import UsageError
    from hwcost.exchange.table import read_table
    from hwcost.spaces.custom import from_architectures
    from hwcost.spaces.files import is_file, written

    if not is_file(str(out)):
        raise UsageError(f"--out names the declaration, which ends in .toml; got '{out}'")
    table = read_table(source, "table", tables.options(context))
    tables.say(table.remarks)
    space = from_architectures(table.space, table.architectures, console.names(columns))
    console.write_file(out, written(space), "--out another file")
    console.note(f"wrote {out}; fit with --space {out}, and search it by the cost model")
    _show_genes(space, json)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Name of a space, with options such as autodistil:subspace=tiny.")],
    arch: Annotated[str | None, typer.Option("--arch", help="Architecture, such as 360_360_...; shows its sizes.")] = None,
    space_option: measuring.SpaceOptions = None,
    seq_len: Annotated[int, typer.Option("--seq-len", help="Tokens per sequence, for FLOPs.")] = 128,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Show the genes of a space, or the sizes and components of one architecture."""
    from hwcost.registry import parse_options
    from hwcost.spaces import space as make_space

    space = make_space(name, **parse_options(space_option or (), "--space-option NAME=VALUE"))
    if arch is None:
        _show_genes(space, json)
        return
    point = space.parse(arch)
    if not space.is_buildable:
        _show_features(space, point, json)
        return
    rows = []
    for part in space.components(point):
        work = space.component_work(part, 1, seq_len)
        rows.append([part.name, f"{work.params:,}", f"{work.flops:,}"])
    total = {"params": space.params(point), "flops": space.flops(point, seq_len)}
    others = {
        accounting: {"params": space.params(point, accounting), "flops": space.flops(point, seq_len, accounting=accounting)}
        for accounting in space.accountings
        if accounting != "built"
    }
    document = {
        "space": space.name, "options": space.options(), "arch": space.key(point), "seq_len": seq_len, **total,
        "accountings": others, "components": rows,
    }  # fmt: skip
    if not console.write_json(document, json):
        rows.append(["total", f"{total['params']:,}", f"{total['flops']:,}"])
        rows += [[f"as the {of} counts", f"{one['params']:,}", f"{one['flops']:,}"] for of, one in others.items()]
        console.print_table(f"{name} {space.key(point)}", ["component", "parameters", f"FLOPs at {seq_len}"], rows)


def _show_genes(space: SearchSpace, json: str | None) -> None:
    from hwcost.errors import UsageError

    try:
        size = space.size
    except UsageError:  # describes data only
        size = None
    listed = [{"name": gene.name, "choices": list(gene.choices)} for gene in space.genes]
    if not console.write_json({"space": space.name, "options": space.options(), "size": size, "genes": listed}, json):
        rows = [[label, ", ".join(map(str, choices)) or "any number"] for label, choices in _alike(space)]
        shown = {key: value for key, value in space.options().items() if key != "genes" and value not in ([], ())}
        options = ", ".join(f"{key}={value}" for key, value in shown.items())
        footer = "" if size is None else f"{size:.4g} points. Options: {options or 'none'}."
        console.print_table(f"Space {space.name}", ["gene", "choices"], rows, footer)


def _alike(space: SearchSpace) -> list[tuple[str, tuple[GeneValue, ...]]]:
    """Joins genes that stand in every block alike, ``b1.ff1`` to ``b12.ff1``, to one line."""
    lines: dict[tuple[str, str], list[Gene]] = {}
    for gene in space.genes:
        block, dot, rest = gene.name.partition(".")
        lines.setdefault((block.rstrip("0123456789"), rest) if dot else (gene.name, ""), []).append(gene)
    ends = [(genes[0].name, genes[-1].name, genes[0].choices) for genes in lines.values()]
    return [(first if first == last else f"{first} .. {last}", choices) for first, last, choices in ends]


def _show_features(space: SearchSpace, point: Architecture, json: str | None) -> None:
    """Shows an architecture of a space that describes data only: what its sizes are is not known."""
    genes = {gene.name: value for gene, value in zip(space.genes, point.genes, strict=True)}
    document = {"space": space.name, "arch": space.key(point), "genes": genes, "params": None, "flops": None}
    if not console.write_json(document, json):
        rows = [[name, str(value)] for name, value in genes.items()]
        footer = "The space describes data only: parameters, FLOPs and components are not known."
        console.print_table(f"{space.name} {space.key(point)}", ["gene", "value"], rows, footer)


def _summary(name: str) -> str:
    from hwcost.spaces import SPACES

    doc = SPACES.load(name).__doc__ or ""
    return str(doc).strip().partition("\n")[0] or "-"
