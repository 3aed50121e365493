"""The command `api`: serves the model that the registry's alias points at."""
