"""Why parcels are short, hubs full and lanes running."""
