"""Timing one workload well: clock, steady state, stopping, guards, and the process that does it."""
