"""How sure a forecast is: errors of backtests, dispersion, quantiles, sample paths, and the tables they stand in."""
