"""Rounds: one fresh process each, the journal and records of what it measured, its share of the budget, and progress."""
