"""Care of a store: what is in it, bringing it up to date, what is wrong with it, and deleting what is no longer needed."""
