"""Plans near a plan that is known."""
