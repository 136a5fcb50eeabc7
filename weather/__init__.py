"""Weather feeds, the lanes and outlets they touch, and what they do to volumes and times."""
