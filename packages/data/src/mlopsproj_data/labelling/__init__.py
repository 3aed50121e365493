"""Predictions that people label, and what becomes of their labels."""
