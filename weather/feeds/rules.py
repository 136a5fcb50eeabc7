"""What feeds take where a service does not say, and how much of a file they read."""

from __future__ import annotations

from dataclasses import dataclass

from data.constants import constant


@dataclass(frozen=True)
class FeedRules:
    """How weather files are read."""

    largest_file: int = constant(
        256 * 1024 * 1024,
        "bytes",
        "of a file, packed or unpacked, at most",
        "judgement: a year of 30,000 places is smaller",
    )
    without_end: float = constant(
        24.0, "h", "a warning lasts that names no end", "judgement: services renew theirs daily"
    )
    place_radius: float = constant(
        30.0,
        "km",
        "round the place a warning names, where it names no area",
        "judgement: about a county; QWeather tells no area",
    )
    kelvin_above: float = constant(
        150.0,
        "°C",
        "above which all temperatures of a file without units are kelvins",
        "judgement: no weather is so hot",
    )


FEEDS = FeedRules()
