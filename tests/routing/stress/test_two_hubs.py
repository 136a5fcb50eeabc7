"""The smallest plan is played to its end, so that what plays it is compiled."""

from __future__ import annotations

from routing.stress.play import play
from routing.stress.two_hubs import compile_player


def test_the_player_is_compiled_by_a_play_of_two_hubs() -> None:
    compile_player()
    assert play.signatures
