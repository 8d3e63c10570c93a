"""What models of other devices teach about a new one, from three measurements on.

``model`` is the cost model. ``sources`` are the models of other devices and ``files`` those that ship; ``design`` and
``plan`` choose what to measure on the new device, and ``fit`` fits what was measured. The rest is the mixture of Gaussians:
columns (``basis``), members (``experts``), noise (``noise``, ``tails``), the ``views`` before any row, how far to trust them
with few rows (``stacking``), the ``answer``, and with few rows its ``factor``.
"""
