"""What history shows of weather's effects."""
