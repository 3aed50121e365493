"""The command doctor: what this machine and installation have, and what to mend."""
