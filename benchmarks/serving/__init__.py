"""What the benchmarks of serving share: models, JPEG files, servers, rivals, load and limit.

The commands are beside this folder: `serving_speed.py` and the others that begin so.
"""
