"""Guards: what makes a measurement void or doubtful, each with its code, its trigger and the message that the user gets."""
