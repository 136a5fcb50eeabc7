"""A plan as its tables tell it: of a route and day they say how many parcels leave when, not which.

Where some are short a search may leave short any of them. Whoever reads the plan lets those leave that wait least
(:func:`routing.trunk.replan.from_tables.accept_last`), so that hubs hold no more than the search let them.
"""

from __future__ import annotations

from dataclasses import replace

from routing.trunk.replan.from_tables import read_flows
from routing.trunk.search.draft import Draft
from routing.trunk.task.flows import load_network
from routing.trunk.task.network import TrunkNetwork
from routing.trunk.to_tables import write_flows


def order_hand_ins(network: TrunkNetwork, draft: Draft) -> Draft:
    """Let those leave that wait least, where parcels of a route and day are short; vehicles stay as they are."""
    if not network.by_clock or not draft.flows.short(network).any():
        return draft
    flows = read_flows(network, write_flows(network, draft.flows), handled=draft.loads.sorts)
    return replace(draft, flows=flows, loads=load_network(network, flows))
