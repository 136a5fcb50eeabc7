"""Members forecast every series at once, each in its own way, and are easily joined by another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from forecasting.routes import members as module
from forecasting.routes.members import MEMBER_NAMES, MEMBERS, Member, RecentLevel, SeriesHistory, forecast_members


def weekly(weeks: int = 12) -> NDArray[np.float32]:
    """Lay out two routes of the same weekly shape, one three times the other."""
    week = np.array([10, 10, 10, 10, 10, 4, 2], dtype=np.float32)
    return np.stack([np.tile(week, weeks), 3 * np.tile(week, weeks)])


def forecast_by(member: Member, history: NDArray[np.float32]) -> NDArray[np.float32]:
    return member.forecast(SeriesHistory(history, history.sum(axis=0, keepdims=True)), 9)


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.name)
def test_every_member_holds_what_never_changes(member: Member) -> None:
    steady = np.repeat(np.array([[50.0], [150.0]], dtype=np.float32), 84, axis=1)
    np.testing.assert_allclose(forecast_by(member, steady), steady[:, :9], rtol=1e-3)


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.name)
def test_every_member_knows_the_weekdays(member: Member) -> None:
    forecast = forecast_by(member, weekly())
    np.testing.assert_allclose(forecast[:, 6] / forecast[:, 0], 0.2, rtol=0.05)
    np.testing.assert_allclose(forecast[1] / forecast[0], 3.0, rtol=1e-3)


def test_names_tell_the_members_apart() -> None:
    assert len(set(MEMBER_NAMES)) == len(MEMBERS)
    assert RecentLevel(half_life=2.5).name == "level-2.5"


def test_chunks_of_routes_give_levels_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    history = np.vstack([weekly(), 2 * weekly()])
    whole = forecast_members(history, 7)
    monkeypatch.setattr(module, "CHUNK", 3)
    parts = forecast_members(history, 7)
    for name in MEMBER_NAMES:
        np.testing.assert_allclose(parts[name], whole[name], rtol=1e-5)


def test_another_member_is_a_class_and_its_place() -> None:
    @dataclass(frozen=True)
    class Nothing:
        name: str = "nothing"

        def forecast(self, history: SeriesHistory, horizon: int) -> NDArray[np.float32]:
            return np.zeros((history.parcels.shape[0], horizon), dtype=np.float32)

    forecasts = forecast_members(weekly(), 5, [*MEMBERS, Nothing()])
    assert list(forecasts) == [*MEMBER_NAMES, "nothing"]
    assert not forecasts["nothing"].any()
