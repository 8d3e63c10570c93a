"""The command line's front door: collects the commands and turns errors into exit codes."""

from __future__ import annotations

import errno
import gc
import io
import os
import sys
import traceback
from importlib import import_module
from typing import Annotated, Any

import typer

from hwcost import __version__
from hwcost._extras import spare
from hwcost.cli import configured, console, converters, help_text, interrupts, plugins
from hwcost.errors import HwcostError, InterruptedRunError, StoreError, UsageError
from hwcost.registry import has_members_of_others

HELP = (
    "Measures how long Transformer architectures take on real devices, and turns a few dozen trustworthy measurements into "
    "a cost model."
)
EXIT_CODES = (
    "Exit codes: 0 done, 1 a gate tripped, 2 usage, 3 device absent, busy or unreachable, 4 measured but invalid, "
    "5 internal or store error, 130 interrupted and resumable."
)

VERBS = {
    "measure": "measure", "plan": "plan", "run": "run_suite", "components": "components", "audit": "audit",
    "compare": "compare", "check": "check", "accept": "accept", "fit": "fit", "predict": "predict", "evaluate": "evaluate",
    "search": "search", "pipeline": "pipeline", "export": "transfer", "import": "transfer", "version": "version",
}  # fmt: skip
"""Module of each command, by its name, in the order of the help."""

VERSION = "--version"

GROUPS = ("config", "devices", "report", "spaces", "store", "supernet")
"""Groups of commands; their modules have the same names."""

ON_ARRAYS = ("fit", "evaluate")
"""Commands that use libraries of boosters on arrays alone, and run no code of the user's that could use them otherwise."""

ON_ROWS = (*ON_ARRAYS, "audit", "check", "compare", "export", "import", "predict", "report", "store")
"""Commands that read many rows, which refer to nothing in a circle, and train no nets, whose memory must be free at once."""

COLLECTED_AFTER = 50_000
"""New objects after which Python looks for unused circles of objects in these commands: after 700, its default, that takes a
fifth of their time."""

UNUSED = ("sklearn", "pandas", "dask", "xgboost.sklearn")
"""Modules that these libraries import wherever they are installed, which takes longer than most fits."""

ONE_BLAS_THREAD = "OPENBLAS_NUM_THREADS", "1"
"""Setting of NumPy's matrix library for these commands: folds are shared out to the cores already, and idle threads spin."""


def application(called: str = "") -> typer.Typer:
    """Makes the command line: hwcost's own commands, then those of other distributions.

    Args:
        called: Name of the command that is called. Of hwcost's own it stands alone then, since importing all the others and
            reading their annotations takes longer than most commands do.
    """
    app = typer.Typer(
        name="hwcost", help=HELP, epilog=EXIT_CODES, no_args_is_help=True, pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]}, callback=_front,
    )  # fmt: skip
    own = {*VERBS, *GROUPS}
    names = {called} & own if called in {*own, VERSION} else own
    for module in dict.fromkeys(module for name, module in VERBS.items() if name in names):
        _module(module).register(app)
    for name in GROUPS:
        if name in names:
            app.add_typer(_module(name).app, name=name)
    plugins.register(app, own)
    if called in own:
        app.registered_commands = [command for command in app.registered_commands if command.name == called]
    return app


def _module(name: str) -> Any:
    return import_module(f"hwcost.cli.{name}")


def _show_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"hwcost {__version__}")
        raise typer.Exit


def _front(
    version: Annotated[
        bool, typer.Option(VERSION, is_eager=True, callback=_show_version, help="Show the version, and nothing else.")
    ] = False,
) -> None:
    """Makes Typer keep the name of a command that stands alone; what can be asked without a command is its options."""


def run() -> None:
    """Runs the command line, in a process of its own, and exits with the documented code."""
    _open_streams()
    interrupts.catch()
    if sys.argv[1:2] and sys.argv[1] in ON_ROWS:
        gc.set_threshold(COLLECTED_AFTER)
    if sys.argv[1:2] and sys.argv[1] in ON_ARRAYS:
        os.environ.setdefault(*ONE_BLAS_THREAD)
        if not has_members_of_others():
            spare(*UNUSED)
    code = invoke(sys.argv[1:])
    if code != InterruptedRunError.exit_code:  # an interrupted one ends as such, whatever is pressed meanwhile
        interrupts.release()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        console.drop_output()
    except OSError as error:
        code = code or _refused_by_the_system(error)
        console.drop_output()
    sys.exit(code)


def _open_streams() -> None:
    """Makes streams that can be written to: closed ones go nowhere, and what one cannot encode is written as an escape."""
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 - open as long as the process runs
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - open as long as the process runs
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def invoke(arguments: list[str]) -> int:
    """Runs one command line and returns its exit code; prints what went wrong to stderr."""
    console.reset()
    code = _run(arguments)
    for error in console.unwritten():
        code = console.fail(str(error), code or error.exit_code)
    return code


def _run(arguments: list[str]) -> int:
    try:
        command = typer.main.get_command(application(*arguments[:1]))
        converters.spare(command)
        help_text.tidy(command)
        result = command(arguments, standalone_mode=False, default_map=_configured(command, arguments))
    except KeyboardInterrupt:
        return console.fail("interrupted", InterruptedRunError.exit_code)
    except HwcostError as error:
        return console.fail(configured.with_places(str(error)), error.exit_code)
    except BrokenPipeError:
        return 0
    except SystemExit as ended:  # the parser's own end of a command whose reader has gone
        if isinstance(ended.__context__, BrokenPipeError):
            return 0
        raise
    except OSError as error:
        return _refused_by_the_system(error)
    except Exception as error:  # the last line of defence: a traceback is for -v, never for a user's input
        return _unexpected(error)
    if result == InterruptedRunError.exit_code and console.is_first():  # Ctrl-C, of which the parser says nothing
        return console.fail("interrupted", InterruptedRunError.exit_code)
    return result if isinstance(result, int) else 0


def _configured(command: Any, arguments: list[str]) -> dict[str, Any]:
    """Returns what is configured in place of the defaults of options; nothing where help, or the configuration, is shown."""
    is_asked = bool(arguments) and not {"-h", "--help"} & set(arguments) and arguments[0] not in ("config", "version")
    return configured.defaults(command) if is_asked else {}


def _unexpected(error: Exception) -> int:
    if hasattr(error, "format_message") and hasattr(error, "exit_code"):  # the parser's own usage errors
        text = error.format_message()
        return console.fail(text, int(error.exit_code)) if text else int(error.exit_code)  # the help of a group was shown
    if console.is_verbose():
        traceback.print_exc()
    hint = "" if console.is_verbose() else " Run again with -v for the traceback, and report it."
    return console.fail(f"internal error: {type(error).__name__}: {error}.{hint}", HwcostError.exit_code)


def _refused_by_the_system(error: OSError) -> int:
    """Says which file could not be read or written, and why: a full disk, missing rights, a name that is too long."""
    if console.is_verbose():
        traceback.print_exc()
    where = f"'{error.filename}': " if error.filename is not None else ""
    code = UsageError.exit_code if error.errno == errno.ENAMETOOLONG else StoreError.exit_code
    return console.fail(f"{where}{error.strerror or error}. Run again with -v for the place in the code.", code)
