"""The entry point: which commands there are, and one clear message and exit code for whatever goes wrong."""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from graphlab import __version__
from graphlab.cli import asking, importing, listings, own_data, publishing, quantizing, searching, training
from graphlab.cli.output import print_json, say
from graphlab.core.errors import GraphLabError

HELP = "Graph neural networks from a data set's name to a table beside the published numbers."

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
GROUPS = {
    "What there is": (
        listings.datasets,
        listings.models,
        listings.tasks,
        listings.pre_transforms,
        listings.transforms,
        listings.weight_formats,
        listings.strategies,
        listings.spaces,
        listings.proxies,
        listings.probes,
        quantizing.bits,
        listings.describe,
        own_data.keep,
        listings.doctor,
    ),
    "Training": (
        training.run,
        training.table,
        training.reproduce,
        training.discriminate,
        searching.search,
        importing.import_weights,
    ),
    "Results": (
        listings.runs,
        importing.evaluate,
        listings.migrate,
        publishing.leaderboard,
        publishing.export,
        publishing.report,
        publishing.submission,
        quantizing.freeze,
    ),
    "Questions": (asking.predict, asking.paths, asking.analyze),
}
for group, commands in GROUPS.items():
    for command in commands:
        app.command(rich_help_panel=group)(command)


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(f"graphlab {__version__}")
        raise typer.Exit


@app.callback(help=HELP)
def _every_command(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None: ...


UsageError: Any = typer.BadParameter.__bases__[0]
"""Click's base of all complaints about the words of a command, from whichever click typer brings along."""

INTERRUPTED = 130
"""What typer makes of a KeyboardInterrupt, without a word."""


def main() -> NoReturn:
    """Entry point. Of the processes that torchrun starts, the first speaks for all."""
    with Path(os.devnull).open("w") as nowhere:
        first = os.environ.get("RANK", "0") == "0"
        with redirect_stdout(sys.stdout if first else nowhere):
            code = _exit_code()
    sys.exit(code)


def _exit_code() -> int:
    """Do what the command line says: one clear message for whatever goes wrong, and the code that belongs to it."""
    as_json = "--json" in sys.argv
    warnings.showwarning = _say_warning
    try:
        code = app(prog_name="graphlab", standalone_mode=False) or 0
        if code == INTERRUPTED:
            raise KeyboardInterrupt
        return code
    except UsageError as error:
        if not error.format_message():  # no command at all: what there is has been printed
            return 2
        detail = {"kind": "usage", "message": error.format_message(), "hint": _usage_hint(error)}
        return _fail({"error": detail}, 2, as_json)
    except GraphLabError as error:
        return _fail(error.to_json(), error.exit_code, as_json)
    except (KeyboardInterrupt, typer.Abort):
        hint = "give the same command again to go on from there"
        return _fail({"error": {"kind": "interrupted", "message": "interrupted", "hint": hint}}, 1, as_json)
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except Exception as error:
        say(traceback.format_exc().rstrip())
        hint = "this is a defect of GraphLab or of code of your own; what was above says where"
        detail = {"kind": "unforeseen", "message": f"{type(error).__name__}: {error}", "hint": hint}
        return _fail({"error": detail}, 1, as_json)


def _say_warning(message: Warning | str, category: type[Warning], *where: Any) -> None:
    """What GraphLab warns of, in a line; what libraries warn their programmers of is not for who uses a command."""
    if category.__module__.partition(".")[0] == "graphlab" or category is UserWarning:
        say(f"warning: {message}")


def _usage_hint(error: Any) -> str | None:
    context = getattr(error, "ctx", None)
    return f"see {context.command_path} --help" if context else None


def _fail(error: dict[str, dict[str, Any]], code: int, as_json: bool) -> int:
    if as_json:
        print_json(error)
    detail = error["error"]
    say(f"error: {detail['message']}" + (f"\n  hint: {detail['hint']}" if detail["hint"] else ""))
    return code
