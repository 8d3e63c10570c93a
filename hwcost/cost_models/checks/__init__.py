"""Whether a table, or what was fitted to it, can be believed: each check finds one kind of fault, and says it.

``table_faults`` refuses a table before it is fitted: mixed units (``unit_faults``), columns that hold the answer (``leaks``)
and rates in place of latencies (``direction``). ``doubts`` is said beside a finished fit, and ``sanity`` asks a model
whether it calls a larger architecture faster.
"""
