"""Forecasts beside the actuals: backtests, scores, causes of error, structural breaks, vintages and revisions."""
