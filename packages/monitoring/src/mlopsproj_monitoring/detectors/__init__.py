"""What is looked at, one detector a file: each gives a statistic, and an effect for people."""
