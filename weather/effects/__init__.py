"""What weather does to lanes and couriers, as published."""
