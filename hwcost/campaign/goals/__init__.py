"""Goals: what a user wants to know of the workloads, and how far a campaign is from that."""
