"""The entry point of the command ``radar``."""

from __future__ import annotations

from parcelradar.rooms import put_own_rooms_first


def main() -> None:
    """Run ``radar`` with its own rooms, whatever else is on the path."""
    put_own_rooms_first()  # before the first import of a room
    from cli.app import main as radar

    radar()
