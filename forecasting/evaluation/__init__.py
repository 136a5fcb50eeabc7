"""Forecasts beside what came: backtests, scores, causes of error, structural breaks, vintages and revisions."""
