"""Visits: the blocks of a workload, which of them count, and the visit that is made of them; pure."""
