"""Comparisons: which of two arms is faster, workload by workload and as a whole, for campaigns and for tables."""
