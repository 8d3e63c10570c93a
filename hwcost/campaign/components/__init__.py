"""Components: their prices from a campaign that measured stacks, what a runtime fuses, and shapes, which never mix."""
