"""A plug-in of hwcost: a kind of device, a kind of workload, a supernet, and a system with its figures."""
