"""Change points and the smooth level of a machine over time."""
