"""What happens on the day: tracking rates."""
