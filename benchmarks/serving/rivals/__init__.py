"""What a user would pick instead: each file one small server, as its documentation has it.

All of them run the same graph and answer with the five most probable classes. None writes a log,
keeps statistics, limits its queue or follows a registry.
"""
