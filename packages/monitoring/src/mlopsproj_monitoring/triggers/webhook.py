"""A retraining that runs elsewhere: its receiver is told the event.

The receiver is told at least once, under the event's id: a process that is killed while it tells it
leaves that to another, some minutes later. Once it has taken the event the retraining is done, as
far as it can be seen from here. Knows nothing of what the receiver does.
"""

import logging

from mlopsproj_core.errors import ConfigError, EventError
from mlopsproj_core.events import Event, deliver
from mlopsproj_records.retraining import Retraining, Retrainings

logger = logging.getLogger(__name__)


class WebhookTrigger:
    """Starts a retraining by telling a webhook, or GitHub."""

    def __init__(self, url: str, how: str, setting: str) -> None:
        """Tell nothing yet.

        Args:
            url: as `deliver` takes it.
            how: the same without its secret, see `receiver`.
            setting: what holds the URL, as errors call it.
        """
        self._url, self._setting = url, setting
        self.how = how

    def start(self, retrainings: Retrainings, retraining: Retraining, event: Event) -> None:
        """Tell the receiver, if it is time to, and no other process does.

        Raises:
            RecordsError: if the database cannot be used.
        """
        attempt = retrainings.attempt(retraining.id, how=self.how)
        if attempt is None:
            return
        try:
            deliver(event, self._url, setting=self._setting)
        except (EventError, ConfigError) as error:
            logger.warning("attempt %d to start retraining %s: %s", attempt, retraining.id, error)
            retrainings.postpone(retraining.id, attempt, str(error))
            return
        logger.info("told %s to train %s again", self.how, retraining.model)
        retrainings.finish(
            retraining.id,
            succeeded=True,
            detail=f"{self.how} has taken it; what comes of it shows there.",
        )
