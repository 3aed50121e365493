"""What the prediction log's database holds, read past all code of ours."""

from serving.server import Api
from sqlalchemy import create_engine, inspect, text


def prediction_ids(api: Api) -> list[str]:
    """Ids of all predictions, each as often as it is there."""
    default = f"sqlite:///{api.folder / 'mlopsproj.db'}"
    engine = create_engine(api.environment.get("MLOPSPROJ_DATABASE_URL", default))
    try:
        if not inspect(engine).has_table("prediction"):
            return []  # made a moment after the service is ready
        with engine.connect() as connection:
            return [str(id_) for (id_,) in connection.execute(text("SELECT id FROM prediction"))]
    finally:
        engine.dispose()
