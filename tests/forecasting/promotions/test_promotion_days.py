from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl

from forecasting.inputs import no_events, no_promotions
from forecasting.promotions.promotion_days import place_promotions

DATES = np.arange(np.datetime64("2025-03-01"), np.datetime64("2025-03-31"))
UNITS = pl.DataFrame(
    {"outlet_id": ["a", "b", "c"], "hub_id": ["H", "H", "K"], "region_id": ["north", "north", None]},
    schema_overrides={"region_id": pl.String},
)


def day(number: int) -> dt.date:
    return dt.date(2025, 3, number)


def promotions(*rows: dict[str, object]) -> pl.DataFrame:
    schema = no_promotions().schema
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)


def test_each_scope_reaches_its_units_on_its_days() -> None:
    span = {"date_from": day(3), "date_to": day(4)}
    table = promotions(
        {"promotion_id": "1", "scope": "network", **span},
        {"promotion_id": "2", "scope": "region", "region_id": "north", **span},
        {"promotion_id": "3", "scope": "hub", "hub_id": "K", **span},
        {"promotion_id": "4", "scope": "outlet", "outlet_id": "b", **span},
        {"promotion_id": "5", "scope": "outlet", "outlet_id": "nobody", **span},
        {"promotion_id": "6", "scope": "merchant", "merchant_id": "M", **span},
    )
    kinds = {kind.name.partition("|")[0]: kind for kind in place_promotions(table, no_events(), UNITS, DATES)}
    reach = {scope: kind.on.any(axis=1).tolist() for scope, kind in kinds.items()}
    assert reach == {
        "network": [True, True, True],
        "region": [True, True, False],
        "hub": [False, False, True],
        "outlet": [False, True, False],
    }
    assert all(np.flatnonzero(kind.on.any(axis=0)).tolist() == [2, 3] for kind in kinds.values())
    assert [scope for scope, kind in kinds.items() if kind.everywhere] == ["network"]


def test_days_come_from_the_event_and_editions_of_one_event_are_one_kind() -> None:
    events = pl.DataFrame(
        {
            "event_id": ["e1", "e2"],
            "name": ["Spring sale", "Spring sale"],
            "date_from": [day(5), day(20)],
            "date_to": [day(6), day(40 - 9)],
        }
    )
    table = promotions(
        {"promotion_id": "1", "scope": "network", "event_id": "e1"},
        {"promotion_id": "2", "scope": "network", "event_id": "e2"},
        {
            "promotion_id": "3",
            "scope": "network",
            "event_id": "e2",
            "venue": "main",
            "date_from": day(21),
            "date_to": day(21),
        },
        {"promotion_id": "4", "scope": "network", "event_id": "unknown"},
        {"promotion_id": "5", "scope": "network", "date_from": dt.date(2024, 1, 1), "date_to": dt.date(2024, 1, 9)},
    )
    found = place_promotions(table, events, UNITS, DATES)
    assert [kind.name for kind in found] == ["network|Spring sale|main|", "network|Spring sale||"]
    assert np.flatnonzero(found[0].on[0]).tolist() == [20]
    assert np.flatnonzero(found[1].on[0]).tolist() == [4, 5, *range(19, 30)]


def test_no_promotions_and_no_units_give_no_kinds() -> None:
    assert place_promotions(no_promotions(), no_events(), UNITS, DATES) == ()
    table = promotions({"promotion_id": "1", "scope": "network", "date_from": day(3), "date_to": day(4)})
    assert place_promotions(table, no_events(), UNITS.clear(), DATES) == ()
