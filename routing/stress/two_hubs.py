"""The smallest plan that can be played: a play of it compiles the player, which is kept on disk afterwards."""

from __future__ import annotations

from dataclasses import fields

from data.keys import DAY_ROUTE
from routing.stress.layout import Prices, lay_out
from routing.stress.play import play_draws
from routing.stress.policies import DEFAULT, apply_policy
from routing.trunk.plan import list_two_hubs, plan_trunk
from routing.trunk.task.inputs import TrunkInputs, TrunkOptions


def compile_player() -> None:
    """Play a plan of two hubs once, so that a command that plays later need not wait for it."""
    inputs = TrunkInputs.gather(list_two_hubs())
    plan = plan_trunk(inputs, TrunkOptions(effort=1e-3)).tables()
    tables = {one.name: getattr(inputs, one.name) for one in fields(inputs)}
    layout = lay_out({**tables, **plan}, plan["route_demand"].select(DAY_ROUTE), Prices())
    demand = plan["route_demand"]["parcels"].to_numpy().reshape(1, -1)
    play_draws(apply_policy(layout, DEFAULT), demand)
