"""The families of cost models, one a file, and the regressions that several of them share.

From plain to general: ``constant``, ``linear``, ``roofline``, ``lut``, ``polynomial``, ``shapes``, ``gbm``, ``hybrid``, and
the choice among them, ``auto``. The one for a new device with models of others stands in ``hwcost.cost_models.priors``.
"""
