"""Where many independent tasks are done: in this process, in several on this machine, or on a Ray cluster; the same bytes out.

A task is a pure function of what all tasks share and of its own part. Every engine hands back the results in the order of the parts, and
the parts are cut the same way on each, so nothing of a result depends on where it was made.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from data.errors import RadarError
from data.progress import SILENT, Progress

Shared = TypeVar("Shared")
Part = TypeVar("Part")
Result = TypeVar("Result")
Task = Callable[[Shared, Part], Result]
Tell = Callable[[str], None]

NAMES = ("local", "processes", "ray")
_CLIENT_PORT = 10001  # published: what `ray start --head` opens for clients unless told otherwise
_KNOCK_SECONDS = 10.0  # that a head may take to open its door (judgement)
RETRIES = 3  # of tasks whose worker died before what is left is done in this process (judgement)


class Engine(Protocol):
    """Does tasks."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    def map(
        self, task: Task[Shared, Part, Result], shared: Shared, parts: Sequence[Part], bar: Progress = SILENT
    ) -> list[Result]:
        """Do a task on every part and return the results in the order of the parts.

        Parameters
        ----------
        task
            A function of a module, so that other processes find it.
        shared
            What all tasks read; sent to each worker once.
        parts
            One a task.
        bar
            Told how many are done.
        """
        ...


@dataclass(frozen=True)
class Local:
    """One after the other in this process."""

    name: str = "local"

    def map(
        self, task: Task[Shared, Part, Result], shared: Shared, parts: Sequence[Part], bar: Progress = SILENT
    ) -> list[Result]:
        """Do a task on every part."""
        results = []
        for number, part in enumerate(parts, start=1):
            results.append(task(shared, part))
            bar.step(number, len(parts))
        return results


LOCAL = Local()


@dataclass(frozen=True)
class Processes:
    """Side by side in processes of this machine.

    Attributes
    ----------
    workers
        How many; 0 is one a processor.
    tell
        Told in a sentence when workers died.

    Notes
    -----
    A worker that dies takes its pool with it; a new pool does what was not done yet. After ``RETRIES`` pools the rest is done here.
    """

    workers: int = 0
    tell: Tell = print
    name: str = "processes"

    def map(
        self, task: Task[Shared, Part, Result], shared: Shared, parts: Sequence[Part], bar: Progress = SILENT
    ) -> list[Result]:
        """Do a task on every part."""
        from concurrent.futures import ProcessPoolExecutor, as_completed
        from concurrent.futures.process import BrokenProcessPool
        from multiprocessing import get_context

        found: dict[int, Result] = {}
        count = min(self.workers or os.cpu_count() or 1, max(len(parts), 1))
        with _on_disk(shared) as file:
            for _ in range(RETRIES):
                left = [number for number in range(len(parts)) if number not in found]
                if not left:
                    break
                pool = ProcessPoolExecutor(count, get_context("spawn"), _open_shared, (file,))
                try:
                    doing = {pool.submit(_do, task, parts[number]): number for number in left}
                    for done in as_completed(doing):
                        found[doing[done]] = done.result()
                        bar.step(len(found), len(parts))
                except BrokenProcessPool:
                    self.tell(f"A worker died; {len(parts) - len(found)} of {len(parts)} tasks are done again.")
                finally:
                    pool.shutdown(wait=True, cancel_futures=True)
        return _finish_here(task, shared, parts, found, bar)


@dataclass(frozen=True)
class Ray:
    """On a Ray cluster.

    Attributes
    ----------
    address
        ``ray://HOST:PORT`` of its head; empty starts one on this machine for the time of the tasks.
    tell
        Told in a sentence when the cluster was lost.

    Notes
    -----
    Ray does the tasks of a worker that died on another. When the head is lost what is not done yet is done in this process.
    """

    address: str = ""
    tell: Tell = print
    name: str = "ray"

    def map(
        self, task: Task[Shared, Part, Result], shared: Shared, parts: Sequence[Part], bar: Progress = SILENT
    ) -> list[Result]:
        """Do a task on every part.

        Raises
        ------
        RadarError
            When Ray is not installed.
        """
        ray = _import_ray()
        found: dict[int, Result] = {}
        try:
            with _cluster(ray, self.address):
                _map_on_ray(ray, task, shared, parts, found, bar)
        except _lost(ray) as error:
            where = self.address or "this machine"
            reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
            self.tell(
                f"The Ray cluster at {where} cannot be reached ({reason}); "
                f"{len(parts) - len(found)} of {len(parts)} tasks are done in this process."
            )
        return _finish_here(task, shared, parts, found, bar)


