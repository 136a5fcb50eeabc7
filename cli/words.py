"""What the command says, in the language of the person at the keyboard: the words stand in ``cli/messages``."""

from __future__ import annotations

from data.language import current_language, read_catalogue


def word(key: str, /, **values: object) -> str:
    """Return the text of ``key`` with its ``{placeholders}`` filled in.

    Raises
    ------
    KeyError
        When the catalogue has no such key: a defect of the program.
    """
    return read_catalogue("cli", current_language())[key].format(**values)


def term(group: str, value: str) -> str:
    """Return the word for a coded value, a column or a status; a value without a word stays as it is."""
    return read_catalogue("cli", current_language()).get(f"{group}.{value}", value)


def money(amount: float) -> str:
    """Write an amount [CNY] in full below a million, else with three significant digits: 13.4 m CNY, 1,340万元."""
    from babel.numbers import format_decimal

    language = current_language()
    unit, name = (1e4, "ten_thousand") if language == "zh" else (1e6, "million")
    if abs(amount) < 1e6:
        return word("money.plain", amount=format_decimal(round(amount), locale=language))
    scaled = amount / unit
    digits = max(0, 3 - len(str(int(abs(scaled)))))
    return word(f"money.{name}", amount=format_decimal(round(scaled, digits), locale=language, format="#,##0.##"))
