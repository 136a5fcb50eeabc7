"""Slow, obvious twins of the compiled functions: what each must compute, said in plain Python."""
