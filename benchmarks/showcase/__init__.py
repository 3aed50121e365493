"""The whole way round, unattended: a model, drift, labels, a better model. See `story`."""
