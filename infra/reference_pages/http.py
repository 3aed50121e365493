"""The pages of HTTP: what api and monitor answer, from their OpenAPI documents.

Knows nothing of how a request is answered.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final

from fastapi import FastAPI
from mlopsproj_monitor.application import create_app as create_monitor
from mlopsproj_monitor.metrics import MonitorMetrics
from mlopsproj_serving.application import create_app as create_api
from mlopsproj_serving.http.keys import KeyRing

from reference_pages.described import described
from reference_pages.markdown import code, sentence, table

Document = dict[str, Any]

_OF_THE_API: Final = """\
# HTTP of api

{about}
`/docs` of the running service shows the same, with examples and what its settings leave out;
`/openapi.json` is for programs. Problems are listed with [errors](errors.md#over-http). A key is
asked for where `MLOPSPROJ_API_KEYS` names some; the routes below `/v1/admin` are there where
`MLOPSPROJ_ADMIN_KEYS` does.
"""
_OF_THE_MONITOR: Final = """\
# HTTP of monitor

{about}
`/docs` of the running service shows the same, with examples and what its settings leave out;
`/openapi.json` is for programs. Problems are listed with [errors](errors.md#over-http). A key is
asked for where `MLOPSPROJ_MONITOR_KEYS` names some; retrainings are decided where
`MLOPSPROJ_ADMIN_KEYS` does.
"""


def page_of_the_api() -> str:
    """The page of what `api` answers."""
    keys = _some_keys()
    return _page(_OF_THE_API, create_api(_idle, keys=keys, admin_keys=keys).openapi())


def page_of_the_monitor() -> str:
    """The page of what `monitor` answers."""
    keys = _some_keys()
    app = create_monitor(_idle, metrics=MonitorMetrics(), keys=keys, admin_keys=keys)
    return _page(_OF_THE_MONITOR, app.openapi())


@asynccontextmanager
async def _idle(_app: FastAPI) -> AsyncIterator[None]:
    yield  # nothing is ever asked


def _some_keys() -> KeyRing:
    """With keys, an application has all its routes."""
    return KeyRing.parse(f"reference:{'0' * 64}")


def _page(introduction: str, document: Document) -> str:
    """A page.

    Raises:
        UndescribedError: if a route, a parameter, a shape or a field has no description.
    """
    parts = [introduction.format(about=document["info"]["description"].strip())]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            parts += _route(f"{method.upper()} {path}", operation)
    parts.append("## Shapes\n")
    shapes: Document = document["components"]["schemas"]
    for name in sorted(shapes):
        parts += _shape(name, shapes)
    return "\n".join(parts)


def _route(name: str, operation: Document) -> Iterator[str]:
    yield f"## {name}\n"
    yield f"{described(operation.get('description'), name)}\n"
    parameters = [
        (
            code(item["name"]),
            item["in"],
            _type(item["schema"]),
            "yes" if item.get("required") else "no",
            sentence(described(item.get("description"), f"{name}: {item['name']}")),
        )
        for item in operation.get("parameters", [])
    ]
    if parameters:
        yield table(("parameter", "in", "type", "must be given", "meaning"), parameters)
    bodies = [
        (code(kind), _type(content["schema"]))
        for kind, content in operation.get("requestBody", {}).get("content", {}).items()
    ]
    if bodies:
        yield table(("body", "shape"), bodies)
    yield table(
        ("answer", "meaning", "shape"),
        [
            (status, sentence(described(answer.get("description"), name)), _content(answer))
            for status, answer in sorted(operation["responses"].items())
        ],
    )


def _content(answer: Document) -> str:
    return ", ".join(
        _type(content["schema"]) if kind.endswith("json") and "schema" in content else code(kind)
        for kind, content in answer.get("content", {}).items()
    )


def _shape(name: str, shapes: Document) -> Iterator[str]:
    shape = shapes[name]
    yield f"### {name}\n"
    yield f"{described(shape.get('description'), name)}\n"
    required = shape.get("required", [])
    yield table(
        ("field", "type", "always there", "meaning"),
        [
            (
                code(field),
                _type(schema),
                "yes" if field in required else "no",
                sentence(described(_about(schema, shapes), f"{name}.{field}")),
            )
            for field, schema in shape["properties"].items()
        ],
    )


def _about(schema: Document, shapes: Document) -> str | None:
    """Its own description, else that of the one thing that it holds."""
    if "description" in schema:
        return str(schema["description"])
    if "$ref" in schema:
        return _about(shapes[schema["$ref"].rpartition("/")[2]], shapes)
    inner = schema.get("items")
    choices = [inner] if inner else schema.get("anyOf", [])
    told = (_about(choice, shapes) for choice in choices)
    return next((text for text in told if text), None)


def _type(schema: Document) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_type(choice) for choice in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(map(code, schema["enum"]))
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_type(schema['additionalProperties'])}"
    return _bounded(str(schema.get("type", "anything")), schema)


_BOUNDS: Final[dict[str, Callable[[Any], str]]] = {
    "minimum": "from {}".format,
    "exclusiveMinimum": "above {}".format,
    "maximum": "to {}".format,
    "exclusiveMaximum": "below {}".format,
    "minLength": "{} characters at least".format,
    "maxLength": "{} characters at most".format,
}


def _bounded(name: str, schema: Document) -> str:
    bounds = [told(schema[key]) for key, told in _BOUNDS.items() if key in schema]
    return f"{name}, {' '.join(bounds)}" if bounds else name
