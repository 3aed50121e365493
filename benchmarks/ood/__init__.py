"""What `out_of_distribution.py` measures with: networks, scores, and what the score costs."""
