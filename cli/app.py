"""The command ``radar``: which groups it has, and where it starts."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from cli.console import DEBUG_VARIABLE, speak_any_letter, tell_error
from cli.translation import chinese_formatter, translate_help
from cli.usage import RadarGroup
from data.language import LANGUAGES, Language, choose_language, current_language

# In the order in which a planner meets them; each module registers its own commands.
_GROUPS = (
    "demo",
    "init",
    "load",
    "check",
    "forecast",
    "backtest",
    "revisions",
    "compare",
    "weather",
    "plan",
    "verify",
    "stress",
    "playbook",
    "whatif",
    "report",
    "advise",
    "track",
    "tables",
    "remove",
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
    cls=RadarGroup,
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


def _choose_language(context: typer.Context, chosen: str | None) -> str | None:
    """Set the language before any other option speaks."""
    if chosen is None:
        return None
    language: Language | None = next((name for name in LANGUAGES if chosen.lower().split("_")[0] == name), None)
    if language is None:
        tell_error(f"Found language {chosen}, expected one of {', '.join(LANGUAGES)}; set --lang.")
        raise typer.Exit(2)
    choose_language(language)
    context.call_on_close(lambda: choose_language(None))
    translate_help(context.command)
    if language == "zh":
        context.formatter_class = chinese_formatter(context.formatter_class)
    return language


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
    lang: Annotated[  # noqa: ARG001 (its callback sets it)
        str | None,
        typer.Option(
            "--lang",
            metavar="LANGUAGE",
            callback=_choose_language,
            is_eager=True,
            help="Language the command speaks: zh or en; by default the system's.",
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
    """Run ``radar`` in the language of the system's locale."""
    from typer.main import get_command

    speak_any_letter()
    if current_language() == "en":
        app()
        return
    command = get_command(app)
    translate_help(command)
    command()
