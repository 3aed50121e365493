"""The search for better settings: what the command `sweep` is made of."""
