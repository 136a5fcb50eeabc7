"""What lanes and outlets meet of the weather, and when."""
