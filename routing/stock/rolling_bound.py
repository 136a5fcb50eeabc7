"""What no plan of several weeks can undercut: each order from where it costs least, goods paid for by their way, or by a price of the stock there is.

For any price of a unit of stock, of each item::

    cost >= sum over orders of min(home, least over warehouses of [from there + min(bringing in, price + way from where stock is)]) - price x stock

Goods count from the week by which they can have come, whichever way. Rooms, rents, safety and openings only add to it. The best of a few prices is the bound (weak duality: Geoffrion, Mathematical Programming Study 2, 1974).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from data.arrays import Flags, Floats
from routing.stock.costs import days_of
from routing.stock.options import StockOptions
from routing.stock.task import StockTask

_PRICES = 12  # of a unit of stock, tried between nothing and the dearest way to bring one in
_SAFE = 1e-9  # share of a bound that rounding of sums may take


def bound_cost(
    tasks: list[StockTask], stock: Mapping[tuple[str, str], Floats], sends: Flags, options: StockOptions
) -> float:
    """Bound the cost of serving the orders of all weeks [CNY].

    Parameters
    ----------
    tasks
        Of the weeks, in order.
    stock
        Units of each item in each warehouse on the first day, and those that come later, shape (W,).
    sends : (W, W)
        Which warehouses may send goods to which.
    options
        What the planner sets: price of a unit that nothing serves, days until goods are put away.
    """
    inbound = _least_inbound(tasks)
    share = np.linspace(0.0, 1.0, _PRICES)
    total: dict[tuple[str, str], Floats] = {}
    for task in tasks:
        items, costs = task.items, task.costs
        from_home, between = _in_time(task, options)
        transfer = task.path_costs.bulk[items.site_hub][:, items.site_hub]
        transfer = np.where(sends & between, transfer, np.inf)
        np.fill_diagonal(transfer, 0.0)
        for i, key in enumerate(items.keys):
            top = _dearest(inbound[key])
            brought = np.where(from_home[i], inbound[key], np.inf)
            there = stock.get(key)
            if there is None or not there.any():
                source = np.broadcast_to(brought, (_PRICES, len(brought)))
            else:
                near = (items.places[i] * transfer[there > 0]).min(axis=0)
                source = np.minimum(brought[None], share[:, None] * top + near[None])
            ahead = (costs.ahead[i] - costs.rent)[None] + source[:, None, :]
            home = np.where(np.isfinite(costs.home[i]), costs.home[i], options.short_cost)
            worth = np.minimum(home[None], ahead.min(axis=2, initial=np.inf)) @ items.expected[i]
            total[key] = total.get(key, np.zeros(_PRICES)) + worth
    bound = 0.0
    for key, worth in total.items():
        there = stock.get(key, np.zeros(1))
        bound += float((worth - share * _dearest(inbound[key]) * there.sum()).max())
    return bound - _SAFE * abs(bound)


def _in_time(task: StockTask, options: StockOptions) -> tuple[Flags, Flags]:
    """Whether goods can have come by the week: from home to each warehouse, (I, W), and from warehouse to warehouse, (W, W), straight or by others."""
    items, hours = task.items, task.path_costs.bulk_hours
    until = (task.window.first - task.as_of).days - 1 - options.putaway_days
    home, days = days_of(hours[items.home][:, items.site_hub]), days_of(hours[items.site_hub][:, items.site_hub])
    for middle in range(len(days)):
        days = np.minimum(days, days[:, [middle]] + days[[middle], :])
    fast = (home[:, :, None] + days[None]).min(axis=1, initial=np.inf) if home.size else home
    return fast <= until, days <= until


def _dearest(brought: Floats) -> float:
    finite = brought[np.isfinite(brought)]
    return float(finite.max()) if finite.size else 1.0


def _least_inbound(tasks: list[StockTask]) -> dict[tuple[str, str], Floats]:
    """Least cost of bringing a unit of each item into each warehouse in any of the weeks, shape (W,); inf where there is no way."""
    found: dict[tuple[str, str], Floats] = {}
    for task in tasks:
        reached = np.isfinite(task.path_costs.bulk[task.items.home][:, task.items.site_hub])
        cost = np.where(reached, task.costs.inbound, np.inf)
        for key, row in zip(task.items.keys, cost, strict=True):
            found[key] = np.minimum(found[key], row) if key in found else row
    return found
