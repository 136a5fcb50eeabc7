"""ParcelRadar from Python: a workspace with a method for every command of ``radar``.

>>> import parcelradar as pr
>>> ws = pr.open("peak")  # doctest: +SKIP
>>> ws.forecast(as_of="2025-10-25", horizon=21)  # doctest: +SKIP
>>> ws.table("network_forecasts")  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from parcelradar.face import Workspace, create, open  # noqa: A004

__all__ = ["Workspace", "create", "open"]


def __getattr__(name: str) -> object:
    """Load the face when it is first used: first it is made sure that nothing stands before its rooms."""
    if name not in __all__:
        raise AttributeError(f"module parcelradar has no {name}")
    from parcelradar.rooms import require_own_rooms

    require_own_rooms()
    from parcelradar import face

    return getattr(face, name)
