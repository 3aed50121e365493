"""What holds for every test: a busy machine is slow, and no property fails for that."""

from hypothesis import settings

settings.register_profile("unhurried", parent=settings.default, deadline=None)
settings.load_profile("unhurried")
