"""Campaigns: a plan, its randomised rounds in fresh processes, and what they say about every workload.

The modules here are the way through a campaign: ``options`` (how to measure), ``targets`` (what to measure), ``planning``
(makes the plan), ``run`` (runs it) and ``series`` (what it adds to a history). Their parts lie in the packages below:
``plans``, ``goals``, ``processes``, ``estimates``, ``rounds``, ``comparisons`` and ``components``.
"""
