"""The command ``radar``: which groups it has, and where it starts."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from cli.console import DEBUG_VARIABLE

# In the order in which a planner meets them; each module registers its own commands.
_GROUPS = (
    "demo",
    "init",
    "load",
    "check",
    "forecast",
    "backtest",
    "revisions",
    "weather",
    "plan",
    "verify",
    "report",
    "advise",
    "track",
    "export",
    "sql",
    "runs",
    "withdraw",
    "repair",
    "clean",
)

app = typer.Typer(
    name="radar",
    help="Forecast parcels by route and outlet before a shopping peak, and plan the trunk network that carries them.",
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help: drawing it costs three times the CPU of all the rest
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"radar {version('parcelradar')}")
        raise typer.Exit


@app.callback()
def radar(
    workspace: Annotated[  # noqa: ARG001 (read by cli.console.workspace_of)
        Path | None,
        typer.Option(
            "--workspace",
            "-w",
            metavar="DIR",
            envvar="RADAR_WORKSPACE",
            help="The workspace; by default the current folder or the nearest one above it with radar.toml.",
        ),
    ] = None,
    debug: Annotated[
        bool, typer.Option("--debug", envvar=DEBUG_VARIABLE, help="Show the traceback of an error.")
    ] = False,
    version: Annotated[  # noqa: ARG001 (its callback prints it)
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Forecast parcels before a shopping peak and plan the trunk network that carries them."""
    if debug:
        os.environ[DEBUG_VARIABLE] = "1"


for _group in _GROUPS:
    import_module(f"cli.{_group}").register(app)


def main() -> None:
    """Run ``radar``."""
    app()
