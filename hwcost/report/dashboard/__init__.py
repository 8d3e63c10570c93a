"""The dashboard: a site of static files over the history of a store, and a server of the same."""

from hwcost.report.dashboard.build import Built, build_site

__all__ = ["Built", "build_site"]
