"""hierarchicalforecast on the same case; runs in the peers' environment and prints one JSON line a method."""

from __future__ import annotations

import json
import sys
import time

import numpy as np
from case import make_case  # type: ignore[import-not-found]  # runs as a script in this folder
from scipy.sparse import coo_matrix, csr_matrix, eye, vstack


def main() -> None:
    """Solve the case of ``argv[1]`` routes with each method of ``argv[2]`` (joined by commas)."""
    from hierarchicalforecast.methods import MinTrace, MinTraceSparse

    case = make_case(int(sys.argv[1]))
    routes, hubs = case.base.shape[0], case.hub_out.shape[0]
    every = np.arange(routes)

    def rows(group: np.ndarray, count: int) -> csr_matrix:
        return coo_matrix((np.ones(routes), (group, every)), shape=(count, routes)).tocsr()

    summing = vstack(
        [rows(np.zeros(routes, dtype=int), 1), rows(case.origin, hubs), rows(case.destination, hubs), eye(routes)]
    ).tocsr()
    forecast = np.vstack([case.total[None, :], case.hub_out, case.hub_in, case.base])
    for name in sys.argv[2].split(","):
        sparse = name.startswith("sparse")
        method = (MinTraceSparse if sparse else MinTrace)(method="wls_struct", nonnegative=name.endswith("nonnegative"))
        started, cpu = time.perf_counter(), time.process_time()
        found = method.fit_predict(
            S=summing if sparse else summing.toarray(),
            y_hat=forecast,
        )
        wall, used = time.perf_counter() - started, time.process_time() - cpu
        bottom = found["mean"][-routes:]
        print(json.dumps({"name": name, "wall": wall, "cpu": used, "least": float(bottom.min())}), flush=True)


if __name__ == "__main__":
    main()
