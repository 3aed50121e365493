"""What the benchmark of estimated accuracy is made of."""
