"""The history a forecast reads: as it was known on a day, freed of events, moved by network changes and overrides."""
