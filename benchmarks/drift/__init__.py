"""What the benchmarks of drift share: a model with many images that it never saw, and streams."""
