"""The one writer of a workspace on an object store: a lease that is renewed while it lives and falls to the next when it is not.

The lease is one object. It is taken, renewed and given back by puts that name the tag of what they replace, so that of two who try one
succeeds. No clocks are compared: who waits sees by its own clock that the tag has not changed for as long as a lease lasts.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from data.errors import RadarError
from data.object_store import Bucket

LEASE = ".writer.lease"
_RENEWALS = 3  # in the time of a lease, so that two may fail (judgement)
_LOOKS = 10  # for another's lease in the time of one (judgement)


@dataclass
class Lease:
    """A lease that is held.

    Attributes
    ----------
    bucket
        Where it stands.
    holder
        Who holds it, in words for others.
    seconds
        How long it lasts without being renewed.
    """

    bucket: Bucket
    holder: str
    seconds: float
    _tag: str = ""
    _token: str = field(default_factory=lambda: uuid.uuid4().hex)
    _renewed: float = 0.0
    _lost: str | None = None
    _end: threading.Event = field(default_factory=threading.Event)

    def require(self) -> None:
        """Make sure that it is still held.

        Raises
        ------
        RadarError
            When another has taken it, or it could not be renewed for as long as it lasts.
        """
        if self._lost is None and time.monotonic() - self._renewed > self.seconds:
            self._lost = f"it was not renewed for {self.seconds:g} s"
        if self._lost is not None:
            raise RadarError(
                f"the lease of {self.bucket.url} is lost ({self._lost}); nothing more was written",
                action="see whether another command writes there, then run it again",
            )

    def _content(self, holder: str | None) -> bytes:
        record = {"holder": holder, "token": self._token, "turn": uuid.uuid4().hex, "seconds": self.seconds}
        return json.dumps(record, ensure_ascii=False).encode()

    def _take(self, wait_seconds: float) -> None:
        """Take it once it is free, or whoever holds it has not renewed it for as long as it lasts."""
        began = since = time.monotonic()
        seen: str | None = None
        renewed = False
        while True:
            asked = time.monotonic()
            stands = self.bucket.get(LEASE)
            if stands is None:
                tag = self.bucket.create(LEASE, self._content(self.holder))
            else:
                holder, lasts = _read(stands[0])
                if stands[1] != seen:
                    renewed, seen, since = seen is not None, stands[1], asked
                free = holder is None or asked - since >= lasts
                tag = self.bucket.swap(LEASE, self._content(self.holder), stands[1]) if free else None
                # one that has not been renewed since it was first seen may be dead: that is waited for in any case
                if tag is None and renewed and asked - began >= wait_seconds:
                    raise RadarError(
                        f"{holder or 'another radar'} is writing to {self.bucket.url}",
                        action="wait until it has ended, then run it again",
                    )
            if tag is not None:
                self._tag, self._renewed = tag, asked
                return
            time.sleep(self.seconds / _LOOKS)

    def _keep(self) -> None:
        """Renew it until the end, in a thread of its own."""
        while not self._end.wait(self.seconds / _RENEWALS):
            asked = time.monotonic()
            with suppress(RadarError):  # the next renewal may succeed; require() tells when none did in time
                tag = self.bucket.swap(LEASE, self._content(self.holder), self._tag)
                if tag is None:
                    self._lost = "another command has taken it"
                    return
                self._tag, self._renewed = tag, asked

    def _give_back(self) -> None:
        with suppress(RadarError):  # it falls to the next when its time is over
            self.bucket.swap(LEASE, self._content(None), self._tag)


@contextmanager
def hold(bucket: Bucket, holder: str, seconds: float, wait_seconds: float) -> Iterator[Lease]:
    """Hold the lease of a store while the body runs.

    Parameters
    ----------
    bucket
        The store.
    holder
        Who asks, in words for others.
    seconds
        How long it lasts without being renewed.
    wait_seconds
        How long one that is renewed is waited for; of one that is not it is always seen whether its holder is dead.

    Yields
    ------
    Lease
        The lease, renewed by a thread of its own.

    Raises
    ------
    RadarError
        When another holds it for longer, or the store cannot be reached.
    """
    lease = Lease(bucket, holder, seconds)
    lease._take(wait_seconds)  # noqa: SLF001 (of this module)
    keeper = threading.Thread(target=lease._keep, daemon=True)  # noqa: SLF001 (of this module)
    keeper.start()
    try:
        yield lease
    finally:
        lease._end.set()  # noqa: SLF001 (of this module)
        keeper.join()
        if lease._lost is None:  # noqa: SLF001 (of this module)
            lease._give_back()  # noqa: SLF001 (of this module)


def _read(content: bytes) -> tuple[str | None, float]:
    """Return who holds a lease and how long it lasts; one that cannot be read is held by nobody who renews it."""
    try:
        record = json.loads(content)
        return record["holder"], float(record["seconds"])
    except (ValueError, KeyError, TypeError):
        return "another radar", 0.0
