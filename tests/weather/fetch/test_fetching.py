"""A local server that replays, delays, cuts and lies: each fault is one sentence and leaves nothing behind."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from cli.app import app
from data.errors import RadarError
from data.workspace import Workspace
from tests.weather.feeds.test_cap import BOMB, alert, info
from tests.weather.feeds.test_loading import ANSWER
from weather.feeds.loading import Sources
from weather.fetch.fetching import Fetcher, Limits, mask
from weather.fetch.services import Account, fetch

Reply = Callable[[BaseHTTPRequestHandler], None]
SOURCES = Sources(zone=ZoneInfo("UTC"))
LIMITS = Limits(
    timeout_seconds=0.4,
    whole_seconds=1.0,
    most_bytes=200_000,
    back_off_seconds=0.0,
    least_gap_seconds=0.0,
    keep_seconds=60.0,
)


class Server:
    def __init__(self) -> None:
        self.replies: dict[str, list[Reply]] = {}
        self.seen: list[tuple[str, dict[str, str]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.seen.append((self.path, dict(self.headers)))
                waiting = outer.replies.get(self.path.partition("?")[0], [])
                reply = waiting.pop(0) if len(waiting) > 1 else waiting[0] if waiting else send(404)
                try:
                    reply(self)
                except OSError:
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                return

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()


def send(status: int = 200, body: bytes = b"", **headers: str) -> Reply:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return reply


def cut(handler: BaseHTTPRequestHandler) -> None:
    send(200, b"", Content_Length="1000")(handler)
    handler.wfile.write(b'{"latitude": 4')
    handler.close_connection = True


def hang(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(0.8)
    handler.close_connection = True


def drip(handler: BaseHTTPRequestHandler) -> None:
    send(200, b"", Content_Length="1000")(handler)
    for _ in range(30):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.1)


def flood(handler: BaseHTTPRequestHandler) -> None:
    send(200, b"", Content_Length=str(2 * 1024**3))(handler)
    for _ in range(2000):
        handler.wfile.write(b"x" * 65536)


GOOD = send(200, json.dumps(ANSWER).encode(), ETag='"v1"')


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


def fetcher(folder: Path, **changes: object) -> Fetcher:
    return Fetcher(folder / "kept", LIMITS, **({"private": True, "sleep": lambda _: None} | changes))  # type: ignore[arg-type]


def ask(server: Server, folder: Path, *replies: Reply) -> int:
    server.replies["/v1/forecast"] = list(replies)
    readings, _ = fetch("open-meteo", Account(server.url), [(45.7, 126.6)], 3, fetcher(folder), SOURCES)
    return readings[0][1].frame.height


def test_forecast_is_fetched_and_issued_when_it_was_fetched(server: Server, tmp_path: Path) -> None:
    assert ask(server, tmp_path, GOOD) == 2
    assert "latitude=45.7" in server.seen[0][0]


@pytest.mark.parametrize("fault", [send(429, Retry_After="0"), send(500), send(503), hang, cut])
def test_passing_faults_are_tried_again(server: Server, tmp_path: Path, fault: Reply) -> None:
    assert ask(server, tmp_path, fault, GOOD) == 2
    assert len(server.seen) == 2


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (send(429), "Found answer 429 from .*, expected 200; ask for less, or later"),
        (send(500), "Found answer 500"),
        (send(401), "check the key"),
        (hang, "No whole answer from"),
        (cut, "No whole answer from"),
        (drip, "slower than 1 s"),
        (flood, "More than 200,000 bytes"),
        (send(200, b"<html>not json"), "no readable JSON"),
        (send(200, b"[]"), "an empty list"),
        (send(302, b"", Location="file:///etc/passwd"), "http or https"),
        (send(302, b"", Location="/v1/forecast"), "redirects"),
    ],
)
def test_lasting_faults_are_one_sentence(server: Server, tmp_path: Path, fault: Reply, told: str) -> None:
    with pytest.raises(RadarError, match=told) as raised:
        ask(server, tmp_path, fault)
    assert str(raised.value).count("\n") == 0


def test_private_addresses_are_refused_unless_allowed(server: Server, tmp_path: Path) -> None:
    with pytest.raises(RadarError, match=r"127\.0\.0\.1, an address that is not public"):
        fetcher(tmp_path, private=False).get(server.url)
    for url in ("http://[::1]/", "http://10.0.0.1/", "http://169.254.169.254/latest"):
        with pytest.raises(RadarError, match="not public"):
            fetcher(tmp_path, private=False).get(url)


def test_what_has_not_changed_is_not_sent_again(server: Server, tmp_path: Path) -> None:
    server.replies["/a"] = [send(200, b"first", ETag='"v1"'), send(304)]
    clock = [datetime(2025, 11, 10, tzinfo=UTC)]
    one = fetcher(tmp_path, now=lambda: clock[0])
    assert one.get(f"{server.url}/a")[0] == b"first"
    assert one.get(f"{server.url}/a")[0] == b"first"
    assert len(server.seen) == 1
    clock[0] += timedelta(hours=1)
    assert one.get(f"{server.url}/a") == (b"first", clock[0])
    assert server.seen[1][1]["If-None-Match"] == '"v1"'
    # a kept answer that was damaged is asked for anew
    for body in (tmp_path / "kept").glob("*.body"):
        body.write_bytes(b"damaged")
    server.replies["/a"] = [send(200, b"second")]
    assert one.get(f"{server.url}/a")[0] == b"second"


def test_key_is_shown_nowhere_and_not_sent_on(server: Server, tmp_path: Path) -> None:
    server.replies["/data/3.0/onecall"] = [send(401)]
    with pytest.raises(RadarError) as raised:
        fetch("openweather", Account(server.url, "s3cret"), [(1.0, 2.0)], 3, fetcher(tmp_path), SOURCES)
    assert "s3cret" not in str(raised.value)
    server.replies["/v7/grid-weather/72h"] = [send(302, b"", Location="/elsewhere")]
    server.replies["/elsewhere"] = [send(200, b"{}")]
    with pytest.raises(RadarError):
        fetch("qweather", Account(server.url, "s3cret"), [(1.0, 2.0)], 3, fetcher(tmp_path), SOURCES)
    headers = dict(server.seen)
    assert headers["/v7/grid-weather/72h?location=2.00,1.00"]["X-QW-Api-Key"] == "s3cret"
    assert "s3cret" not in str(headers["/elsewhere"])
    assert all(b"s3cret" not in path.read_bytes() for path in (tmp_path / "kept").glob("*"))
    assert mask("http://u:p@h/?appid=abc&x=1", "") == "http://***@h/?appid=***&x=1"


def test_service_without_its_key_says_where_to_put_it(tmp_path: Path) -> None:
    with pytest.raises(RadarError, match="key_env"):
        fetch("qweather", Account("https://example.test"), [(1.0, 2.0)], 3, fetcher(tmp_path), SOURCES)


def test_index_is_followed_and_a_bad_alert_set_apart(server: Server, tmp_path: Path) -> None:
    index = (
        '<feed xmlns="http://www.w3.org/2005/Atom">'
        + "".join(f'<entry><link href="/{name}"/></entry>' for name in "abcd")
        + "</feed>"
    )
    server.replies = {
        "/index": [send(200, index.encode())],
        "/a": [send(200, alert(info()))],
        "/b": [send(200, BOMB)],
        "/c": [send(404)],
    }
    server.replies["/d"] = [send(200, alert(info(), name="A2"))]
    readings, apart = fetch("cap", Account(f"{server.url}/index"), [], 3, fetcher(tmp_path), SOURCES)
    assert len(readings) == 2
    assert [address.rpartition("/")[2] for address in apart] == ["b", "c"]
    rss = f"<rss><channel><item><link>{server.url}/a</link></item></channel></rss>"
    server.replies["/rss"] = [send(200, rss.encode())]
    assert len(fetch("cap", Account(f"{server.url}/rss"), [], 3, fetcher(tmp_path), SOURCES)[0]) == 1


def test_of_an_entry_the_alert_is_followed_not_the_page_for_people(server: Server, tmp_path: Path) -> None:
    cap, page = 'type="application/cap+xml"', 'type="text/html"'
    atom = (
        '<feed xmlns="http://www.w3.org/2005/Atom"><link href="/self"/>'
        f'<entry><link rel="alternate" {page} href="/page"/><link href="/a" {cap}/><link href="/other"/></entry>'
        f'<entry><link {page} href="/page"/><link href="/b"/></entry></feed>'
    )
    rss = (
        "<rss><channel><link>/self</link>"
        f'<item><link>/page</link><enclosure url="/a" {cap}/></item><item><link>/b</link></item></channel></rss>'
    )
    server.replies |= {
        "/a": [send(200, alert(info()))],
        "/b": [send(200, alert(info(), name="A2"))],
        "/atom": [send(200, atom.encode())],
        "/rss": [send(200, rss.encode())],
    }
    for index in ("atom", "rss"):
        server.seen.clear()
        asked = fetcher(tmp_path / index)
        readings, apart = fetch("cap", Account(f"{server.url}/{index}"), [], 3, asked, SOURCES)
        assert (len(readings), apart) == (2, {})
        assert [path for path, _ in server.seen] == [f"/{index}", "/a", "/b"]


def test_an_alert_or_index_that_cannot_be_read_is_asked_for_again(server: Server, tmp_path: Path) -> None:
    index = '<feed xmlns="http://www.w3.org/2005/Atom"><entry><link href="/a"/></entry></feed>'
    server.replies = {
        "/index": [send(200, b"<html/>"), send(200, index.encode())],
        "/a": [send(200, alert(info())[:200]), send(200, alert(info()))],
    }
    account = Account(f"{server.url}/index")
    with pytest.raises(RadarError, match="no index of alerts"):
        fetch("cap", account, [], 3, fetcher(tmp_path), SOURCES)
    assert [len(part) for part in fetch("cap", account, [], 3, fetcher(tmp_path), SOURCES)] == [0, 1]
    assert [len(part) for part in fetch("cap", account, [], 3, fetcher(tmp_path), SOURCES)] == [1, 0]


def test_a_kept_answer_was_issued_when_it_was_first_fetched(server: Server, tmp_path: Path) -> None:
    server.replies["/v1/forecast"] = [GOOD]
    frames = [
        fetch("open-meteo", Account(server.url), [(45.7, 126.6)], 3, fetcher(tmp_path), SOURCES)[0][0][1].frame
        for _ in range(2)
    ]
    assert len(server.seen) == 1
    assert frames[0].equals(frames[1])


def test_command_writes_tables_or_leaves_them(server: Server, tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "ws 天气")
    with (workspace.folder / "radar.toml").open("a") as file:
        file.write(f'\n[weather.services.open-meteo]\nbase_url = "{server.url}"\nprivate = true\n')
    places = tmp_path / "places.csv"
    places.write_text("location_id,latitude,longitude\na,45.7,126.6\n")
    words = ["--workspace", str(workspace.folder), "weather", "fetch", "open-meteo", "--places", str(places)]
    server.replies["/v1/forecast"] = [send(200, b'{"latitude": 45.7')]
    failed = CliRunner().invoke(app, words)
    assert failed.exit_code == 1
    assert workspace.version("weather_forecasts") is None
    server.replies["/v1/forecast"] = [GOOD]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert workspace.read("weather_forecasts").height == 2
    assert CliRunner().invoke(app, words).exit_code == 0
    assert workspace.read("weather_forecasts").height == 2  # the kept answer again, not a second issue of it


def test_a_service_that_does_not_exist_is_named(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "ws")
    with (workspace.folder / "radar.toml").open("a") as file:
        file.write('\n[weather.services.openmeteo]\nbase_url = "http://127.0.0.1:1"\n')
    failed = CliRunner().invoke(app, ["--workspace", str(workspace.folder), "weather", "fetch", "open-meteo"])
    assert failed.exit_code == 1
    assert "openmeteo" in failed.stderr
    assert "'open-meteo', 'qweather', 'openweather' or 'cap'" in failed.stderr


def test_clean_removes_answers_kept_for_longer(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "清 clean")
    folder = workspace.folder / ".weather"
    folder.mkdir()
    old, new = (datetime.now(tz=UTC) - timedelta(days=days) for days in (100, 2))
    for name, fetched in (("a", old), ("b", new)):
        (folder / f"{name}.body").write_bytes(b"12345")
        (folder / f"{name}.json").write_text(json.dumps({"fetched_at": fetched.isoformat()}))
    (folder / "cut.body").write_bytes(b"half an answer")
    arguments = ["--workspace", str(workspace.folder), "clean", "--json"]
    told = json.loads(CliRunner().invoke(app, [*arguments, "--dry-run"]).stdout)
    row = next(row for row in told["tables"] if row["table"] == ".weather")
    assert row["files"] == 2
    assert len(list(folder.iterdir())) == 5
    freed = json.loads(CliRunner().invoke(app, arguments).stdout)["bytes_freed"]
    assert freed >= row["bytes"] > 5
    assert sorted(file.name for file in folder.iterdir()) == ["b.body", "b.json", "cut.body"]
