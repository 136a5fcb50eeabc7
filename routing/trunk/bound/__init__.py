"""Lower bounds of a plan, with the prices that prove them."""
