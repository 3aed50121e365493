"""Which version answers: follows an alias, reloads, and shadows."""
