from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import RadarError
from data.settings import EffectOverride
from weather.effects.effect_tables import SEVERITIES, EffectTables, kind_of_warning, list_effects, tabulate


def tables(**overrides: EffectOverride) -> EffectTables:
    return EffectTables(list_effects("planning", {name.replace("_", "."): row for name, row in overrides.items()}))


@pytest.mark.parametrize(
    ("kind", "value", "capacity"),
    [
        # HCM 2010 exhibit 10-15: losses of 2.0, 7.2 and 14.1 % in rain
        ("rain", 0.0, 1.0),
        ("rain", 1.0, 0.980),
        ("rain", 2.54, 0.928),
        ("rain", 7.0, 0.859),
        # of 4.3, 8.7, 11.0 and 22.4 % in snow
        ("snow", 1.0, 0.957),
        ("snow", 2.0, 0.913),
        ("snow", 5.0, 0.890),
        ("snow", 20.0, 0.776),
        # of 1.1, 1.5 and 8.5 % in cold
        ("cold", 15.0, 1.0),
        ("cold", 5.0, 0.989),
        ("cold", -5.0, 0.985),
        ("cold", -25.0, 0.915),
        ("cold", 1.0, 0.989),
        ("fog", 300.0, 0.88),
        ("fog", 400.0, 1.0),
    ],
)
def test_capacity_is_the_published_one(kind: str, value: float, capacity: float) -> None:
    assert tables().measured("capacity", kind, np.array([value]))[0] == pytest.approx(capacity)


@pytest.mark.parametrize(("visibility", "speed"), [(200.0, 1.0), (199.0, 0.75), (99.0, 0.5), (49.0, 0.25), (0.0, 0.25)])
def test_speed_in_fog_is_the_legal_ceiling_against_80_kmh(visibility: float, speed: float) -> None:
    assert tables().measured("speed", "fog", np.array([visibility]))[0] == speed


def test_presets_differ_by_a_factor_of_three_in_the_heaviest_snow() -> None:
    planning = EffectTables(list_effects("planning")).measured("speed", "snow", np.array([20.0]))[0]
    ploughed = EffectTables(list_effects("ploughed")).measured("speed", "snow", np.array([20.0]))[0]
    assert (1.0 - planning) / (1.0 - ploughed) == pytest.approx(3.0, abs=0.1)
    assert EffectTables(list_effects("ploughed")).measured("speed", "rain", np.array([10.0]))[0] == pytest.approx(0.945)


def test_unknown_weather_has_no_effect() -> None:
    nothing = np.array([np.nan])
    for kind in ("rain", "snow", "cold", "fog"):
        assert tables().measured("speed", kind, nothing)[0] == 1.0
        assert tables().measured("capacity", kind, nothing)[0] == 1.0


def test_colours_of_a_warning() -> None:
    assert tables().signalled("speed", "snow") == pytest.approx([1.0, 1 / 1.10, 1 / 1.25, 1 / 1.5, 1 / 1.67])
    assert tables().signalled("closure", "fog").tolist() == [0.0, 0.0, 0.05, 0.25, 0.70]
    assert tables().signalled("productivity", "ice").tolist() == [1.0, 1.0, 0.85, 0.75, 0.60]
    assert tables().signalled("speed", "heat").tolist() == [1.0] * len(SEVERITIES)


def test_planner_replaces_a_row_and_only_what_is_said() -> None:
    changed = tables(snow_heavy=EffectOverride(speed=0.5))
    row = changed.row("snow.heavy")
    assert (row.speed, row.capacity, row.source) == (0.5, 0.890, "radar.toml")
    assert changed.row("snow.light") == tables().row("snow.light")


@pytest.mark.parametrize(
    ("name", "override", "told"),
    [
        (
            "snow.huge",
            EffectOverride(speed=0.5),
            r'unknown row \[weather\.effects\."snow\.huge"\], expected one of rain',
        ),
        ("snow.heavy", EffectOverride(speed=0.0), "expected a speed above 0"),
    ],
)
def test_wrong_override_is_told(name: str, override: EffectOverride, told: str) -> None:
    with pytest.raises(RadarError, match=told):
        list_effects("planning", {name: override})


def test_rail_and_air_suffer_less_than_the_road() -> None:
    speed, capacity, closure = tables().mode_shares(["road", "rail", "air"])
    assert speed.tolist() == [1.0, 0.25, 0.0]
    assert capacity.tolist() == [1.0, 0.25, 0.0]
    assert closure.tolist() == [1.0, 0.1, 0.5]


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("snow", "snow"), ("暴雪", "snow"), ("Blizzard", "snow"), ("道路结冰", "ice"), ("Road Icing", "ice"),
        ("大雾", "fog"), ("dense fog", "fog"), ("暴雨", "rain"), ("Rainstorm", "rain"), ("大风", "wind"), ("Gale", "wind"),
        ("台风", "wind"), ("heat", None), ("寒潮", None),
    ],
)  # fmt: skip
def test_word_of_a_warning(words: str, kind: str | None) -> None:
    assert kind_of_warning(words) == kind


@settings(deadline=None)
@given(st.sampled_from(["rain", "snow", "fog"]), st.floats(0, 1000), st.floats(0, 1000))
def test_worse_weather_is_never_faster(kind: str, one: float, other: float) -> None:
    milder, worse = (max(one, other), min(one, other)) if kind == "fog" else (min(one, other), max(one, other))
    speed = tables().measured("speed", kind, np.array([milder, worse]))
    assert speed[1] <= speed[0]


def test_every_row_has_an_id_of_its_own_and_a_source() -> None:
    table = tabulate(list_effects())
    assert table["id"].n_unique() == table.height
    assert (table["source"].str.len_chars() > 10).all()
    assert table["speed"].is_between(0.0, 1.0).all()
