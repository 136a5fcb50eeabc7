"""Shopping events and holidays: their phases, how much they multiply volume, which hubs and routes deviate."""
