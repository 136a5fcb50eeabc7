"""Parcels that travel together, laid out so that a search can cut them and send the pieces other paths."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from routing.trunk.task.flows import Flows
from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.task.paths import PathPool, merge_paths

_SPARE_CHUNKS = 20_000
_SLACK_STEPS = 6


class Chunks(NamedTuple):
    """Parcels that travel together, in arrays with room for more; modified in place.

    Attributes
    ----------
    demand, length, parcels : (C,)
    legs : (C, W)
    used : (1,)
        Chunks in use.
    """

    demand: Ints
    length: Ints
    parcels: Floats
    legs: Ints
    used: Ints


def cut_chunks(network: TrunkNetwork, flows: Flows) -> Chunks:
    """Lay flows out as chunks."""
    pool = flows.pool
    lengths = np.diff(pool.pointers)
    size = len(pool) + _SPARE_CHUNKS
    width = int(lengths.max() if len(pool) else 1) + _SLACK_STEPS + network.turns
    chunks = Chunks(
        demand=np.zeros(size, dtype=np.int64),
        length=np.zeros(size, dtype=np.int64),
        parcels=np.zeros(size),
        legs=np.zeros((size, width), dtype=np.int64),
        used=np.array([len(pool)], dtype=np.int64),
    )
    chunks.demand[: len(pool)] = pool.demand
    chunks.length[: len(pool)] = lengths
    chunks.parcels[: len(pool)] = flows.parcels
    row = np.repeat(np.arange(len(pool)), lengths)
    column = np.arange(len(pool.legs)) - np.repeat(pool.pointers[:-1], lengths)
    chunks.legs[row, column] = pool.legs
    return chunks


def join_chunks(network: TrunkNetwork, chunks: Chunks) -> Flows:
    """Turn chunks into flows, those of one demand and path added up."""
    count = int(chunks.used[0])
    some = np.flatnonzero(chunks.parcels[:count] > 0)
    lengths = chunks.length[some]
    pointers = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    column = np.arange(int(pointers[-1])) - np.repeat(pointers[:-1], lengths)
    legs = chunks.legs[np.repeat(some, lengths), column]
    pool, place = merge_paths(network, [PathPool(chunks.demand[some], pointers, legs)])
    parcels = np.bincount(place, np.rint(chunks.parcels[some]), len(pool))
    return Flows(pool, np.rint(parcels).astype(np.int64))
