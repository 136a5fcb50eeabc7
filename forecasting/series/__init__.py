"""Series of parcels: the panel of all routes, simple forecasts of many series, whole parcels, windows of days."""
