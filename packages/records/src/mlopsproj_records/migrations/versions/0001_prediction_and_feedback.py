"""The tables prediction and feedback."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "prediction",
        sa.Column("id", ID, primary_key=True),
        sa.Column("time", TIME, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("top_k", sa.JSON, nullable=False),
        sa.Column("probabilities", sa.LargeBinary, nullable=False),
        sa.Column("embedding", sa.LargeBinary, nullable=False),
        sa.Column("ood_score", sa.Double),
        sa.Column("statistics", sa.JSON, nullable=False),
        sa.Column("latency_ms", sa.JSON, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("image_sha256", sa.Text, nullable=False),
        sa.Column("image_url", sa.Text),
        sa.Column("shadow_of", ID),
    )
    op.create_index("prediction_by_time", "prediction", ["time", "id"])
    op.create_index("prediction_by_model", "prediction", ["model", "version", "time", "id"])
    has_image = sa.text("image_url IS NOT NULL")
    op.create_index(
        "prediction_by_image",
        "prediction",
        ["image_url"],
        sqlite_where=has_image,
        postgresql_where=has_image,
    )
    op.create_table(
        "feedback",
        sa.Column("id", ID, primary_key=True),
        sa.Column("prediction_id", ID, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("time", TIME, nullable=False),
    )
    op.create_index("feedback_by_prediction", "feedback", ["prediction_id", "time", "id"])
    op.create_index("feedback_by_time", "feedback", ["time"])
