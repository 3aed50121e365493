"""What the images install, and what stands in them beside the members."""
