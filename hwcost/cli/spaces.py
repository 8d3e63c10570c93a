"""``hwcost spaces``: what can be searched, and what one architecture holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hwcost.cli import console

if TYPE_CHECKING:
    from hwcost.spaces.base import Architecture, SearchSpace

app = typer.Typer(help="List and inspect search spaces.", no_args_is_help=True)


@app.command("list")
def list_(json: console.Json = None, quiet: console.Quiet = False, verbose: console.Verbose = False) -> None:
    """List the known search spaces."""
    from hwcost.spaces import SPACES

    names = SPACES.names()
    if not console.write_json({"spaces": names}, json):
        console.print_table("Search spaces", ["space", "what it is"], [[name, _summary(name)] for name in names])


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Name of the space.")],
    arch: Annotated[str | None, typer.Option("--arch", help="Architecture, such as 360_360_...; shows its sizes.")] = None,
    merged: Annotated[bool, typer.Option("--merged", help="Compose neighbouring bottlenecks (supershaper).")] = False,
    seq_len: Annotated[int, typer.Option("--seq-len", help="Tokens per sequence, for FLOPs.")] = 128,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Show the genes of a space, or the sizes and components of one architecture."""
    from hwcost.spaces import space as make_space

    space = make_space(name, **({"merged": True} if merged else {}))
    if arch is None:
        genes = [[gene.name, ", ".join(map(str, gene.choices)) or "any number"] for gene in space.genes]
        listed = [{"name": gene.name, "choices": list(gene.choices)} for gene in space.genes]
        if not console.write_json({"space": name, "genes": listed}, json):
            console.print_table(f"Space {name}", ["gene", "choices"], genes)
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
    document = {"space": name, "arch": space.key(point), "seq_len": seq_len, **total, "components": rows}
    if not console.write_json(document, json):
        rows.append(["total", f"{total['params']:,}", f"{total['flops']:,}"])
        console.print_table(f"{name} {space.key(point)}", ["component", "parameters", f"FLOPs at {seq_len}"], rows)


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
    return str(doc.strip().splitlines()[0])
