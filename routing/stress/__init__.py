"""What a trunk plan risks: it is played on draws of the forecast and on named incidents."""
