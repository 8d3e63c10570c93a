"""Processes: how workers are started, read and ended, and the CPUs and clocks that are held for them."""
