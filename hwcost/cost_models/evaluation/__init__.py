"""How good cost models are on architectures that they were not fitted on, and whether that is good enough.

``evaluate`` judges models over seeds and ``splits``, ``rolling`` row by row in the order of measurement; ``goals`` ends a
campaign once its model is good enough.
"""
