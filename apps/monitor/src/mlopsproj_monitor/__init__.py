"""The command `monitor`."""
