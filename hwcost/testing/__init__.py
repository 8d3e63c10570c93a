"""What tests of hwcost and of its plug-ins share: conformance suites, fakes, and a table to compare searchers on."""

from hwcost.testing.distilled_students import AutoDistillTable, autodistill_table

__all__ = ["AutoDistillTable", "autodistill_table"]
