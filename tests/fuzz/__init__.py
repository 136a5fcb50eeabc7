"""Every command over odd workspaces: what must never happen whatever the data."""
