"""What a mistyped name was probably meant to be, and numbers told by their spans."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


def near(word: str, known: Iterable[str], most: int = 3) -> list[str]:
    """Return the known names that look like ``word``, the most alike first.

    Examples
    --------
    >>> near("hub", ["hubs", "lanes", "hub_loads"])
    ['hubs', 'hub_loads']
    >>> near("m0001", ["M0010", "M0001"])
    ['M0001']
    """
    names = list(dict.fromkeys(known))
    folded = {name.casefold().replace("-", "_"): name for name in names}
    asked = word.casefold().replace("-", "_")
    if asked in folded:
        return [folded[asked]]
    alike = get_close_matches(asked, folded, n=most, cutoff=0.7)
    starting = [name for name in folded if asked and name.startswith(asked) and name not in alike]
    return [folded[name] for name in [*alike, *starting]][:most]


def ask_near(word: str, known: Iterable[str]) -> str:
    """Return ``did you mean hubs?`` for a word with near names, else nothing.

    Examples
    --------
    >>> ask_near("hbus", ["hubs", "lanes"])
    'did you mean hubs?'
    >>> ask_near("zzz", ["hubs", "lanes"])
    ''
    """
    found = near(word, known)
    return f"did you mean {' or '.join(found)}?" if found else ""


def tell_spans(numbers: Sequence[int]) -> str:
    """Write ascending numbers by their spans.

    Examples
    --------
    >>> tell_spans([0, 1, 2, 7, 9, 10])
    '0-2, 7, 9-10'
    """
    spans = list[list[int]]()
    for number in numbers:
        if spans and spans[-1][1] == number - 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in spans)
