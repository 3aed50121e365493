"""Requests that schemathesis makes up from the service's own OpenAPI document."""

import hashlib
import os
import subprocess

import pytest
from serving.server import BIN

KEY = "a-key-of-this-test"
ADMIN = f"tester:{hashlib.sha256(KEY.encode()).hexdigest()}"

# A schema cannot say which bytes are an image, nor which classes a model has; and an item of
# several that is no image fails alone, whatever it is.
CHECKS = """
[checks]
positive_data_acceptance.enabled = false

[[operations]]
include-path = "/v1/predict"
checks.negative_data_rejection.enabled = false
"""


def fuzzed(api, *options: str) -> None:
    """Let it try every route; what it finds fails the test."""
    config = api.folder / "schemathesis.toml"
    config.write_text(CHECKS)
    done = subprocess.run(
        [
            *(
                BIN / "schemathesis",
                f"--config-file={config}",
                "run",
                f"{api.url}/openapi.json",
                "--no-color",
                "--seed=1",
            ),
            *("--generation-database=none", "--suppress-health-check=all", "--no-shrink"),
            *("--header", f"Authorization: Bearer {KEY}", "--warnings=off", *options),
        ],
        cwd=api.folder,
        env={**os.environ, "NO_PROXY": "127.0.0.1", "COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-12000:] + done.stderr[-3000:]
    assert "Traceback" not in api.stderr()
    assert api.get_status("/readyz") == 200


EXAMPLES = {"quick": ("--phases=examples,fuzzing", "--max-examples=3")}
EXAMPLES["thorough"] = ("--phases=examples,coverage,fuzzing", "--max-examples=60")


@pytest.mark.parametrize("how", ["quick", pytest.param("thorough", marks=pytest.mark.slow)])
def test_every_route_answers_as_it_documents_whatever_it_is_asked(make_api, how):
    api = make_api(MLOPSPROJ_ADMIN_KEYS=ADMIN, MLOPSPROJ_API_KEYS=ADMIN).start()
    paths = set(api.client.get("/openapi.json").json()["paths"])
    assert {"/v1/predict", "/v1/feedback", "/v1/model", "/metrics", "/readyz"} <= paths
    assert any("admin" in path for path in paths)
    fuzzed(api, *EXAMPLES[how])
