"""Weather over HTTP: one polite, bounded request at a time, kept so that what has not changed is not sent again."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from data.errors import RadarError

Clock = Callable[[], float]


@dataclass(frozen=True)
class Limits:
    """What one request may cost (all judgement)."""

    timeout_seconds: float = 15.0
    whole_seconds: float = 60.0
    """Longest time of one answer, however slowly it comes."""
    most_bytes: int = 32 * 1024 * 1024
    tries: int = 3
    back_off_seconds: float = 1.0
    """Wait before the second try; each later one is twice as long, or as the service's Retry-After says."""
    longest_wait_seconds: float = 30.0
    least_gap_seconds: float = 0.2
    """Between two requests to one service."""
    redirects: int = 4
    keep_seconds: float = 300.0
    """A kept answer younger than this is not asked for again."""


@dataclass
class Fetcher:
    """Fetches answers.

    Parameters
    ----------
    folder
        Where answers are kept, each with the time it was fetched.
    limits
        What one request may cost.
    private
        Whether addresses of this machine and its network may be asked (a local mirror).
    clock, sleep, now
        Time of the machine; tests bring their own.
    """

    folder: Path
    limits: Limits = field(default_factory=Limits)
    private: bool = False
    clock: Clock = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = lambda: datetime.now(tz=UTC)
    _last: dict[str, float] = field(default_factory=dict)

    def get(self, url: str, *, secret: str = "", headers: Mapping[str, str] | None = None) -> tuple[bytes, datetime]:
        """Return the bytes of an answer and when they were fetched.

        Parameters
        ----------
        url
            What to ask for.
        secret
            A key that stands in the address or a header: never told in an error, nor kept.
        headers
            Sent along, only to the service itself, never on to where it redirects.

        Raises
        ------
        RadarError
            In one sentence, when the service cannot be reached, refuses, answers too much or too slowly, or sends on to an
            address that is not public.
        """
        stored = self._stored(url, secret)
        if stored is not None and (self.now() - stored[1]).total_seconds() < self.limits.keep_seconds:
            return stored[0], stored[1]
        sent = dict(headers or {})
        if stored is not None:
            sent |= {
                name: stored[2][key]
                for key, name in (("etag", "If-None-Match"), ("modified", "If-Modified-Since"))
                if stored[2].get(key)
            }
        shown = mask(url, secret)
        for attempt in range(1, self.limits.tries + 1):
            status, content, answered = self._ask(url, sent, shown, secret, last=attempt == self.limits.tries)
            if status == 304 and stored is not None:
                return stored[0], self._store(url, secret, stored[0], stored[2])
            if status == 200:
                return content, self._store(url, secret, content, answered)
            if status not in (0, 408, 425, 429, 500, 502, 503, 504) or attempt == self.limits.tries:
                self._refuse(status, shown)
            self.sleep(self._wait(attempt, answered.get("retry", "")))
        raise RadarError(f"no answer from {shown}", action="try again later")

    def forget(self, url: str, *, secret: str = "") -> None:
        """Keep an answer no longer: it turned out to be none."""
        for ending in (".json", ".body"):
            self._path(url, secret).with_suffix(ending).unlink(missing_ok=True)

    def _ask(
        self, url: str, headers: Mapping[str, str], shown: str, secret: str, *, last: bool
    ) -> tuple[int, bytes, dict[str, str]]:
        """One request and its redirects: status (0 where nothing came), bytes and the headers worth keeping."""
        import httpx

        sent = dict(headers)
        try:
            with httpx.Client(timeout=self.limits.timeout_seconds, follow_redirects=False, trust_env=False) as client:
                for _ in range(self.limits.redirects + 1):
                    self._allow(url, shown, secret)
                    self._pace(urlsplit(url).netloc)
                    with client.stream("GET", url, headers=sent) as answer:
                        if answer.has_redirect_location:
                            url = urljoin(url, answer.headers["location"])
                            sent = {}
                            continue
                        facts = {
                            "etag": answer.headers.get("etag", ""),
                            "modified": answer.headers.get("last-modified", ""),
                            "retry": answer.headers.get("retry-after", ""),
                        }
                        return answer.status_code, self._body(answer, shown), facts
        except (httpx.TransportError, httpx.DecodingError) as error:
            if last:
                raise RadarError(
                    f"no whole answer from {shown} ({mask(str(error) or type(error).__name__, secret)[:160]})",
                    action="try again later",
                ) from error
            return 0, b"", {}
        except (httpx.InvalidURL, KeyError, ValueError) as error:
            raise RadarError(
                f"no usable address {mask(url, secret)}", "http or https", "correct the base URL"
            ) from error
        raise RadarError(f"more than {self.limits.redirects} redirects from {shown}", action="correct the base URL")

    def _body(self, answer: Any, shown: str) -> bytes:
        parts, size, started = [], 0, self.clock()
        for part in answer.iter_bytes():
            size += len(part)
            if size > self.limits.most_bytes:
                raise RadarError(
                    f"more than {self.limits.most_bytes:,} bytes from {shown}", action="ask for fewer places or days"
                )
            if self.clock() - started > self.limits.whole_seconds:
                raise RadarError(
                    f"an answer slower than {self.limits.whole_seconds:g} s from {shown}", action="try again later"
                )
            parts.append(part)
        return b"".join(parts)

    def _allow(self, url: str, shown: str, secret: str) -> None:
        """Refuse addresses that are not http, or not public unless allowed."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise RadarError(
                f"address {mask(url, secret)[:120]} asked for by {shown}", "http or https", "correct the base URL"
            )
        if self.private:
            return
        try:
            found = socket.getaddrinfo(parts.hostname, parts.port or 443, proto=socket.IPPROTO_TCP)
        except (OSError, UnicodeError) as error:
            raise RadarError(f"no address of {parts.hostname}", action="check the base URL and the network") from error
        if any(not ipaddress.ip_address(each[4][0]).is_global for each in found):
            raise RadarError(
                f"{parts.hostname}, an address that is not public, asked for by {shown}",
                action="allow it with `private = true` under [weather.services.NAME] in radar.toml",
            )

    def _pace(self, service: str) -> None:
        before = self._last.get(service)
        if before is not None:
            self.sleep(max(0.0, before + self.limits.least_gap_seconds - self.clock()))
        self._last[service] = self.clock()

    def _wait(self, attempt: int, asked: str) -> float:
        own = self.limits.back_off_seconds * 2.0 ** (attempt - 1)
        return min(float(asked), self.limits.longest_wait_seconds) if re.fullmatch(r"\d{1,6}", asked) else own

    def _refuse(self, status: int, shown: str) -> None:
        advice = {400: "check the base URL", 404: "check the base URL", 429: "ask for less, or later"}
        advice |= {401: "check the key", 403: "check the key"}
        raise RadarError(f"answer {status} from {shown}", "200", advice.get(status, "try again later"))

    def _path(self, url: str, secret: str) -> Path:
        return self.folder / hashlib.sha256(mask(url, secret).encode()).hexdigest()[:32]

    def _stored(self, url: str, secret: str) -> tuple[bytes, datetime, dict[str, str]] | None:
        path = self._path(url, secret)
        try:
            facts = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
            content = path.with_suffix(".body").read_bytes()
            if hashlib.sha256(content).hexdigest() != facts["sha256"]:
                return None
            return content, datetime.fromisoformat(facts["fetched_at"]), facts
        except (OSError, ValueError, KeyError, TypeError):
            return None  # never kept, or cut off while it was: it is asked for anew

    def _store(self, url: str, secret: str, content: bytes, answered: Mapping[str, str]) -> datetime:
        """Keep an answer; return when it was fetched, the moment that a later look at what is kept tells too."""
        path, fetched = self._path(url, secret), self.now()
        facts = {
            "etag": answered.get("etag", ""),
            "modified": answered.get("modified", ""),
            "fetched_at": fetched.isoformat(),
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".body").write_bytes(content)
        path.with_suffix(".json").write_text(
            json.dumps(facts | {"sha256": hashlib.sha256(content).hexdigest()}), encoding="utf-8"
        )
        return fetched


def find_old_answers(folder: Path, before: datetime) -> list[Path]:
    """Find kept answers that were fetched before a moment, and parts of answers that were cut off while kept.

    Parameters
    ----------
    folder
        Where a ``Fetcher`` keeps them; it need not exist.
    before
        With offset.

    Returns
    -------
    list of Path
        Files, sorted; nothing needs them, as what they held stands in the tables.
    """
    files = sorted((*folder.glob("*.json"), *folder.glob("*.body"))) if folder.is_dir() else []
    return [file for file in files if _fetched_at(file) < before]


def _fetched_at(file: Path) -> datetime:
    """When an answer was fetched, by what stands beside it; of a part that tells nothing, when it was last written."""
    try:
        facts = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
        return datetime.fromisoformat(facts["fetched_at"])
    except (OSError, ValueError, KeyError, TypeError):
        return datetime.fromtimestamp(file.stat().st_mtime, tz=UTC)


def mask(text: str, secret: str) -> str:
    """Return a text without a key, and without whatever stands in an address as one."""
    hidden = text.replace(secret, "***") if secret else text
    hidden = re.sub(r"(?i)([?&](?:key|appid|apikey|api_key|token)=)[^&\s'\"]+", r"\1***", hidden)
    return re.sub(r"//[^/@\s]+@", "//***@", hidden)
