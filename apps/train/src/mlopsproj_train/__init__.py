"""The commands train, evaluate, predict and sweep."""
