"""Weather over HTTP."""
