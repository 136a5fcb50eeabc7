"""Lists what the command says in English and has no Chinese for: errors, notes, titles and lines of the console, found in the source.

``python -m scripts.sentences`` prints each as the form a line of ``cli/messages/sentences`` translates.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path

from cli.sentences import in_chinese

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("cli", "data", "forecasting", "weather", "routing", "operations", "reports", "parcelradar")
SAYING = ("say", "warn", "ask", "out_text", "tell_error", "BadParameter", "progress", "StepEnd", "Step")
# Methods that put a bad row down, the rule it breaks being the last of so many arguments.
RULES = {"add": 4, "add_where": 5}
ERROR = "RadarError"
NOTES = ("notes", "faults", "sentences", "parts", "facts", "told")
TELLING = re.compile(
    r"^_?(sentence|fault|summari[sz]e|follow|advice|advise|hint|damage|tell|sum_up|describe|explain|name_|say|age_of|list_told|bounds_rule)"
)
_MOST_VARIANTS = 16
# What Chinese readers read as it stands: commands, options, values as typed, names of files, tables and formats.
_AS_IT_STANDS = re.compile(
    r"`[^`]*`|\bradar(?: [a-z]+)+|'[^']*'|\"[^\"]*\"|--?[\w-]+(?:[ =][A-Z,]+)?|\[[\w.,\[\] -]*\]|⟦\d+⟧|\b[\w.-]*[_./@{}=:\d][\w.*:@/-]*|\b[A-Z][A-Z\d-]+s?\b"
    r"|\b(?:GeoJSON|MultiPolygon|Polygon|Excel|Parquet|PostgreSQL|LineStrings?|ParcelRadar|TOML|zh,en|Alert|Update|Cancel|Atom|None)\b"
)
# Two words beside each other, or one that no id or value is called.
_ENGLISH = re.compile(
    r"[A-Za-z]{2,} +[A-Za-z]{2,}"
    r"|(?<![\w-])(?:has|have|are|is|was|were|the|and|or|not|with|from|than|rows?)(?![\w-])"
)
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True)
class Sentence:
    """A text of the source, ``⟦1⟧`` and so on standing for what is filled in."""

    file: str
    line: int
    text: str


def list_sentences(root: Path = ROOT) -> list[Sentence]:
    """List every text the rooms say to a person, each wording of a conditional on its own."""
    found: dict[str, Sentence] = {}
    for room in ROOMS:
        for path in sorted((root / room).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for scope, node in _texts(tree, pages=room == "reports"):
                for text in islice((text for part in _each(node) for text in _wordings(part, scope)), _MOST_VARIANTS):
                    number = _number(text)
                    if re.search(r"[A-Za-z]", re.sub(r"⟦\d+⟧", "", number)):
                        found.setdefault(number, Sentence(str(path.relative_to(root)), node.lineno, number))
    return list(found.values())


def lacks_chinese(text: str) -> bool:
    """Say whether a text stays English, in whole or in part, where Chinese is read."""
    rest = _AS_IT_STANDS.sub(" ⟦⟧ ", text)
    if not _ENGLISH.search(rest) and not re.search(r"[a-z]{3,}", rest):
        return False
    chinese = in_chinese(text)
    return chinese == text or not _CHINESE.search(chinese) or bool(find_english(chinese))


def find_english(text: str) -> str:
    """Return the first words of English in a text that a Chinese reader is shown; nothing where there are none."""
    found = _ENGLISH.search(_AS_IT_STANDS.sub(" ⟦⟧ ", text))
    return found[0] if found else ""


def _texts(tree: ast.Module, *, pages: bool) -> Iterator[tuple[ast.AST, ast.expr]]:
    """Yield what is said, with the function it is said in; of pages, which have their own catalogues, the errors alone."""
    for scope in ast.walk(tree):
        if not isinstance(scope, ast.FunctionDef | ast.Module):
            continue
        for node in _own_nodes(scope):
            if isinstance(node, ast.Call):
                yield from ((scope, text) for text in _said(node, pages=pages))
            elif pages:
                continue
            elif isinstance(node, ast.Return) and TELLING.search(getattr(scope, "name", "")):
                yield scope, node.value or ast.Constant("")
            elif (
                isinstance(node, ast.Assign)
                and (getattr(node.targets[0], "attr", "") == "message" or getattr(node.targets[0], "id", "") == "rule")
            ) or (
                isinstance(node, ast.Assign)
                and isinstance(node.value, ast.List | ast.ListComp)
                and _is_notes(node.targets[0])
            ):
                yield scope, node.value


def _each(node: ast.expr) -> Iterator[ast.expr]:
    """Yield the texts of a list, one for each wording of its parts; else the text itself."""
    if isinstance(node, ast.List):
        yield from node.elts
    elif isinstance(node, ast.ListComp | ast.GeneratorExp):
        yield node.elt
    else:
        yield node


def _own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(scope):
        if isinstance(child, ast.FunctionDef):
            continue
        yield child
        yield from _own_nodes(child)


def _said(call: ast.Call, *, pages: bool) -> Iterator[ast.expr]:
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    if name == ERROR:
        yield from (part for part in call.args if not isinstance(part, ast.Starred))
        yield from (keywords[part] for part in ("found", "expected", "action") if part in keywords)
    elif pages:
        return
    elif name in SAYING:
        yield from (part for part in call.args[1 if name == "Step" else 0 :][:1])
    elif name in RULES and len(call.args) == RULES[name]:
        yield call.args[-1]
    elif name in ("append", "extend") and isinstance(call.func, ast.Attribute) and _is_notes(call.func.value):
        yield from call.args
    elif "title" in keywords and name == "out_rows":
        yield keywords["title"]
    for keyword in ("lacks", "detail", "note"):
        if keyword in keywords and name not in ("DataFrame", "alias"):
            yield keywords[keyword]


def _is_notes(node: ast.expr) -> bool:
    return (isinstance(node, ast.Name) and node.id in NOTES) or (isinstance(node, ast.Attribute) and node.attr in NOTES)


def _wordings(node: ast.expr, scope: ast.AST, depth: int = 0) -> Iterator[str]:
    """Yield the wordings of a text, ``\\0`` where a value is filled in."""
    if isinstance(node, ast.Constant):
        yield str(node.value) if isinstance(node.value, str) else "\0"
    elif isinstance(node, ast.JoinedStr):
        yield from _join(node.values, scope, depth)
    elif isinstance(node, ast.FormattedValue):
        yield from (_wordings(node.value, scope, depth) if isinstance(node.value, ast.IfExp) else iter(["\0"]))
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        yield from _join((node.left, node.right), scope, depth)
    elif isinstance(node, ast.IfExp):
        yield from _wordings(node.body, scope, depth)
        yield from _wordings(node.orelse, scope, depth)
    elif isinstance(node, ast.Name) and depth < 2 and (values := _assigned(node.id, scope)):
        for value in values:
            yield from _wordings(value, scope, depth + 1)
    elif isinstance(node, ast.Call) and _is_format(node):
        yield str(getattr(node.args[0], "value", "")).replace("{}", "\0")
    elif (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("rstrip", "strip", "lit")
    ):
        yield from _wordings(node.args[0] if node.func.attr == "lit" else node.func.value, scope, depth)
    else:
        yield "\0"


def _is_format(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr == "format" and bool(call.args)


def _join(parts: Sequence[ast.expr], scope: ast.AST, depth: int) -> Iterator[str]:
    for choice in product(*(tuple(islice(_wordings(part, scope, depth), 4)) for part in parts)):
        yield "".join(choice)


def _assigned(name: str, scope: ast.AST) -> list[ast.expr]:
    """Return the texts a local name is given; none where it is given anything else than texts."""
    values: list[ast.expr] = []
    for node in _own_nodes(scope):
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            if isinstance(target, ast.Name) and target.id == name:
                values.append(node.value)
            elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = zip(target.elts, node.value.elts, strict=False)
                values += [value for part, value in pairs if isinstance(part, ast.Name) and part.id == name]
    texts = (ast.Constant, ast.JoinedStr, ast.IfExp, ast.BinOp)
    return [value for value in values if isinstance(value, texts)]


def _number(text: str) -> str:
    parts = text.split("\0")
    return "".join(part + (f"⟦{at}⟧" if at < len(parts) else "") for at, part in enumerate(parts, start=1))


def main() -> int:
    """Print what has no Chinese, by file; 1 when there is any."""
    lacking = [sentence for sentence in list_sentences() if lacks_chinese(sentence.text)]
    for sentence in lacking:
        form = re.sub(r"⟦(\d+)⟧", lambda found: f"{{{'abcdefghijkl'[int(found[1]) - 1]}}}", sentence.text)
        print(f"{sentence.file}:{sentence.line}: {form!r}")
    if lacking:
        print(f"{len(lacking)} sentences have no Chinese: give each a line in cli/messages/sentences", file=sys.stderr)
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
