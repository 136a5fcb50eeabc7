"""Queries of a PostgreSQL server, streamed, in a transaction that cannot write. Passwords never leave this module."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, unquote, urlsplit, urlunsplit

from data.errors import RadarError
from data.sources.batch import Source
from data.sources.csv_files import open_rows

if TYPE_CHECKING:
    import psycopg

_BLOCK = 1 << 20
_CONNECT_SECONDS = 10
_READ_ONLY, _CANCELED = "25006", "57014"


def mask_url(url: str) -> str:
    """Return a database address without its password, for people, logs and ``runs``.

    Examples
    --------
    >>> mask_url("postgresql://planner:secret@db.example:5432/parcels")
    'postgresql://planner:***@db.example:5432/parcels'
    """
    password = _password_of(url)
    if password is None:
        return url.split("?", maxsplit=1)[0] if "password" in url.casefold() else url
    parts = urlsplit(url)
    user = parts.netloc.rpartition("@")[0].partition(":")[0]
    host = parts.netloc.rpartition("@")[2]
    query = "" if "password" in parts.query.casefold() else parts.query
    return urlunsplit((parts.scheme, f"{user}:***@{host}", parts.path, query, ""))


def _password_of(url: str) -> str | None:
    user = urlsplit(url).netloc.rpartition("@")[0]
    return user.partition(":")[2] if ":" in user else None


def open_query(url: str, query: str) -> Source:
    """Open a query of a PostgreSQL server.

    Parameters
    ----------
    url
        ``postgresql://user@host:port/database``. A password may stand in it, in ``PGPASSWORD`` or in ``~/.pgpass``.
    query
        One SELECT. It runs in a read-only transaction; the server streams the rows.

    Returns
    -------
    Source
        The query's rows as text; the line of a row is its number in the result, the first being 1.

    Raises
    ------
    RadarError
        When the address is none, the server cannot be reached or refuses, the query is wrong or would write. The
        sentence never holds the password.
    """
    from psycopg.errors import SyntaxError as WrongSyntax

    if urlsplit(url).scheme not in ("postgresql", "postgres"):
        raise RadarError(
            "a database address of another kind", "postgresql://user@host:port/database", "correct --database"
        )
    if urlsplit(url).netloc.count("@") > 1:
        raise RadarError(
            "a database address with more than one @", "%40 for an @ in the password", "correct --database"
        )
    statement = query.strip().rstrip(";").strip()
    if not statement:
        raise RadarError("an empty query", "one SELECT", "write it after --query")
    name = f"query of {mask_url(url)}"

    with _answering(url, name) as connection:
        columns = _describe(connection, statement)
    if not columns:
        raise RadarError("SQL that is no single SELECT", "one SELECT", "correct --query", file=name)

    def feed() -> Iterator[bytes]:
        with _answering(url, name) as connection:
            _describe(connection, statement)
            try:
                yield from _stream(connection, statement)
            except WrongSyntax as error:
                # It was parsed by itself before, and cannot stand where a SELECT stands.
                told = error.diag.message_primary
                raise RadarError(
                    f"SQL that is no single SELECT ({told})", "one SELECT", "correct --query", file=name
                ) from None

    return open_rows(feed, columns, name)


def _describe(connection: psycopg.Connection, statement: str) -> tuple[str, ...]:
    """Let the server parse the query by itself, without running it, and name its columns.

    Two statements, or brackets that close too early, end here.
    """
    import psycopg

    for result in (connection.pgconn.prepare(b"", statement.encode()), connection.pgconn.describe_prepared(b"")):
        if result.status != psycopg.pq.ExecStatus.COMMAND_OK:
            raise psycopg.errors.error_from_result(result)
    return tuple((result.fname(at) or b"").decode() for at in range(result.nfields))


def _stream(connection: psycopg.Connection, statement: str) -> Iterator[bytes]:
    # The statement is known to parse alone, so it cannot leave the brackets; the line break ends a trailing comment.
    command = f"COPY ({statement}\n) TO STDOUT (FORMAT csv)".encode()
    with connection.cursor() as cursor, cursor.copy(command) as copy:
        parts: list[bytes] = []
        have = 0
        for row in copy:
            parts.append(bytes(row))
            have += len(row)
            if have >= _BLOCK:
                yield b"".join(parts)
                parts, have = [], 0
        if parts:
            yield b"".join(parts)


@contextmanager
def _answering(url: str, name: str) -> Iterator[psycopg.Connection]:
    """Connect for reading only, and tell every refusal as a sentence without the password."""
    import psycopg

    options = "-c default_transaction_read_only=on -c DateStyle=ISO -c IntervalStyle=iso_8601 -c TimeZone=UTC -c extra_float_digits=1"
    try:
        connection = psycopg.connect(
            url,
            autocommit=False,
            connect_timeout=_CONNECT_SECONDS,
            options=options,
            client_encoding="UTF8",
            application_name="radar",
        )
    except psycopg.Error as error:
        told = _without_password(str(error), url)
        raise RadarError(
            f"no connection ({told})",
            "a server that answers",
            "check address, user and password (PGPASSWORD or ~/.pgpass)",
            file=name,
        ) from None
    try:
        connection.read_only = True
        yield connection
    except psycopg.Error as error:
        raise _refused(error, url, name) from None
    finally:
        connection.close()


def _refused(error: psycopg.Error, url: str, name: str) -> RadarError:
    told = error.diag.message_primary or str(error)
    told = _without_password(f"{told}; {error.diag.message_hint}" if error.diag.message_hint else told, url)
    if error.sqlstate == _READ_ONLY or "COPY query must have" in told:
        return RadarError(f"a query that would write ({told})", "one SELECT", "only reading is allowed", file=name)
    if error.sqlstate == _CANCELED:
        return RadarError(f"a query the server stopped ({told})", "an answer", "ask for fewer rows", file=name)
    return RadarError(f"a query the server refuses ({told})", "one SELECT it can answer", "correct --query", file=name)


def _without_password(told: str, url: str) -> str:
    """Take the password out of what the server or driver says, and bring it to one line."""
    told = " ".join(told.split())
    passwords = [_password_of(url), *parse_qs(urlsplit(url).query).get("password", [])]
    for password in filter(None, passwords):
        for secret in sorted({password, unquote(password), quote(unquote(password), safe="")}):
            told = told.replace(secret, "***")
    # A broken address is quoted in pieces by the driver, and a piece may be part of a password.
    return "the address cannot be read" if ("invalid" in told and "port" in told) or "URI" in told else told
