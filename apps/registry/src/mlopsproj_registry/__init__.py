"""The command registry: list, show, promote, rollback and verify model versions."""
