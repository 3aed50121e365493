"""The commands train, evaluate and predict."""
