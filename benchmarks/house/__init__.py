"""Whether a change of the house changed a number: hashes of the tables of seeded runs."""
