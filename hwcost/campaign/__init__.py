"""Campaigns: a plan, its randomised rounds in fresh processes, and what they say about every workload."""
