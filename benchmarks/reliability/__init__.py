"""How far ParcelRadar can be trusted when things go wrong: kills, bad files, damaged stores, pages."""
