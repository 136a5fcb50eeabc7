"""The search for a plan: annealing, local search, repair, exact models."""
