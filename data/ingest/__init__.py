"""From opened sources to one commit a table: columns, values, keys, rules between tables."""
