"""A stand-in for the service of Weights & Biases, for tests: what its SDK asks of it over HTTP.

Keeps what it is given, so that a test looks at what came of it rather than at the calls. Was
written after what the installed SDK sends; no real server was held beside it.
"""

from wandb_stand_in.account import Account, Artifact, Collection
from wandb_stand_in.server import KEY, StandIn, serving

__all__ = ["KEY", "Account", "Artifact", "Collection", "StandIn", "serving"]
