"""The OpenAPI document: FastAPI's, with the shapes that msgspec describes.

Routes say of themselves what they take and answer, with the functions of this module. Knows
nothing of any route.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from fastapi import FastAPI

from mlopsproj_serving.http.examples import REQUEST_ID
from mlopsproj_serving.http.problem_kinds import INTERNAL, UNAUTHORIZED, Kind
from mlopsproj_serving.http.problems import MEDIA_TYPE, Problem, ProblemError, problem_of

_NULL = "urn:mlopsproj:null"
_REF = "#/components/schemas/{name}"

_HEADERS = {
    "X-Request-ID": {
        "description": "Of the request: the one it came with, if it can stand in a log, or a new"
        " one.",
        "schema": {"type": "string"},
    },
    "Retry-After": {
        "description": "Seconds after which to try again.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWW-Authenticate": {
        "description": "How to present a key.",
        "schema": {"type": "string"},
    },
}
_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key."},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An API key."},
}

_CONVENTIONS = """\
Every error is a problem (RFC 9457) as `application/problem+json`;
every answer carries `X-Request-ID`. Within `v1` fields are added, and never changed or removed.
"""


def ref(shape: type[msgspec.Struct]) -> dict[str, str]:
    """Where the document describes a shape."""
    return {"$ref": _REF.format(name=shape.__name__)}


def example(value: Any, summary: str) -> dict[str, Any]:
    """An example of a shape.

    Args:
        value: a struct, or what JSON is made of.
        summary: what it is an example of.
    """
    return {"summary": summary, "value": _hide_null(msgspec.to_builtins(value))}


def json_answer(
    description: str, schema: Mapping[str, Any], **examples: dict[str, Any]
) -> dict[str, Any]:
    """How a route answers with JSON; for `responses` of a route.

    Args:
        description: of the answer.
        schema: of JSON.
        examples: made by `example`, by a short name.
    """
    return {
        "description": description,
        "headers": {"X-Request-ID": _HEADERS["X-Request-ID"]},
        "content": {"application/json": {"schema": dict(schema), "examples": examples}},
    }


def problems(*kinds: Kind) -> dict[int | str, dict[str, Any]]:
    """How a route answers with problems; for `responses` of a route.

    Args:
        kinds: that can occur there, besides an error of ours.
    """
    answers: dict[int | str, dict[str, Any]] = {}
    for kind in (*kinds, INTERNAL):
        answer = answers.setdefault(
            kind.status,
            {
                "description": kind.title,
                "headers": _headers(kind),
                "content": {MEDIA_TYPE: {"schema": ref(Problem), "examples": {}}},
            },
        )
        if kind.title not in answer["description"].split("; "):
            answer["description"] += f"; {kind.title}"
        answer["content"][MEDIA_TYPE]["examples"][kind.slug] = example(
            problem_of(ProblemError(kind, kind.example), request_id=REQUEST_ID), kind.title
        )
    return answers


def describe(
    app: FastAPI,
    shapes: Sequence[type[msgspec.Struct]],
    *,
    about: str,
    keyed: tuple[str, ...],
) -> None:
    """Let an application's document describe these shapes.

    Args:
        app: whose routes refer to them.
        shapes: that they refer to; those within, and problems, need no mention.
        about: the service, in a sentence.
        keyed: beginnings of the paths that need a key.
    """
    own = app.openapi

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = app.openapi_schema = _show_null(own())
            components = schema.setdefault("components", {})
            every = dict.fromkeys([*shapes, Problem])
            _, described = msgspec.json.schema_components(every, ref_template=_REF)
            components.setdefault("schemas", {}).update(described)
            if keyed:
                components["securitySchemes"] = _SECURITY
            for path, operations in schema["paths"].items():
                if path.startswith(keyed):
                    for operation in operations.values():
                        operation["security"] = [{name: []} for name in _SECURITY]
        return app.openapi_schema

    app.description = f"{about} {_CONVENTIONS}"
    app.openapi = document  # type: ignore[method-assign]  # (FastAPI's documented way)


def _hide_null(value: Any) -> Any:
    """FastAPI leaves out every null, also of examples: let it see something else."""
    return _replaced(value, None, _NULL)


def _show_null(value: Any) -> Any:
    return _replaced(value, _NULL, None)


def _replaced(value: Any, old: Any, new: Any) -> Any:
    if isinstance(value, dict):
        return {key: _replaced(inner, old, new) for key, inner in value.items()}
    if isinstance(value, list):
        return [_replaced(inner, old, new) for inner in value]
    return new if value == old else value


def _headers(kind: Kind) -> dict[str, Any]:
    names = ["X-Request-ID"]
    if kind.retry_after_seconds is not None:
        names.append("Retry-After")
    if kind.status == UNAUTHORIZED.status:
        names.append("WWW-Authenticate")
    return {name: _HEADERS[name] for name in names}
