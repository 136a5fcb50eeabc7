"""Queries of a real PostgreSQL server."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote, unquote

import polars as pl
import psycopg
import pytest
from typer.testing import CliRunner

from cli.app import app
from data.errors import RadarError
from data.sources.postgresql import mask_url, open_query
from data.workspace import Workspace
from tests.postgres_server import PASSWORD, QUOTED_PASSWORD, USER, Server

RUNNER = CliRunner()
ROWS = 3_000


@pytest.fixture(scope="module")
def volumes(postgres: Server) -> Server:
    """A server that holds volumes in the types databases use."""
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE volumes (day date, courier text, origin text, destination text, parcels bigint, weight numeric(12,3),"
            " noted timestamptz, remark text)"
        )
        connection.execute(
            "INSERT INTO volumes SELECT date '2022-01-01' + i / 10, 'ours', '杭州', 'DC' || i % 10, i, i / 8.0,"
            f" timestamptz '2022-01-01 23:30+08' + i * interval '1 minute', NULL FROM generate_series(0, {ROWS - 1}) i"
        )
    return postgres


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "peak")


def _rows(url: str, query: str) -> pl.DataFrame:
    source = open_query(url, query)
    frames = [batch.frame for batch in source.read()]
    frame = pl.concat(frames)
    frame.columns = list(source.columns)
    return frame


def test_every_type_arrives_as_text_that_loading_reads(volumes: Server) -> None:
    query = "SELECT day, weight, noted, remark, parcels, parcels > 1 AS many, 'a,\"b\"' AS odd FROM volumes ORDER BY parcels LIMIT 2"
    first = _rows(volumes.url, query).row(1, named=True)
    assert first == {
        "day": "2022-01-01",
        "weight": "0.125",
        "noted": "2022-01-01 15:31:00+00",
        "remark": "",
        "parcels": "1",
        "many": "f",
        "odd": 'a,"b"',
    }


def test_load_from_the_database_commits_the_rows_and_keeps_no_password(volumes: Server, workspace: Workspace) -> None:
    query = "SELECT day AS 日期, courier, origin, destination, parcels FROM volumes; -- all"
    arguments = ["-w", str(workspace.folder), "load", "route_volumes", "--database", volumes.url, "--query", query]
    result = RUNNER.invoke(app, [*arguments, "--add-missing", "hubs,couriers", "--json"])
    assert result.exit_code == 1
    assert "no single SELECT" in result.output
    result = RUNNER.invoke(app, [*arguments[:-1], query.partition(";")[0], "--add-missing", "hubs,couriers", "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["rows_taken"] == ROWS
    loaded = workspace.read("route_volumes")
    assert loaded["parcels"].sum() == ROWS * (ROWS - 1) // 2
    assert set(loaded["origin_hub_id"]) == {"杭州"}
    kept = workspace.read("runs")["options"][-1]
    assert "***" in kept
    for path in workspace.folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert PASSWORD.encode() not in content
            assert QUOTED_PASSWORD.encode() not in content


def test_a_query_is_described_and_not_run_when_it_is_opened(volumes: Server) -> None:
    source = open_query(volumes.url, "SELECT 1 / (parcels - parcels) AS broken, day FROM volumes")
    assert source.columns == ("broken", "day")
    with pytest.raises(RadarError, match="division by zero"):
        list(source.read())


def test_timestamps_with_zone_become_utc_and_null_stays_empty(volumes: Server, workspace: Workspace) -> None:
    query = (
        "SELECT 'W' || parcels AS waybill_id, origin AS origin_hub_id, destination AS destination_hub_id, noted AS ordered_at,"
        " 'created' AS status, remark AS exception, NULL::timestamptz AS picked_up_at FROM volumes WHERE parcels < 3"
    )
    arguments = ["load", "waybills", "--database", volumes.url, "--query", query, "--add-missing", "hubs"]
    result = RUNNER.invoke(app, ["-w", str(workspace.folder), *arguments])
    assert result.exit_code == 0, result.output
    loaded = workspace.read("waybills").sort("waybill_id")
    assert [str(at) for at in loaded["ordered_at"]] == [f"2022-01-01 15:3{minute}:00+00:00" for minute in range(3)]
    assert loaded["picked_up_at"].null_count() == loaded["exception"].null_count() == 3


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("INSERT INTO volumes (day) VALUES ('2022-01-01') RETURNING day", "would write"),
        ("INSERT INTO volumes (day) VALUES ('2022-01-01')", "no single SELECT"),
        ("DELETE FROM volumes", "no single SELECT"),
        ("WITH gone AS (DELETE FROM volumes RETURNING day) SELECT * FROM gone", "would write"),
        ("DROP TABLE volumes", "no single SELECT"),
        ("CREATE TABLE other AS SELECT 1", "no single SELECT"),
        ("SELECT 1; DROP TABLE volumes", "server refuses"),
        ("SELECT 1) TO PROGRAM 'touch broken' --", "server refuses"),
        ("SELECT setval('s', 1)", "server refuses"),
        ("SELECT parcel FROM volumes", 'column "parcel" does not exist'),
        ("SELEC 1", "syntax error"),
        ("SELECT 1/(parcels - 5) AS x FROM volumes ORDER BY parcels", "division by zero"),
    ],
)
def test_a_query_that_is_wrong_or_would_write_ends_in_one_sentence(volumes: Server, query: str, says: str) -> None:
    with pytest.raises(RadarError) as raised:
        _rows(volumes.url, query)
    sentence = str(raised.value)
    assert says in sentence
    assert "\n" not in sentence
    assert PASSWORD not in sentence
    assert QUOTED_PASSWORD not in sentence
    assert raised.value.__cause__ is None
    with psycopg.connect(volumes.url) as connection:
        counted = connection.execute("SELECT count(*) FROM volumes").fetchone()
    assert counted == (ROWS,)


def test_wrong_password_unknown_database_and_no_server_are_told_without_the_password(postgres: Server) -> None:
    wrong = "an0ther-w%40rd"
    for url, says in (
        (postgres.url.replace(QUOTED_PASSWORD, wrong), "password authentication failed"),
        (postgres.url.replace("/postgres", "/nowhere"), "nowhere"),
        (f"postgresql://{USER}:{wrong}@127.0.0.1:1/postgres", "no connection"),
        (f"postgresql://{USER}:{wrong}@nowhere.invalid/postgres", "no connection"),
        (f"postgresql://{USER}@127.0.0.1:1/postgres?password={wrong}", "no connection"),
        (f"postgresql://{USER}:an0ther-w@rd:x@127.0.0.1:1/postgres", "no connection"),
        (f"postgresql://{USER}:{wrong}@127.0.0.1:port/postgres", "no connection"),
    ):
        with pytest.raises(RadarError) as raised:
            open_query(url, "SELECT 1 AS x")
        sentence = str(raised.value)
        assert says in sentence
        for secret in (wrong, "an0ther-w@rd", "an0ther-w", PASSWORD, QUOTED_PASSWORD):
            assert secret not in sentence
        assert raised.value.__cause__ is None


UGLY = (
    "se#cret-A", "se/cret-B", "se?cret-C", "se[cret-D", "se]cret-E", "se@cret-F", "se:cret-G", "se cret-H", "se%cret-I", "se%25cret-J",
    "密码-K", "sécret-L", "se\\cret-M", "se'cret-N", 'se"cret-O', "se&cret=P", "#se?/[@:-Q", "@@secret-R", "se;cret|S", "//se@cret-T",
)  # fmt: skip


@pytest.mark.parametrize("password", UGLY)
def test_an_ugly_password_opens_the_door_and_stays_nowhere(
    volumes: Server, workspace: Workspace, password: str
) -> None:
    """Written as it is or percent-encoded, right or wrong, it is in no file of the workspace and on neither stream."""
    from psycopg import sql

    with psycopg.connect(volumes.url, autocommit=True) as connection:
        right = unquote(password)
        connection.execute(sql.SQL("CREATE USER ugly PASSWORD {}").format(sql.Literal(right)))
        connection.execute("GRANT SELECT ON volumes TO ugly")
    query = "SELECT day AS date, courier AS courier_id, origin AS origin_hub_id, destination AS destination_hub_id, parcels FROM volumes"
    told = ""
    try:
        for number, written in enumerate((password, quote(right, safe=""), f"{password}-wrong")):
            url = f"postgresql://ugly:{written}@127.0.0.1:{volumes.port}/postgres"
            arguments = ["-w", str(workspace.folder), "load", "route_volumes", "--database", url, "--query", query]
            result = RUNNER.invoke(app, [*arguments, "--add-missing", "hubs,couriers"])
            assert result.exit_code == (1 if number == 2 else 0), result.output
            told += result.stdout + result.stderr
            told += RUNNER.invoke(app, ["-w", str(workspace.folder), "runs", "--json"]).output
    finally:
        with psycopg.connect(volumes.url, autocommit=True) as connection:
            connection.execute("DROP OWNED BY ugly; DROP USER ugly")
    assert "ugly:***@" in workspace.read("runs")["options"][-1]
    assert "password authentication failed" in told
    ways = {password, right, quote(right, safe=""), quote(password, safe=""), right[:6], right[-6:]}
    kept = [path.read_bytes() for path in workspace.folder.rglob("*") if path.is_file()]
    for way in ways:
        assert way not in told
        assert not any(way.encode() in content for content in kept)


def test_an_address_of_another_kind_and_an_empty_query_are_refused() -> None:
    with pytest.raises(RadarError, match="postgresql://user@host"):
        open_query("mysql://planner:secret@host/db", "SELECT 1")
    with pytest.raises(RadarError, match="empty query"):
        open_query("postgresql://planner@host/db", " ; ")


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("postgresql://planner:secret@host:5432/db", "postgresql://planner:***@host:5432/db"),
        ("postgresql://planner@host/db?sslmode=require", "postgresql://planner@host/db?sslmode=require"),
        ("postgresql://planner@host/db?password=secret", "postgresql://planner@host/db"),
        ("postgresql://planner:se:cr@et@host/db?password=secret", "postgresql://planner:***@host/db"),
        ("postgresql://planner:#se/cr?et[1]@host/db", "postgresql://planner:***@host/db"),
        ("host=db user=planner password=secret", "***"),
    ],
)
def test_masked_addresses_hold_no_password(url: str, masked: str) -> None:
    assert mask_url(url) == masked


def test_a_query_without_rows_is_told(volumes: Server, workspace: Workspace) -> None:
    query = "SELECT day AS date, courier, origin, destination, parcels FROM volumes WHERE false"
    arguments = ["load", "route_volumes", "--database", volumes.url, "--query", query]
    result = RUNNER.invoke(app, ["-w", str(workspace.folder), *arguments])
    assert result.exit_code == 1
    assert "a header and no rows" in result.output
