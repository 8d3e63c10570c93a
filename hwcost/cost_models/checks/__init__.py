"""Faults of tables, and of models: each check finds one kind, and says it.

``table_faults`` refuses a table before it is fitted: mixed units (``unit_faults``), columns that hold the answer (``leaks``)
and rates in place of latencies (``direction``). ``sanity`` asks a model whether it calls a larger architecture faster.
"""
