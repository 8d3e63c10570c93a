"""Forests and lookup tables as machine code or as arrays, with the same answers to the last bit.

``models`` is what cost models ask, ``tabulated`` what lookup tables inherit. A forest is read by ``forest``; ``ranks`` makes
of an architecture the small numbers that its nodes compare. One method answers single architectures, the bits of nodes
(``forest_bits``), and another one batches, planes of bits (``forest_planes``). NumPy does both (``forest_arrays``), and
so does machine code where numba is installed (extra ``fast``):

=====================  ==========================  =====================================================
what                   NumPy                       numba, for any processor
=====================  ==========================  =====================================================
one architecture       ``forest_bits``             ``native``, a function that Python calls as its own
many, sums of leaves   ``forest_planes``           ``forest_kernels``, with AVX-512 for the look-ups
many, ranks            ``ranks``                   ``code_loops``
many, lookup tables    ``features.tabulate``       ``code_loops``; ``table_vectors`` with AVX-512
=====================  ==========================  =====================================================
"""
