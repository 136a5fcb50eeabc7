"""Wrong usage in the reader's language: what Click says of a command, an option or a value that it does not know."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, TypeVar

import typer
from typer import BadParameter
from typer.core import TyperGroup

from cli.sentences import in_chinese
from cli.words import term, word
from data.language import LANGUAGES, choose_language, current_language

R = TypeVar("R")
UsageError: type[Any] = BadParameter.__mro__[1]  # Click's own, of which Typer keeps a copy and hands on only some
_EXTRA = re.compile(r"Got unexpected extra arguments?(?:\(s\))? \((\S+).*\)", re.DOTALL)
# What a word looks like, and the options one may have meant it for, the likeliest first.
_MEANT_FOR = (
    (r"[a-z]+(?:-[a-z]+)*-\d{4,}", ("--run", "--plan", "--forecast", "--reference")),
    (r"\d{4}-?\d{2}-?\d{2}", ("--as-of", "--from", "--date")),
    (r"(?:zh|en)(?:,(?:zh|en))?", ("--lang",)),
    (r"trunk|latest", ("--plan",)),
    (r"\S+\.(?:html|csv|json|xlsx|parquet)", ("--out",)),
    (r"[A-Z][A-Z\d_-]*", ("--hub", "--outlet")),
)


class RadarGroup(TyperGroup):
    """The group of all commands; errors of usage pass through it."""

    def make_context(self, info_name: str | None, args: list[str], *given: Any, **named: Any) -> Any:
        """Read the options before the command."""
        words = tuple(args)
        return _with_chinese_errors(
            lambda: super(RadarGroup, self).make_context(info_name, args, *given, **named), words
        )

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named."""
        return _with_chinese_errors(lambda: super(RadarGroup, self).invoke(ctx))


class ChineseUsageError(UsageError):  # type: ignore[misc]
    """An error of usage as it is read: usage, where to find help, one sentence, written while the language is known."""

    def __init__(self, message: str, ctx: Any) -> None:
        super().__init__(message, ctx)
        self.lines: list[str] = []
        if ctx is not None:
            help_of = f"{ctx.command_path} {ctx.help_option_names[0]}"
            usage = ctx.get_usage().replace("Usage: ", term("heading", "Usage"), 1)
            self.lines = [usage, word("usage.help", command=help_of), ""]
        self.sentence = f"{word('word.error')}{message}"

    def show(self, file: IO[Any] | None = None) -> None:
        """Write it to stderr."""
        for line in self.lines:
            typer.echo(line, file=file, err=True)
        typer.secho(self.sentence, file=file, err=True, fg=typer.colors.RED)


def _with_chinese_errors(run: Callable[[], R], words: tuple[str, ...] = ()) -> R:
    try:
        return run()
    except UsageError as error:
        if type(error).__name__ == "NoArgsIsHelpError" or isinstance(error, ChineseUsageError):
            raise
        error.message += _point_to_option(error)
        with _language_of(words):
            if current_language() != "zh":
                raise
            raise ChineseUsageError(in_chinese(error.format_message()), error.ctx) from error


def _point_to_option(error: Any) -> str:
    """Say which option a word too many was meant for, where its look tells."""
    extra = _EXTRA.fullmatch(error.message)
    if extra is None or error.ctx is None:
        return ""
    known = {name for option in error.ctx.command.params for name in option.opts}
    for look, names in _MEANT_FOR:
        option = next((name for name in names if name in known), None)
        if option is not None and re.fullmatch(look, extra[1]):
            return f": write it as {option} {extra[1]}"
    return ""


@contextmanager
def _language_of(words: tuple[str, ...]) -> Iterator[None]:
    """Speak the language of ``--lang`` also where the words before a command could not be read to their end."""
    typed = " ".join(words).replace("--lang=", "--lang ").split()
    chosen = typed[typed.index("--lang") + 1 :][:1] if "--lang" in typed else []
    language = next((name for name in LANGUAGES if chosen and chosen[0].lower().startswith(name)), None)
    if language is None:
        yield
        return
    choose_language(language)
    try:
        yield
    finally:
        choose_language(None)
