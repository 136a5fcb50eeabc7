"""A folder of an object store that speaks S3: objects put, got and listed, and put only where nobody else was first.

A put that names what it replaces is the one thing an object store promises between machines: ``create`` succeeds for one of many, ``swap``
only for who knows the newest. Who reaches the store, and with which keys, stands in the environment as for every other tool:
``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, ``AWS_REGION``, and ``AWS_ENDPOINT_URL`` for a server of one's own.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from data.constants import constant
from data.errors import RadarError


@dataclass(frozen=True)
class Patience:
    """How long an object store may take before a command says so."""

    connect_seconds: float = constant(5.0, "seconds", "to answer at all", "judgement")
    request_seconds: float = constant(60.0, "seconds", "for one object", "judgement")
    retries: int = constant(3, "times", "a request is sent again after a fault that may pass", "judgement")
    retry_seconds: float = constant(120.0, "seconds", "for all of them together", "judgement")


PATIENCE = Patience()


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What a listing says of an object: its size [bytes] and the tag of its content."""

    size: int
    tag: str


@dataclass(frozen=True)
class Bucket:
    """Objects below one address.

    Attributes
    ----------
    url
        ``s3://BUCKET/PREFIX``.
    """

    url: str
    _store: Any

    @classmethod
    def open(cls, url: str, patience: Patience = PATIENCE) -> Bucket:
        """Open an address; nothing is asked of the store yet.

        Raises
        ------
        RadarError
            When the address is no ``s3://BUCKET/PREFIX``, or the client is not installed.
        """
        bucket, _, prefix = url.removeprefix("s3://").partition("/")
        if not url.startswith("s3://") or not bucket or not prefix.strip("/"):
            raise RadarError(f"store {url!r}", "s3://BUCKET/PREFIX", "correct store under [workspace] in radar.toml")
        try:
            from obstore.store import S3Store  # type: ignore[import-not-found, unused-ignore]
        except ImportError as error:
            raise RadarError(
                "the client for object stores is not installed",
                action='install it with `pip install "parcelradar[s3]"`',
            ) from error
        plain = os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
        with _in_one_sentence(url):
            store = S3Store(
                bucket,
                prefix=prefix.strip("/"),
                client_options={
                    "connect_timeout": timedelta(seconds=patience.connect_seconds),
                    "timeout": timedelta(seconds=patience.request_seconds),
                    "allow_http": plain,
                },
                retry_config={
                    "max_retries": patience.retries,
                    "retry_timeout": timedelta(seconds=patience.retry_seconds),
                },
            )
        return cls(url, store)

    def list(self, below: str = "") -> dict[str, StoredObject]:
        """Return what stands below a path, by its path."""
        with _in_one_sentence(self.url):
            batches = self._store.list(below or None)
            return {one["path"]: StoredObject(one["size"], one["e_tag"] or "") for batch in batches for one in batch}

    def get(self, path: str) -> tuple[bytes, str] | None:
        """Return an object and its tag, None where there is none."""
        with _in_one_sentence(self.url):
            try:
                found = self._store.get(path)
                return bytes(found.bytes()), found.meta["e_tag"] or ""
            except FileNotFoundError:
                return None

    def put(self, path: str, content: bytes) -> str:
        """Put an object, whatever stood there, and return its tag."""
        with _in_one_sentence(self.url):
            return self._store.put(path, content)["e_tag"] or ""

    def create(self, path: str, content: bytes) -> str | None:
        """Put an object where none is and return its tag; None where one was put first."""
        from obstore.exceptions import AlreadyExistsError  # type: ignore[import-not-found, unused-ignore]

        with _in_one_sentence(self.url):
            try:
                return self._store.put(path, content, mode="create")["e_tag"] or ""
            except AlreadyExistsError:
                pass
        return self._ours(path, content)

    def swap(self, path: str, content: bytes, tag: str) -> str | None:
        """Put an object in place of the one with a tag and return the new tag; None where another was put since."""
        from obstore.exceptions import PreconditionError  # type: ignore[import-not-found, unused-ignore]

        with _in_one_sentence(self.url):
            try:
                return self._store.put(path, content, mode={"e_tag": tag})["e_tag"] or ""
            except (PreconditionError, FileNotFoundError):
                pass
        return self._ours(path, content)

    def delete(self, paths: Iterable[str]) -> None:
        """Delete objects, one after the other in their order."""
        with _in_one_sentence(self.url):
            for path in paths:
                self._store.delete(path)

    def _ours(self, path: str, content: bytes) -> str | None:
        """Return the tag of an object that is the one just put: an answer got lost, and the client had put it again."""
        stands = self.get(path)
        return stands[1] if stands is not None and stands[0] == content else None


@contextmanager
def _in_one_sentence(url: str) -> Iterator[None]:
    """Turn what the client raises into one sentence."""
    try:
        yield
    except RadarError:
        raise
    except OSError as error:
        raise _unreachable(url, error) from error
    except Exception as error:
        if not type(error).__module__.startswith("obstore"):
            raise
        raise _unreachable(url, error) from error


def _unreachable(url: str, error: BaseException) -> RadarError:
    return RadarError(
        f"object store {url} does not do what was asked ({_short(error)})",
        action="see to AWS_ENDPOINT_URL, AWS_REGION, the keys and the bucket, then run it again",
    )


def _short(error: BaseException, most: int = 300) -> str:
    """Return the first line of an error without the client's own notes behind it."""
    lines = str(error).strip().splitlines()
    message = lines[0] if lines else type(error).__name__
    return message if len(message) <= most else f"{message[:most]} …"
