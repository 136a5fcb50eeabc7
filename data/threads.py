"""One thread for many small pieces of linear algebra: more only wait for each other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal


@contextmanager
def one_thread(library: Literal["blas", "openmp"]) -> Iterator[None]:
    """Keep a library to one thread for a while.

    Parameters
    ----------
    library
        ``blas`` (linear algebra of numpy and scipy) or ``openmp`` (trees of scikit-learn).

    Notes
    -----
    Only what is loaded by then is kept: numpy and scipy bring a BLAS each, so scipy's is loaded first.
    """
    import scipy.linalg  # noqa: F401
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(limits=1, user_api=library):
        yield
