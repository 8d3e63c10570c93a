"""Estimates: what visits say of every workload.

The time model takes one value of each visit; the block model takes the blocks of workloads that were timed in turn, and
tells contention from the machine's level. Both end in a latency with an interval, and in doubts about the campaign.
"""
