from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from data.errors import RadarError
from forecasting.evaluation.revisions import PARTS, split_revision, sum_revision

EARLY, LATE = dt.date(2025, 10, 19), dt.date(2025, 10, 26)
WEEK = np.array([1.0, 1.1, 1.05, 1.0, 0.95, 0.8, 0.7])


def vintage(
    as_of: dt.date,
    level: float = 1000.0,
    growth: float = 0.0,
    event: float | NDArray[np.float64] = 1.0,
    weather: float = 1.0,
    override: float = 1.0,
    days: int = 28,
    week: NDArray[np.float64] = WEEK,
) -> pl.DataFrame:
    ahead = np.arange(1, days + 1)
    dates = [as_of + dt.timedelta(days=int(at)) for at in ahead]
    weekday = np.array([day.weekday() for day in dates])
    factors = np.broadcast_to(event, days) * weather * override
    mean = np.rint(level * np.exp(growth * ahead) * week[weekday] * factors)
    return pl.DataFrame(
        {
            "as_of": [as_of] * days,
            "date": dates,
            "mean": mean.astype(np.int64),
            "baseline": np.divide(mean, factors, out=np.zeros(days), where=factors > 0),
            "event": np.broadcast_to(event, days).astype(np.float64),
            "weather": np.full(days, weather),
            "override": np.full(days, override),
        }
    )


def shares(before: pl.DataFrame, after: pl.DataFrame) -> dict[str, float]:
    total = sum_revision(split_revision(before, after)).row(0, named=True)
    return {name: total[name] / total["change"] for name in PARTS}


@pytest.mark.parametrize(
    ("part", "after"),
    [
        ("level", vintage(LATE, level=1300.0)),
        ("event", vintage(LATE, event=2.0)),
        ("weather", vintage(LATE, weather=0.7)),
        ("override", vintage(LATE, override=1.2)),
    ],
)
def test_a_change_of_one_thing_is_told_as_that(part: str, after: pl.DataFrame) -> None:
    found = shares(vintage(EARLY), after)
    assert found[part] == pytest.approx(1.0, abs=0.02)


def test_growth_and_calendar_are_told_apart() -> None:
    grown = shares(vintage(EARLY), vintage(LATE, growth=0.01))
    assert grown["growth"] == pytest.approx(1.0, abs=0.02)
    table = split_revision(vintage(EARLY), vintage(LATE, week=np.ones(7) * WEEK.mean()))
    size = {name: float(np.abs(table[name].to_numpy()).sum()) for name in ("calendar", "level", "growth")}
    assert size["calendar"] > 5 * (size["level"] + size["growth"])


def test_two_changes_share_by_their_logarithms() -> None:
    found = shares(vintage(EARLY), vintage(LATE, event=2.0, override=1.5))
    assert found["event"] == pytest.approx(np.log(2) / np.log(3), abs=0.01)
    assert found["override"] == pytest.approx(np.log(1.5) / np.log(3), abs=0.01)


def test_an_override_to_nothing_is_the_overrides_doing() -> None:
    found = shares(vintage(EARLY), vintage(LATE, override=0.0))
    assert found["override"] == pytest.approx(1.0)


def test_a_route_that_is_new_is_level_and_only_common_days_count() -> None:
    keys = ("hub_id", "direction")
    before = vintage(EARLY).with_columns(hub_id=pl.lit("A"), direction=pl.lit("out"))
    after = pl.concat([vintage(LATE).with_columns(hub_id=pl.lit(hub), direction=pl.lit("out")) for hub in ("A", "B")])
    table = split_revision(before, after, keys)
    assert table["date"].n_unique() == 21
    new = table.filter(hub_id="B")
    assert new["before"].sum() == 0
    assert new["level"].to_list() == pytest.approx(new["change"].to_list())
    assert sum_revision(table, keys)["hub_id"].to_list() == ["B", "A"]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_parts_always_add_up(seed: int) -> None:
    random = np.random.default_rng(seed)

    def drawn(as_of: dt.date) -> pl.DataFrame:
        return vintage(
            as_of,
            level=float(random.choice([0.0, 0.4, 30.0, 1e6])),
            growth=float(random.normal(0, 0.02)),
            event=random.gamma(2.0, 1.0, 10),
            weather=float(random.choice([0.0, 0.5, 1.0])),
            override=float(random.choice([0.0, 1.0, 2.0])),
            days=10,
        )

    table = split_revision(drawn(EARLY), drawn(LATE))
    summed = table.select(pl.sum_horizontal(PARTS)).to_series().to_numpy()
    assert summed == pytest.approx(table["change"].to_numpy(), rel=1e-9, abs=1e-6)
    assert np.isfinite(table.select(PARTS).to_numpy()).all()


def test_vintages_too_far_apart_are_named() -> None:
    with pytest.raises(RadarError, match="without a day in common"):
        split_revision(vintage(EARLY, days=3), vintage(LATE, days=3))


@settings(max_examples=40, deadline=None)
@given(ratio=st.tuples(*[st.floats(0.5, 2.0)] * 4), growth=st.floats(-0.01, 0.01))
def test_each_part_is_what_its_own_factor_changed(ratio: tuple[float, float, float, float], growth: float) -> None:
    """Each day's parts stand to each other as the logarithms of what changed; parcels are whole, so within some of them."""
    first = vintage(EARLY, level=1e4)
    last = vintage(LATE, level=1e4 * ratio[0], growth=growth, event=ratio[1], weather=ratio[2], override=ratio[3])
    table = split_revision(first, last)
    known = {"event": ratio[1], "weather": ratio[2], "override": ratio[3]}
    before, after = table["before"].to_numpy().astype(float), table["after"].to_numpy().astype(float)
    moved = after != before
    weight = np.where(moved, (after - before) / np.where(moved, np.log(after / before), 1.0), before)
    for name, factor in known.items():
        np.testing.assert_allclose(table[name].to_numpy(), weight * np.log(factor), rtol=1e-3, atol=10.0)
    if abs(growth) > 1e-3:
        days = np.arange(1, table.height + 1)
        grown = table["growth"].to_numpy()
        assert np.sign(grown[days > 3]).tolist() == [np.sign(growth)] * int((days > 3).sum())
