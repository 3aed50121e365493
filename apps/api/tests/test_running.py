import asyncio
import tempfile
from pathlib import Path

import pytest
from fastapi import FastAPI
from mlopsproj_api.running import running_service, serving_config, threads_of
from mlopsproj_core.cpu import available_cpus
from mlopsproj_core.errors import ConfigError, MigrationError
from mlopsproj_serving.config import Limits, SchedulingConfig, ServingConfig
from mlopsproj_serving.telemetry.metrics import Metrics


def test_settings_and_serving_have_the_same_defaults(settings):
    found, expected = serving_config(settings()), ServingConfig()
    assert (found.limits, found.model) == (expected.limits, expected.model)
    assert found.scheduling == SchedulingConfig(threads=available_cpus())
    assert (found.reload_seconds, found.shadow_share) == (
        *(expected.reload_seconds, expected.shadow_share),
    )


def test_every_setting_of_serving_comes_from_its_variable(settings):
    variables = {
        "MAX_BODY_BYTES": "1",
        "MAX_HELD_BYTES": "11",
        "MAX_IMAGE_PIXELS": "2",
        "MAX_IMAGES": "3",
        "BODY_SECONDS": "4",
        "DEADLINE_SECONDS": "5",
        "REQUESTS_PER_MINUTE": "6",
        "SCHEDULING": "batches",
        "THREADS": "7",
        "MAX_BATCH": "8",
        "QUEUE_IMAGES": "9",
        "RELOAD_SECONDS": "10",
        "SHADOW_SHARE": "0.5",
    }
    read = settings(
        MLOPSPROJ_MODEL="pets", **{f"MLOPSPROJ_API_{name}": v for name, v in variables.items()}
    )
    assert serving_config(read) == ServingConfig(
        model="pets@production",
        reload_seconds=10,
        shadow_share=0.5,
        scheduling=SchedulingConfig("batches", 7, 8, 9),
        limits=Limits(
            body_bytes=1,
            held_bytes=11,
            image_pixels=2,
            images=3,
            body_seconds=4,
            deadline_seconds=5,
            requests_per_minute=6,
        ),
    )


def test_processes_share_the_cores(settings):
    assert threads_of(settings()) == available_cpus()
    assert threads_of(settings(MLOPSPROJ_API_WORKERS="1000")) == 1
    assert threads_of(settings(MLOPSPROJ_API_THREADS="3")) == 3


def run(settings):
    async def running():
        app = FastAPI()
        async with running_service(app, settings, metrics=Metrics()):
            return app.state.service

    return asyncio.run(running())


def test_a_registry_without_a_model_is_no_failure(settings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    service = run(settings())
    assert service.current is None
    assert "uv run train" in service.why_none
    assert (tmp_path / "spool").is_dir()


def test_a_spool_that_cannot_be_written_is_named(settings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"MLOPSPROJ_SPOOL_DIR is 'file'.*MLOPSPROJ_API_LOG=0"):
        run(settings(MLOPSPROJ_SPOOL_DIR="file"))


def test_without_a_log_nothing_is_written(settings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(settings(MLOPSPROJ_API_LOG="0"))
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_is_away_is_no_failure(settings, tmp_path, monkeypatch, caplog):
    pytest.importorskip("psycopg", reason="the driver psycopg is not installed")
    monkeypatch.chdir(tmp_path)
    run(settings(MLOPSPROJ_DATABASE_URL="postgresql://me:secret@127.0.0.1:9/log"))
    assert "Answers wait in spool" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.slow
def test_postgresql_waits_for_its_migration(settings, tmp_path, monkeypatch):
    from serving.postgresql import PostgreSql

    monkeypatch.chdir(tmp_path)
    with tempfile.TemporaryDirectory() as folder:  # pytest's let no other user in
        server = PostgreSql(Path(folder))
        server.start()
        try:
            with pytest.raises(MigrationError, match="api migrate"):
                run(settings(MLOPSPROJ_DATABASE_URL=server.url))
        finally:
            server.kill()
