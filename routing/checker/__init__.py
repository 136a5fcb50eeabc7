"""The independent checker: recomputes plans from their tables alone, without a line of the planner."""
