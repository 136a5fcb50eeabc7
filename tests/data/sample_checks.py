"""What the sample's tests share: one small sample, made once."""

from __future__ import annotations

from functools import lru_cache

from data.sample.make import Sample, build_sample

SEED = 7


@lru_cache(maxsize=1)
def small_sample() -> Sample:
    """Make the small sample once for all tests."""
    return build_sample("small", SEED)
