"""Forests and lookup tables as machine code or as arrays, with the same answers to the last bit.

``models`` is what cost models ask. It picks the fastest engine here: vector instructions or loops, compiled by numba (extra
``fast``), else arrays by NumPy alone. ``forest`` reads boosted trees; ``ranks`` makes of architectures what trees compare.
"""
