"""An OpenAPI document as one page of HTML, which needs neither scripts nor another host.

Swagger UI would be loaded from the Internet, which a service often does not have, and whose scripts
would run beside its keys. Knows nothing of our routes: everything comes from the document, and all
of it is escaped.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

_STYLE = """\
:root { color-scheme: light dark; --line: #8886; --soft: #8882; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code, pre { font: 0.875em/1.45 ui-monospace, monospace; background: var(--soft); }
code { padding: 0.1em 0.3em; border-radius: 3px; }
pre { padding: 0.75rem; overflow-x: auto; border-radius: 4px; }
h2 { margin-top: 3rem; border-bottom: 1px solid var(--line); }
h3 { margin-top: 2.5rem; }
h3 code, li code { background: none; padding: 0; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 0.3rem 0.75rem 0.3rem 0; }
tr { border-bottom: 1px solid var(--line); }
summary { cursor: pointer; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Lets a browser take the page's own style, and nothing else from anywhere."""

_Object = Mapping[str, Any]

_BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "minLength": "length at least {}",
    "maxLength": "length at most {}",
    "minItems": "length at least {}",
    "maxItems": "length at most {}",
    "pattern": "like {}",
}


def reference_page(document: _Object) -> str:
    """The page: routes by their tags, then the shapes that they refer to.

    Args:
        document: of OpenAPI 3.1.
    """
    info, components = document["info"], document.get("components", {})
    by_tag: dict[str, list[tuple[str, str, _Object]]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            tag = operation.get("tags", ["other"])[0]
            by_tag.setdefault(tag, []).append((method.upper(), path, operation))
    title = escape(info["title"])
    return "".join(
        [
            "<!doctype html>\n",
            f'<html lang="en"><head><meta charset="utf-8"><title>{title}</title>',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<style>{_STYLE}</style></head><body>\n",
            f"<h1>{title}</h1>\n",
            _prose(info.get("description", "")),
            '<p>For programs: <a href="openapi.json">openapi.json</a>.</p>\n',
            _contents(by_tag),
            *_routes(by_tag, components.get("securitySchemes", {})),
            *_shapes(components.get("schemas", {})),
            "</body></html>\n",
        ]
    )


def _contents(by_tag: Mapping[str, list[tuple[str, str, _Object]]]) -> str:
    items = [
        f'<li><a href="#{_anchor(method, path)}"><code>{method} {escape(path)}</code></a></li>'
        for operations in by_tag.values()
        for method, path, _ in operations
    ]
    return f"<ul>{''.join(items)}</ul>\n"


def _routes(
    by_tag: Mapping[str, list[tuple[str, str, _Object]]], schemes: _Object
) -> Iterator[str]:
    for tag, operations in by_tag.items():
        yield f"<h2>{escape(tag.capitalize())}</h2>\n"
        for method, path, operation in operations:
            yield f'<h3 id="{_anchor(method, path)}"><code>{method} {escape(path)}</code></h3>\n'
            yield _prose(operation.get("description", ""))
            yield _security(operation, schemes)
            yield _parameters(operation.get("parameters", []))
            body = operation.get("requestBody")
            if body is not None:
                yield f"<h4>Body</h4>\n{_contents_of(body.get('content', {}))}"
            yield "<h4>Answers</h4>\n"
            for status, answer in sorted(operation["responses"].items()):
                yield _answer(status, answer)


def _security(operation: _Object, schemes: _Object) -> str:
    needed = [name for choice in operation.get("security", []) for name in choice]
    if not needed:
        return ""
    ways = " or ".join(
        f"<code>{escape(schemes[name].get('name', 'Authorization: Bearer'))}</code>"
        for name in needed
    )
    return f"<p>Needs a key, as {ways}.</p>\n"


def _parameters(parameters: list[_Object]) -> str:
    if not parameters:
        return ""
    rows = [
        _row(
            f"<code>{escape(each['name'])}</code>",
            f"{escape(each['in'])}{', required' if each.get('required') else ''}",
            _kind(each["schema"]),
            _words(each.get("description", "")) + _example_in_line(each),
        )
        for each in parameters
    ]
    return _table(["parameter", "in", "type", "meaning"], rows)


def _example_in_line(parameter: _Object) -> str:
    return f" Example: {_code(parameter['example'])}." if "example" in parameter else ""


def _answer(status: str, answer: _Object) -> str:
    headers = ", ".join(f"<code>{escape(name)}</code>" for name in answer.get("headers", {}))
    return (
        f"<details><summary><b>{escape(status)}</b> {_words(answer['description'])}</summary>\n"
        f"{f'<p>Headers: {headers}.</p>' if headers else ''}"
        f"{_contents_of(answer.get('content', {}))}</details>\n"
    )


def _contents_of(content: _Object) -> str:
    return "".join(
        f"<p><code>{escape(media_type)}</code>: {_kind(each.get('schema', {}))}</p>\n"
        f"{''.join(_examples(each))}"
        for media_type, each in content.items()
    )


def _examples(content: _Object) -> Iterator[str]:
    if "example" in content:
        yield f"<pre>{escape(_text(content['example']))}</pre>\n"
    for example in content.get("examples", {}).values():
        if "summary" in example:
            yield f"<p>{_words(example['summary'])}:</p>\n"
        yield f"<pre>{escape(_text(example['value']))}</pre>\n"


def _shapes(schemas: _Object) -> Iterator[str]:
    if schemas:
        yield "<h2>Shapes</h2>\n"
    for name, schema in schemas.items():
        yield f'<h3 id="{_shape_anchor(name)}"><code>{escape(name)}</code></h3>\n'
        yield _prose(schema.get("description", ""))
        if "properties" not in schema:
            yield f"<p>{_kind(schema)}</p>\n"
            continue
        required = schema.get("required", [])
        rows = [
            _row(
                f"<code>{escape(field)}</code>{'' if field in required else ', optional'}",
                _kind(inner),
                _words(inner.get("description", "")),
            )
            for field, inner in schema["properties"].items()
        ]
        yield _table(["field", "type", "meaning"], rows)


def _kind(schema: _Object) -> str:
    """What a schema lets through, in words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#{_shape_anchor(name)}">{escape(name)}</a>'
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return " or ".join(dict.fromkeys(_kind(each) for each in schema[choice]))
    if "enum" in schema:
        return " or ".join(_code(value) for value in schema["enum"])
    kind = escape(schema.get("format") or schema.get("type", "anything"))
    if schema.get("type") == "array":
        items = _kind(schema.get("items", {}))
        kind = f"list of ({items})" if " or " in items else f"list of {items}"
    elif isinstance(schema.get("additionalProperties"), Mapping):
        kind = f"object, each value {_kind(schema['additionalProperties'])}"
    told = [bound.format(_code(schema[key])) for key, bound in _BOUNDS.items() if key in schema]
    if schema.get("default") is not None:
        told.append(f"{_code(schema['default'])} unless given")
    return ", ".join([kind, *told])


def _table(head: list[str], rows: list[str]) -> str:
    heads = "".join(f"<th>{name}</th>" for name in head)
    return f"<table><tr>{heads}</tr>\n{''.join(rows)}</table>\n"


def _row(*cells: str) -> str:
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>\n"


def _prose(text: str) -> str:
    return "".join(f"<p>{_words(part)}</p>\n" for part in text.split("\n\n") if part.strip())


def _words(text: str) -> str:
    """Escaped, with what stands in backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text.strip()))


def _code(value: Any) -> str:
    return f"<code>{escape(_text(value))}</code>"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


def _anchor(method: str, path: str) -> str:
    return escape(f"{method.lower()}{re.sub(r'[^A-Za-z0-9]+', '-', path)}".strip("-"))


def _shape_anchor(name: str) -> str:
    return escape(f"shape-{name}")
