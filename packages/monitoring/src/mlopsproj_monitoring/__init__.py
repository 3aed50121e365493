"""Sees drift in what a model was asked, and starts the way back."""
