"""From rows to a finished cost model: cross-validation, intervals, the level of the machine, metrics and provenance.

``train`` is the whole way and ``quality`` the same for perplexities. Errors on architectures left out (``folds``,
``remembered``) become intervals (``conformal``, ``intervals``, ``measured``); ``drift`` keeps the level out of the fit, and
``doubts`` says beside the metrics what makes the fit of a table doubtful.
"""
