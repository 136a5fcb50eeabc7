"""Queries of a PostgreSQL server, streamed, in a transaction that cannot write. Passwords never leave this module."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, unquote

from data.errors import RadarError
from data.sources.batch import Source
from data.sources.csv_files import open_rows
from data.sources.load_limits import check_limits, seconds_left

if TYPE_CHECKING:
    import psycopg

_BLOCK = 1 << 20
_CONNECT_SECONDS = 10
_READ_ONLY, _CANCELED = "25006", "57014"
# A server that is gone without a word is given up after a minute [s; s; times].
_KEEP_ALIVE = {"keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3"}
# No statement takes longer than the load has left, nor than the server allows anyway.
_LIMIT_STATEMENTS = (
    "SELECT set_config(name, least(nullif(setting::bigint, 0), %s)::text, false) FROM pg_settings "
    "WHERE name = 'statement_timeout'"
)


@dataclass(frozen=True, slots=True)
class Address:
    """A database address, taken apart by plain text: a password may hold ``#``, ``/``, ``?`` or ``[`` as it is.

    Parameters
    ----------
    scheme
        What stands before ``://``.
    user, password
        What stands before the last ``@``, parted at the first colon, as written; None where there is none.
    place
        What stands behind the last ``@``: host, port, database, further settings.
    """

    scheme: str
    user: str | None
    password: str | None
    place: str

    @classmethod
    def of(cls, url: str) -> Address | None:
        """Take an address apart; None for what has no ``://``."""
        scheme, found, rest = url.partition("://")
        if not found:
            return None
        credentials, at, place = rest.rpartition("@")
        user, colon, password = credentials.partition(":")
        return cls(scheme, user if at else None, password if colon else None, place)

    def masked(self) -> str:
        """Return the address as people, logs and ``runs`` may see it."""
        credentials = "" if self.user is None else f"{self.user}@" if self.password is None else f"{self.user}:***@"
        place = self.place.partition("?")[0] if "pass" in self.place.casefold() else self.place
        return f"{self.scheme}://{credentials}{place}"

    def secrets(self) -> list[str]:
        """Return every way in which a password of this address may be written, the longest first."""
        given = [self.password, *parse_qs(self.place.partition("?")[2]).get("password", [])]
        ways = {
            way
            for raw in filter(None, given)
            for way in (raw, unquote(raw), quote(raw, safe=""), quote(unquote(raw), safe=""))
        }
        return sorted(ways, key=len, reverse=True)

    def settings(self) -> str:
        """Return what libpq is to connect with, every value quoted."""
        from psycopg.conninfo import make_conninfo

        plain = f"{self.scheme}://{self.place}"
        user = None if self.user is None else unquote(self.user)
        password = None if self.password is None else unquote(self.password)
        given = {name: value for name, value in (("user", user), ("password", password)) if value is not None}
        return make_conninfo(plain, **_KEEP_ALIVE, **given)


def mask_url(url: str) -> str:
    """Return a database address without its password, for people, logs and ``runs``.

    Everything between the first colon behind ``//`` and the last ``@`` is the password, whatever signs it holds. What is no
    address is not shown at all.

    Examples
    --------
    >>> mask_url("postgresql://planner:se#cr/et?@db.example:5432/parcels")
    'postgresql://planner:***@db.example:5432/parcels'
    >>> mask_url("host=db.example password=secret")
    '***'
    """
    address = Address.of(url)
    return "***" if address is None else address.masked()


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

    address = Address.of(url)
    if address is None or address.scheme not in ("postgresql", "postgres"):
        raise RadarError(
            "a database address of another kind", "postgresql://user@host:port/database", "correct --database"
        )
    statement = query.strip().rstrip(";").strip()
    if not statement:
        raise RadarError("an empty query", "one SELECT", "write it after --query")
    name = f"query of {mask_url(url)}"

    with _answering(address, name) as connection:
        columns = _describe(connection, statement)
    if not columns:
        raise RadarError("SQL that is no single SELECT", "one SELECT", "correct --query", file=name)

    def feed() -> Iterator[bytes]:
        with _answering(address, name) as connection:
            _describe(connection, statement)
            try:
                yield from _stream(connection, statement)
            except WrongSyntax as error:
                # It was parsed by itself before, and cannot stand where a SELECT stands.
                message = error.diag.message_primary
                raise RadarError(
                    f"SQL that is no single SELECT ({message})", "one SELECT", "correct --query", file=name
                ) from None

    return open_rows(feed, columns, name)


def _describe(connection: psycopg.Connection, statement: str) -> tuple[str, ...]:
    """Let the server parse the query by itself, without running it, and name its columns.

    Two statements, or brackets that close too early, end here.

    Raises
    ------
    psycopg.Error
        What the server finds wrong with the query.
    """  # noqa: DOC501 (a function makes the error)
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
def _answering(address: Address, name: str) -> Iterator[psycopg.Connection]:
    """Connect for reading only, and tell every refusal as a sentence without the password."""
    import psycopg

    options = "-c default_transaction_read_only=on -c DateStyle=ISO -c IntervalStyle=iso_8601 -c TimeZone=UTC -c extra_float_digits=1"
    try:
        connection = psycopg.connect(
            address.settings(),
            autocommit=False,
            connect_timeout=_CONNECT_SECONDS,
            options=options,
            client_encoding="UTF8",
            application_name="radar",
        )
    except psycopg.Error as error:
        message = _without_password(str(error), address)
        raise RadarError(
            f"no connection ({message})",
            "a server that answers",
            "check address, user and password (PGPASSWORD or ~/.pgpass)",
            file=name,
        ) from None
    try:
        connection.read_only = True
        if seconds_left() < float("inf"):
            connection.execute(_LIMIT_STATEMENTS, [max(1, math.ceil(1000.0 * seconds_left()))])
        yield connection
    except psycopg.Error as error:
        check_limits()  # the server was told when to stop
        raise _refused(error, address, name) from None
    finally:
        connection.close()


def _refused(error: psycopg.Error, address: Address, name: str) -> RadarError:
    message = error.diag.message_primary or str(error)
    message = _without_password(
        f"{message}; {error.diag.message_hint}" if error.diag.message_hint else message, address
    )
    if error.sqlstate == _READ_ONLY or "COPY query must have" in message:
        return RadarError(f"a query that would write ({message})", "one SELECT", "only reading is allowed", file=name)
    if error.sqlstate == _CANCELED:
        return RadarError(f"a query the server stopped ({message})", "an answer", "ask for fewer rows", file=name)
    return RadarError(
        f"a query the server refuses ({message})", "one SELECT it can answer", "correct --query", file=name
    )


def _without_password(message: str, address: Address) -> str:
    """Take the password out of what the server or driver says, and bring it to one line."""
    message = " ".join(message.split())
    for secret in address.secrets():
        message = message.replace(secret, "***")
    # A broken address is quoted in pieces by the driver, and a piece may be part of a password.
    return "the address cannot be read" if ("invalid" in message and "port" in message) or "URI" in message else message
