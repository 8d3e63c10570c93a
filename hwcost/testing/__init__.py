"""What tests of hwcost and of its plug-ins share: conformance suites and fakes."""
