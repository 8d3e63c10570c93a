"""A plug-in of hwcost: a space with its builder, a device profile, a backend, a cost model, a searcher and a command."""
