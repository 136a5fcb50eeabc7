"""Engines: the same results in the same order wherever tasks are done, and none lost with a worker or a head."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from data.engines import LOCAL, Processes, Ray, choose_engine
from data.errors import RadarError
from tests.data.engine_tasks import die_in_workers, die_once, fail, kill_group, scale

RAY = importlib.util.find_spec("ray") is not None
needs_ray = pytest.mark.skipif(not RAY, reason='Ray is not installed: pip install "parcelradar[ray]"')


def test_results_come_in_the_order_of_the_parts_from_other_processes() -> None:
    parts = list(range(7))
    here = LOCAL.map(scale, 3, parts)
    there = Processes(2).map(scale, 3, parts)
    assert [value for value, _ in here] == [value for value, _ in there] == [3 * part for part in parts]
    assert {process for _, process in here} == {os.getpid()}
    assert os.getpid() not in {process for _, process in there}
    assert Processes(2).map(scale, 3, []) == []


def test_a_worker_that_dies_loses_nothing(tmp_path: Path) -> None:
    told: list[str] = []
    mark = tmp_path / "died 死"
    found = Processes(2, told.append).map(die_once, str(mark), range(8))
    assert found == [part * part for part in range(8)]
    assert mark.exists()
    assert len(told) == 1
    assert "A worker died" in told[0]


def test_when_every_worker_dies_the_work_is_done_here() -> None:
    told: list[str] = []
    assert Processes(2, told.append).map(die_in_workers, os.getpid(), range(4)) == [0, 1, 2, 3]
    assert len(told) == 3


def test_a_fault_of_a_task_is_not_hidden() -> None:
    for engine in (LOCAL, Processes(2)):
        with pytest.raises(ValueError, match="part 2"):
            engine.map(fail, 0, range(4))


def test_engines_are_named_and_others_refused() -> None:
    assert choose_engine("local").name == "local"
    assert choose_engine("processes", 3) == Processes(3)
    with pytest.raises(RadarError, match="ray://HOST:PORT"):
        choose_engine("spark")
    if not RAY:
        with pytest.raises(RadarError, match="not installed"):
            choose_engine("ray")


@pytest.fixture(scope="module")
def head() -> Iterator[str]:
    with started_head() as (address, _):
        yield address


@contextmanager
def started_head() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A head of two workers, started as the how-to page does."""
    port, door = _free_ports(2)
    tool = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--disable-usage-stats"]
    options = [f"--port={port}", f"--ray-client-server-port={door}", "--num-cpus=2", "--include-dashboard=false"]
    rooms = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    begun = subprocess.Popen(
        [*tool, *options], env=rooms, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(door, begun)
        yield f"ray://127.0.0.1:{door}", begun
    finally:
        with suppress(ProcessLookupError):
            os.killpg(begun.pid, signal.SIGTERM)
        try:
            begun.wait(30)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(begun.pid, signal.SIGKILL)


def _wait_for(door: int, begun: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert begun.poll() is None, "the head did not start"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", door)) == 0:
                return
        time.sleep(0.2)
    raise AssertionError("the head's door did not open")


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@needs_ray
def test_a_cluster_gives_the_same_results_and_loses_none_with_a_worker(head: str, tmp_path: Path) -> None:
    parts = list(range(7))
    found = Ray(head).map(scale, 3, parts)
    assert [value for value, _ in found] == [3 * part for part in parts]
    assert os.getpid() not in {process for _, process in found}
    assert Ray(head).map(die_once, str(tmp_path / "died"), range(8)) == [part * part for part in range(8)]
    with pytest.raises(ValueError, match="part 2"):
        Ray(head).map(fail, 0, range(4))


@needs_ray
def test_a_head_that_is_not_there_is_told_and_the_work_done_here() -> None:
    told: list[str] = []
    began = time.monotonic()
    found = Ray("ray://127.0.0.1:1", told.append).map(scale, 2, range(3))
    assert [value for value, _ in found] == [0, 2, 4]
    assert "cannot be reached" in told[0]
    assert "3 of 3 tasks are done in this process" in told[0]
    assert time.monotonic() - began < 30


@needs_ray
def test_a_head_lost_on_the_way_is_told_and_the_rest_done_here(tmp_path: Path) -> None:
    told: list[str] = []
    with started_head() as (address, begun):
        # part 3 of every worker kills the head's group, as a machine that goes down would
        found = Ray(address, told.append).map(kill_group, (begun.pid, os.getpid()), range(6))
    assert found == [part * part for part in range(6)]
    assert len(told) == 1
    assert "cannot be reached" in told[0]
