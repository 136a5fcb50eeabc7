"""The command radar: parse, call, print."""
