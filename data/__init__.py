"""Table contracts, workspace, sources, calendar, geography and the sample network."""
