"""How many vehicles to commit ahead of a peak, and what committing too few or too many costs."""
