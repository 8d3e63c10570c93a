"""Architectures as a fit sees them: genes, components and work as numbers, and which rows are the same architecture.

``extractor`` is the one feature extractor. What else is known of architectures stands beside it: at which shapes they run
(``shape_work``, ``measured_shapes``, ``asked``), how far from the training rows they lie (``domain``), their repeats
(``groups``, ``repeats``), and the sums that their cost is written in (``tabulate``, ``additive``, ``joint``).
"""
