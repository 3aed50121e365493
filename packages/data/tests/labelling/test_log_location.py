from mlopsproj_data.config import Addition, DataConfig
from mlopsproj_data.labelling.log_location import log_for, log_location


def test_the_log_is_where_the_environment_says(monkeypatch):
    monkeypatch.delenv("MLOPSPROJ_DATABASE_URL", raising=False)
    monkeypatch.setenv("MLOPSPROJ_IMAGE_LOG_URL", "gs://bucket/images")
    location = log_location()
    assert (location.database_url, location.image_log_url) == (
        "sqlite:///mlopsproj.db",
        "gs://bucket/images",
    )
    assert log_for(DataConfig()) is None
    assert log_for(DataConfig(add=[Addition.feedback])) == location
    monkeypatch.setenv("MLOPSPROJ_DATABASE_URL", "postgresql://anna:secret@host/log")
    assert "secret" not in repr(log_location())
