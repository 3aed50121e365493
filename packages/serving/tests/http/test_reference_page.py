import base64
import copy
import hashlib
from html.parser import HTMLParser

import pytest
from mlopsproj_serving.http.keys import KeyRing, new_key
from mlopsproj_serving.http.reference_page import CONTENT_SECURITY_POLICY, reference_page

VOID = {"meta"}
LOADING = {"src", "srcset", "data", "action", "poster", "background", "cite", "ping", "style"}
EVIL = "<script src='https://evil.example/'></script>\"'&` onload=x"


class Page(HTMLParser):
    """Elements, attributes and texts of a page, whose elements must be closed in order."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.texts, self.styles = [], [], [], []
        self._open = []
        self.feed(html)
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        (self.styles if self._open[-1:] == ["style"] else self.texts).append(data)

    @property
    def text(self):
        return "".join(self.texts)

    def all(self, name):
        return [value for key, value in self.attributes if key == name]


@pytest.fixture(scope="module")
def document(serve):
    _, admin_key = new_key()
    return serve(admin_keys=KeyRing({"admin": admin_key})).get("/openapi.json").json()


@pytest.fixture(scope="module")
def page(document):
    return Page(reference_page(document))


def words(text):
    return " ".join(text.replace("`", "").split())


def test_it_tells_every_route_with_its_parameters_answers_and_examples(document, page):
    told = words(page.text)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert f"{method.upper()} {path}" in told
            assert words(operation["description"]) in told
            for parameter in operation.get("parameters", []):
                assert words(parameter["description"]) in told
            for status, answer in operation["responses"].items():
                assert f"{status} {words(answer['description'])}" in told
    assert '"ood_score": 0.31' in page.text
    assert "A body of type" in page.text  # an example of a problem


def test_it_tells_every_shape_and_field(document, page):
    told = words(page.text)
    for name, shape in document["components"]["schemas"].items():
        assert f"shape-{name}" in page.all("id")
        for field, schema in shape["properties"].items():
            assert field in told
            assert words(schema.get("description", "")) in told


def test_every_link_leads_to_a_place_in_it_or_to_the_document(page):
    places = page.all("id")
    assert len(places) == len(set(places))
    assert set(page.all("href")) <= {f"#{place}" for place in places} | {"openapi.json"}


def test_it_loads_nothing(page):
    assert not {"script", "link", "img", "iframe", "object", "base", "form"} & set(page.tags)
    names = {name for name, _ in page.attributes}
    assert not LOADING & names
    assert not [name for name in names if name.startswith("on")]
    (style,) = page.styles
    assert "url(" not in style
    assert "@import" not in style


def test_the_policy_lets_nothing_in_but_its_own_style(page):
    (style,) = page.styles
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    rules = dict(rule.split(maxsplit=1) for rule in CONTENT_SECURITY_POLICY.split(";"))
    assert rules.pop("style-src") == f"'sha256-{digest}'"
    assert set(rules.values()) == {"'none'"}
    assert "default-src" in rules


def spoilt(value):
    """A document with markup in every text but those that the standard gives meaning to."""
    if isinstance(value, dict):
        return {
            key: each if key in {"$ref", "in", "type"} else spoilt(each)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [spoilt(each) for each in value]
    return value + EVIL if isinstance(value, str) else value


def test_nothing_of_the_document_is_markup(document):
    bad = copy.deepcopy(document)
    for operations in bad["paths"].values():
        for operation in operations.values():
            operation.pop("security", None)  # names of schemes
    schemas = bad["components"]["schemas"]
    bad = spoilt(bad)
    bad["paths"] = {path + EVIL: each for path, each in bad["paths"].items()}
    bad["components"]["schemas"] = {name + EVIL: spoilt(each) for name, each in schemas.items()}
    page = Page(reference_page(bad))
    assert "script" not in page.tags
    assert EVIL.replace("`", "") in page.text.replace("`", "")
    assert not [name for name, _ in page.attributes if name.startswith("on")]


def test_a_key_that_is_needed_is_said(document, page):
    assert any("security" in each for all_ in document["paths"].values() for each in all_.values())
    assert "Needs a key, as Authorization: Bearer or X-API-Key." in page.text
