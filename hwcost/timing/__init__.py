"""Timing workloads well: clock, steady state, stopping, guards, and the process that does it.

The modules here are what all of it rests on: ``timer`` (the only clock), ``measurement`` (what was measured), ``protocol``
with ``arrival``, ``steady`` and ``stopping`` (how to measure), ``setting``, ``conditions`` (what the machine did), and
``probe`` and ``peaks`` (what a device reaches). The packages build on them: ``telemetry``, ``guards``, ``visits``,
``execution`` and ``processes``.
"""
