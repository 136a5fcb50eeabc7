"""Where merchants' stock stands ahead of a peak."""
