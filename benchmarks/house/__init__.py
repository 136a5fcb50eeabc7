"""What stays the same while the house is rebuilt: results of seeded runs."""
