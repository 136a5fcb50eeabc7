"""The words of the merchant advice: the section ``advice`` of the message files."""

from __future__ import annotations

from reports.formats import Language
from reports.messages import catalogue, in_number


def word(language: Language, key: str, /, **values: object) -> str:
    """Return a text of the advice with its placeholders filled in."""
    return in_number(catalogue(language)[f"advice.{key}"], values).format(**values)
