"""What the weather of large networks costs."""
