"""What the service tells of itself: numbers that its processes share, and traces."""