def choose_engine(word: str, workers: int = 0, tell: Tell = print) -> Engine:
    """Return the engine a planner names: ``local``, ``processes``, ``ray``, or ``ray://HOST:PORT``.

    Raises
    ------
    RadarError
        For another word, or Ray where it is not installed.

    Examples
    --------
    >>> choose_engine("processes", 2).name
    'processes'
    """
    if word == "local":
        return LOCAL
    if word == "processes":
        return Processes(workers, tell)
    if word == "ray" or word.startswith("ray://"):
        _import_ray()
        return Ray("" if word == "ray" else word, tell)
    raise RadarError(f"engine {word!r}", f"one of {', '.join(NAMES)}, or ray://HOST:PORT")


def _finish_here(
    task: Task[Shared, Part, Result], shared: Shared, parts: Sequence[Part], found: dict[int, Result], bar: Progress
) -> list[Result]:
    for number, part in enumerate(parts):
        if number not in found:
            found[number] = task(shared, part)
            bar.step(len(found), len(parts))
    return [found[number] for number in range(len(parts))]


@contextmanager
def _on_disk(shared: object) -> Iterator[str]:
    """Put what tasks share into a file that workers read once each."""
    import pickle

    handle, name = tempfile.mkstemp(prefix="radar-tasks-")
    try:
        with os.fdopen(handle, "wb") as file:
            pickle.dump(shared, file, protocol=pickle.HIGHEST_PROTOCOL)
        yield name
    finally:
        with suppress(OSError):
            Path(name).unlink()


_shared: Any = None


def _open_shared(file: str) -> None:
    """Read what tasks share, in a worker as it starts. Ctrl-C is for the process that started the worker."""
    import pickle
    import signal

    global _shared  # noqa: PLW0603 (the one way to hand a worker of a pool something once)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Path(file).open("rb") as source:
        _shared = pickle.load(source)  # noqa: S301 (written by the process that started this worker)


def _do(task: Task[Any, Part, Result], part: Part) -> Result:
    return task(_shared, part)


def _import_ray() -> Any:
    try:
        import ray  # type: ignore[import-not-found, unused-ignore]
    except ImportError as error:
        raise RadarError(
            "Ray is not installed", action='install it with `pip install "parcelradar[ray]"`, or use --engine processes'
        ) from error
    return ray


def _lost(ray: Any) -> tuple[type[BaseException], ...]:
    """What Ray raises when there is no cluster, or no longer one; faults of a task are none of these."""
    of_ray = ray.exceptions
    return (
        ConnectionError,
        TimeoutError,
        of_ray.RaySystemError,
        of_ray.RayActorError,
        of_ray.ObjectLostError,
        of_ray.WorkerCrashedError,
        of_ray.NodeDiedError,
        of_ray.LocalRayletDiedError,
    )


@contextmanager
def _cluster(ray: Any, address: str) -> Iterator[None]:
    """Be connected to a cluster, or to one of this machine's own."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent home unless the planner wants it
    quiet = {"logging_level": "ERROR", "log_to_driver": False}
    if address:
        _reach(address)
        ray.init(address=address, **quiet)
    else:
        ray.init(address="local", include_dashboard=False, **quiet)
    try:
        yield
    finally:
        with suppress(*_lost(ray)):
            ray.shutdown()


def _reach(address: str) -> None:
    """Knock at a head's door: Ray itself goes on trying one that is not there for minutes.

    Raises
    ------
    ConnectionError
        When nobody opens.
    """
    import socket
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(address)
        with socket.create_connection((parts.hostname or "", parts.port or _CLIENT_PORT), timeout=_KNOCK_SECONDS):
            return
    except (OSError, ValueError) as error:
        raise ConnectionError(str(error)) from error


def _map_on_ray(
    ray: Any,
    task: Task[Shared, Part, Result],
    shared: Shared,
    parts: Sequence[Part],
    found: dict[int, Result],
    bar: Progress,
) -> None:
    """Do the tasks; what is done stands in ``found`` even when the cluster is lost on the way."""
    remote = ray.remote(max_retries=RETRIES)(task)
    shared_once = ray.put(shared)
    doing = {remote.remote(shared_once, part): number for number, part in enumerate(parts)}
    waiting = list(doing)
    while waiting:
        done, waiting = ray.wait(waiting, num_returns=1)
        for reference in done:
            found[doing[reference]] = ray.get(reference)
            bar.step(len(found), len(parts))
