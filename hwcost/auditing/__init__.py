"""Whether latencies can be trusted: a report on any table or campaign, whoever measured it."""
