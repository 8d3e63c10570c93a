"""Plans: what is decided before the first measurement. Workloads with their roles, canaries, and the order of visits."""
