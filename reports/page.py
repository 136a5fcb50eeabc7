"""A page: the template filled in, with style and script inside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from reports.formats import LANGUAGES, Formats, Language
from reports.messages import Messages
from reports.run_facts import RunFacts

if TYPE_CHECKING:
    from jinja2 import Environment

_HTML_LANGUAGE = {"zh": "zh-CN", "en": "en"}


@dataclass(frozen=True)
class Figure:
    """A headline number: what it is, how much, what it means, and where it comes from."""

    label: Markup
    value: Markup
    note: Markup
    source: str
    tone: str = ""


@dataclass(frozen=True)
class Legend:
    """One entry of a chart's legend: a colour name, a shape (line, dash, area, box) and a word."""

    tone: str
    shape: str
    word: Markup


def render(template: str, language: Language, run: RunFacts, values: Mapping[str, Any]) -> str:
    """Fill a template in.

    Parameters
    ----------
    template
        Name below ``reports/templates``.
    language
        Language of the page.
    run
        The run it shows; its facts stand in the footer.
    values
        What the template speaks of.

    Returns
    -------
    str
        One HTML page that loads nothing.
    """
    return (
        _environment()
        .get_template(template)
        .render(
            t=Messages(language),
            f=Formats(language),
            language=language,
            html_language=_HTML_LANGUAGE[language],
            run=run,
            options=_options(run.options),
            moment=_moment,
            **values,
        )
    )


def languages(text: str) -> tuple[Language, ...]:
    """Read a list of languages as a user types it: ``zh,en``.

    Raises
    ------
    RadarError
        For a language without a catalogue, or none at all.
    """
    from data.errors import RadarError

    asked = [word.strip().lower() for word in text.split(",") if word.strip()]
    unknown = [word for word in asked if word not in LANGUAGES]
    if unknown or not asked:
        raise RadarError(
            f"language {unknown[0] if unknown else text!r}", f"any of {', '.join(LANGUAGES)}", "use --lang zh,en"
        )
    return tuple(language for language in LANGUAGES if language in asked)


def _options(options: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """List what a run was told; what it keeps of its own results is in the report itself."""
    return [(name, str(value)) for name, value in options.items() if value is not None and not _is_result(value)]


def _is_result(value: object) -> bool:
    """Whether a value is rows or facts, not something a planner sets."""
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(row, dict) for row in value))


def _moment(at: datetime | None) -> Markup:
    if at is None:
        return Markup('<span class="none">–</span>')
    text = at.strftime("%Y-%m-%d %H:%M:%S UTC")
    return Markup('<time datetime="{}">{}</time>').format(at.strftime("%Y-%m-%dT%H:%M:%SZ"), text)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    folder = resources.files("reports").joinpath("templates")

    def load(name: str) -> str:
        return folder.joinpath(name).read_text(encoding="utf-8")

    return Environment(
        loader=FunctionLoader(load), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
