"""A plan played minute by minute from its tables: what really leaves, arrives, is sorted and boards."""
