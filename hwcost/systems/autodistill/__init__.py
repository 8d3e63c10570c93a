"""AutoDistill: a Bayesian search whose every evaluation is a flash distillation, beside a random one.

Source: Zhang et al., "AutoDistill", sections 3.1 (the loop), 3.3 (distillation) and 4: quality by flash distillation against
latency, a reference to dominate, and regular distillation of the winners. Latency is predicted by a model of measurements on
this device during the search; in the end everything on a front is measured.
"""
