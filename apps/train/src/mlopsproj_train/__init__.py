"""The commands train, evaluate, predict, optimize and sweep."""
