"""Where straight pieces of way run through an area: compiled, for every piece of every lane at once."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from data.arrays import Floats


def edges_of(area: Any) -> Floats:
    """Return the edges of a polygon or multipolygon, holes included, as (x0, y0, x1, y1); shape (edges, 4)."""
    import shapely

    rings = shapely.get_rings(shapely.get_parts(area))
    corners, ring = shapely.get_coordinates(rings, return_index=True)
    joined = ring[:-1] == ring[1:]
    return np.column_stack([corners[:-1][joined], corners[1:][joined]]).astype(np.float64)


def cross_pieces(points: Floats, starts: NDArray[np.int64], edges: Floats) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Find the pieces of way that run through an area, and from where to where.

    Parameters
    ----------
    points
        (longitude, latitude) of places, shape (places, 2) [degrees].
    starts
        A piece runs from place ``starts[i]`` to the next; shape (pieces,).
    edges
        As ``edges_of`` returns them. A place is inside where a ray meets an odd number of them.

    Returns
    -------
    piece, enters, leaves
        Start of each piece that touches the area, and the first and last part of it inside, 0 to 1.
    """
    touched, enters, leaves = _cross(points, starts, edges)
    return starts[touched], enters[touched], leaves[touched]


@numba.njit(cache=True)
def _cross(points: Floats, starts: NDArray[np.int64], edges: Floats) -> tuple[NDArray[np.bool_], Floats, Floats]:
    count = starts.shape[0]
    touched = np.zeros(count, dtype=np.bool_)
    enters, leaves = np.empty(count), np.empty(count)
    west, south = edges[:, 0].min(), edges[:, 1].min()
    east, north = edges[:, 0].max(), edges[:, 1].max()
    for piece in range(count):
        ax, ay = points[starts[piece]]
        bx, by = points[starts[piece] + 1]
        if max(ax, bx) < west or min(ax, bx) > east or max(ay, by) < south or min(ay, by) > north:
            continue
        first, last = 2.0, -1.0
        if _inside(ax, ay, edges):
            first, last = 0.0, 0.0
        if _inside(bx, by, edges):
            first, last = min(first, 1.0), 1.0
        for edge in range(edges.shape[0]):
            at = _meet(ax, ay, bx, by, edges[edge])
            if at >= 0.0:
                first, last = min(first, at), max(last, at)
        if last >= 0.0:
            touched[piece], enters[piece], leaves[piece] = True, first, last
    return touched, enters, leaves


@numba.njit(cache=True)
def _inside(x: float, y: float, edges: Floats) -> bool:
    odd = False
    for edge in range(edges.shape[0]):
        x0, y0, x1, y1 = edges[edge]
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) * (x1 - x0) / (y1 - y0):
            odd = not odd
    return odd


@numba.njit(cache=True)
def _meet(ax: float, ay: float, bx: float, by: float, edge: Floats) -> float:
    """Part of the way from a to b at which it meets an edge, -1 where it does not (or runs along it)."""
    dx, dy = bx - ax, by - ay
    ex, ey = edge[2] - edge[0], edge[3] - edge[1]
    cross = dx * ey - dy * ex
    if cross == 0.0:
        return -1.0
    along = ((edge[0] - ax) * ey - (edge[1] - ay) * ex) / cross
    on_edge = ((edge[0] - ax) * dy - (edge[1] - ay) * dx) / cross
    return along if 0.0 <= along <= 1.0 and 0.0 <= on_edge <= 1.0 else -1.0
