"""Reports and advice as files that open without a network."""
