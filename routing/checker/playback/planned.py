"""What a plan runs, on the clock: its vehicles with their room, its flows with their departures, and the paths it uses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import polars as pl

from routing.checker.playback.cells import Leave
from routing.checker.playback.network import TimedNetwork
from routing.checker.playback.orders import Orders, list_holds, read_orders

Legs = tuple[int, ...]


class PlannedRuns:
    """Vehicles, flows and paths of a plan.

    Parameters
    ----------
    frames
        Tables of the checker.
    network
        The network on its clock.

    Attributes
    ----------
    by_clock
        Whether departures have hours.
    vehicles
        Room and sort reached of planned vehicles by lane and the sort they load after, in the order in which they leave.
    departures
        Vehicles of each hub and day.
    hired
        Parcels a vehicle called for each lane holds; 0 where none can be hired.
    flows
        Flows with lanes, the sorts after which they leave, when they are done and first leave [minutes].
    paths
        Paths of the plan by where they begin and end, with the order in which they were met.
    """

    def __init__(self, frames: Mapping[str, pl.DataFrame], network: TimedNetwork) -> None:
        self._network = network
        orders = read_orders(frames, network.clock_of)
        self.by_clock = orders.by_clock
        self.vehicles = self._lay_vehicles(orders)
        self.hired = self._list_hired(frames)
        self.flows = self._read_flows(frames, orders)
        self.paths = self._list_paths()

    def by_route(self) -> dict[tuple[Any, int, int], list[dict[str, Any]]]:
        """Flows by date, origin and end, those that leave first before others."""
        found: dict[tuple[Any, int, int], list[dict[str, Any]]] = defaultdict(list)
        for flow in self.flows:
            found[flow["date"], flow["origin"], flow["end"]].append(flow)
        for flows in found.values():
            flows.sort(key=lambda flow: int(flow["leaves"]))
        return found

    def _lay_vehicles(self, orders: Orders) -> dict[tuple[int, int], list[tuple[int, int]]]:
        """Room and sort reached of planned vehicles by lane and the sort they load after, in the order in which they leave."""
        network = self._network
        found: dict[tuple[int, int], list[tuple[int, int, int]]] = defaultdict(list)
        self.departures: dict[tuple[int, int], int] = defaultdict(int)
        self._tails: dict[int, tuple[int, int]] = {}
        self._turns: dict[int, int] = {}
        for number, vehicle in enumerate(orders.vehicles):
            lane, hub = network.lane_number[vehicle.lane], network.number[vehicle.start]
            step, there = network.last_by(hub, vehicle.doors), network.at_hand(vehicle)
            if step >= 0 and network.reached[lane][step] < 0:
                there = -1
            self._tails[number] = (step, there if there >= 0 else len(network.sorts[network.ends[lane]]))
            if step >= 0 and vehicle.loads:
                found[lane, step].append((vehicle.leaves, int(vehicle.room), there))
                day = (network.sorts[hub][step].day - network.first).days
                self.departures[hub, day] += len(vehicle.loads)
        for number, vehicle in enumerate(orders.vehicles):
            key = (network.lane_number[vehicle.lane], self._tails[number][0])
            hours = {leaves for leaves, _, _ in found.get(key, ())}
            self._turns[number] = sum(hour < vehicle.leaves for hour in hours) if vehicle.loads else 0
        return {key: [(room, there) for _, room, there in sorted(rows)] for key, rows in found.items()}

    def _list_hired(self, frames: Mapping[str, pl.DataFrame]) -> list[int]:
        """Parcels a vehicle called for a lane holds, the largest of contract, else spot; 0 off the road or where none can be hired."""
        owner = dict(frames["vehicle_types"].select("vehicle_type_id", "ownership").iter_rows())
        best: dict[str, tuple[str, int]] = {}
        for (lane, kind), load in list_holds(frames).items():
            if owner[kind] != "own":
                rank = (owner[kind], -int(load))
                best[lane] = min(best.get(lane, rank), rank)
        return [-best.get(lane["lane_id"], ("", 0))[1] if lane["mode"] == "road" else 0 for lane in self._network.lanes]

    def _read_flows(self, frames: Mapping[str, pl.DataFrame], orders: Orders) -> list[dict[str, Any]]:
        """Flows with lanes, the sorts after which they leave, when they are done and first leave [minutes]."""
        network = self._network
        rows = {row["row"]: row for row in frames["trunk_flows"].iter_rows(named=True)}
        found = []
        for order in orders.orders:
            row = rows[int(order.where.rsplit(" ", 1)[1].rstrip(")"))]
            leaves = orders.vehicles[order.vehicles[0]].leaves if order.vehicles else order.done_by
            if row["parcels"] > 0:
                found.append(
                    {
                        "row": row["row"],
                        "date": row["date"],
                        "origin": network.number[row["origin_hub_id"]],
                        "end": network.number[row["destination_hub_id"]],
                        "completed_on": row["completed_on"],
                        "legs": tuple(network.lane_number[lane] for lane in row["path"]),
                        "tails": [self._tails[number] for number in order.vehicles],
                        "leave": [Leave(self._tails[number][0], self._turns[number]) for number in order.vehicles],
                        "done": order.done_by,
                        "leaves": leaves if orders.by_clock else 0,
                        "parcels": int(row["parcels"]),
                    }
                )
        found.sort(
            key=lambda flow: (
                flow["date"],
                network.names[flow["origin"]],
                network.names[flow["end"]],
                flow["completed_on"],
                flow["row"],
            )
        )
        return found

    def _list_paths(self) -> dict[tuple[int, int], list[tuple[int, Legs]]]:
        """Paths of the plan by where they begin and end, rests before the whole, in the order in which they are met."""
        found: dict[tuple[int, int], list[tuple[int, Legs]]] = {}
        seen: set[tuple[int, Legs]] = set()
        for flow in self.flows:
            legs: Legs = flow["legs"]
            hubs = [flow["origin"], *(self._network.ends[lane] for lane in legs)]
            for at in range(len(legs), -1, -1):
                if (hubs[at], legs[at:]) not in seen:
                    seen.add((hubs[at], legs[at:]))
                    found.setdefault((hubs[at], hubs[-1]), []).append((len(seen), legs[at:]))
        return found
