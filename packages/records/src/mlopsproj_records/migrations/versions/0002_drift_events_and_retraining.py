"""The tables drift_check, outbox and retraining."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "drift_check",
        sa.Column("id", ID, primary_key=True),
        sa.Column("time", TIME, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("p_value", sa.Double),
        sa.Column("images", sa.Integer, nullable=False),
        sa.Column("since", TIME),
        sa.Column("until", TIME),
        sa.Column("document", sa.JSON, nullable=False),
    )
    op.create_index("drift_check_by_model", "drift_check", ["model", "version", "time", "id"])
    op.create_index("drift_check_by_time", "drift_check", ["time", "id"])
    op.create_table(
        "outbox",
        sa.Column("id", ID, primary_key=True),
        sa.Column("time", TIME, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("cooldown_from", TIME, nullable=False),
        sa.Column("model", sa.Text),
        sa.Column("version", sa.Integer),
        sa.Column("document", sa.JSON, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt", TIME),
        sa.Column("delivered", TIME),
        sa.Column("last_error", sa.Text),
    )
    op.create_index("outbox_by_key", "outbox", ["key", "cooldown_from"])
    op.create_index("outbox_by_state", "outbox", ["state", "time", "id"])
    op.create_table(
        "retraining",
        sa.Column("id", ID, primary_key=True),
        sa.Column("event_id", ID, nullable=False),
        sa.Column("time", TIME, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("how", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("actor", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("decided", TIME),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt", TIME),
        sa.Column("place", sa.Text),
        sa.Column("started", TIME),
        sa.Column("finished", TIME),
        sa.Column("detail", sa.Text),
    )
    op.create_index("retraining_by_model", "retraining", ["model", "time", "id"])
    op.create_index("retraining_by_state", "retraining", ["state", "time", "id"])
