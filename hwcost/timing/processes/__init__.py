"""The programs that a campaign starts: workers, the warm process that forks them, and exports beforehand."""
