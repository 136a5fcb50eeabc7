"""What a plan's risk costs to know, and what a better forecast is worth."""
