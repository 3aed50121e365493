"""An image as a vector of fixed length, whose means are all that the detectors need."""
