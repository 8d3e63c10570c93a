"""Execution: workloads prepared in groups, as many as memory holds, and timed in turn, one block of each a pass."""
