import inspect
from typing import Annotated

import pytest
from fastapi import FastAPI, Query
from fastapi.testclient import TestClient
from mlopsproj_core import errors
from mlopsproj_serving.http import problem_kinds
from mlopsproj_serving.http.problem_kinds import INTERNAL, TOO_MANY, Kind
from mlopsproj_serving.http.problems import (
    ProblemError,
    error_response,
    install,
    kind_of,
    problem_of,
)
from starlette.exceptions import HTTPException

KINDS = [each for each in vars(problem_kinds).values() if isinstance(each, Kind)]


def test_kinds_are_told_apart_by_their_type():
    assert len({kind.type for kind in KINDS}) == len(KINDS)
    for kind in KINDS:
        assert kind.type == f"urn:mlopsproj:problem:{kind.slug}"
        assert kind.example.endswith(".")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.ImageError, 422),
        (errors.ConfigError, 422),
        (errors.NotFoundError, 404),
        (errors.StaleError, 409),
        (errors.GateRefusedError, 409),
        (errors.UndecidedError, 409),
        (errors.OverloadedError, 503),
        (errors.DeadlineError, 503),
        (errors.NoModelError, 503),
        (errors.NotDurableError, 503),
        (errors.DatabaseAwayError, 503),
        (errors.MigrationError, 503),
        (errors.RegistryError, 503),
        (errors.BundleCorruptError, 503),
        (errors.ServingError, 500),
        (errors.MlopsprojError, 500),
    ],
)
def test_errors_have_their_status(error, status):
    assert kind_of(error("x")).status == status


def test_every_error_of_ours_becomes_a_problem():
    kinds = [
        each
        for each in vars(errors).values()
        if inspect.isclass(each) and issubclass(each, errors.MlopsprojError)
    ]

    assert len(kinds) > 20
    for error in kinds:
        problem = problem_of(error("what happened"))
        assert 400 <= problem.status <= 599
        assert problem.detail == "what happened"


def test_an_error_without_words_has_those_of_its_kind():
    assert problem_of(errors.DeadlineError()).detail == "The time ran out"


def test_what_may_succeed_later_says_when():
    assert error_response(errors.OverloadedError("x")).headers["retry-after"] == "1"
    own = ProblemError(TOO_MANY, "x", headers={"Retry-After": "7"})
    assert error_response(own).headers["retry-after"] == "7"
    assert "retry-after" not in error_response(errors.ImageError("x")).headers


@pytest.fixture(scope="module")
def client():
    app = FastAPI()
    install(app)

    @app.get("/number")
    async def number(of: Annotated[int, Query()]) -> int:
        return of

    @app.get("/fails/{status}")
    async def fails(status: int) -> None:
        raise HTTPException(status, detail="told so", headers={"X-Own": "1"})

    @app.get("/error")
    async def error() -> None:
        raise errors.NotFoundError("There is no such version.")

    return TestClient(app)


def told(answer):
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code
    return answer.json()


def test_an_error_of_a_route_is_a_problem(client):
    answer = client.get("/error")

    assert answer.status_code == 404
    assert told(answer) == {
        "type": "urn:mlopsproj:problem:not-found",
        "title": "There is no such thing",
        "status": 404,
        "detail": "There is no such version.",
    }


def test_a_path_that_is_none_is_a_problem(client):
    assert '"/nowhere"' in told(client.get("/nowhere"))["detail"]


def test_a_method_that_is_not_allowed_is_a_problem(client):
    answer = client.put("/number")

    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET"
    assert told(answer)["detail"] == "PUT is not allowed here: use GET."


@pytest.mark.parametrize("query", ["", "?of=x"])
def test_what_fastapi_refuses_is_a_problem(client, query):
    answer = client.get(f"/number{query}")

    assert answer.status_code == 422
    assert "query.of" in told(answer)["detail"]


@pytest.mark.parametrize("status", [400, 401, 403, 413, 418, 500])
def test_any_error_of_http_is_a_problem(client, status):
    answer = client.get(f"/fails/{status}")

    assert answer.status_code == status
    assert answer.headers["x-own"] == "1"
    assert told(answer)["detail"] == "told so"


def test_the_id_of_the_request_is_told():
    assert problem_of(ProblemError(INTERNAL, "x"), request_id="abc").request_id == "abc"
