import json

import msgspec
import pytest
from mlopsproj_serving.http.answers import ClassProbability, Prediction, RecordedPrediction
from mlopsproj_serving.http.keys import KeyRing, new_key
from mlopsproj_serving.http.problems import Problem
from mlopsproj_serving.http.uploads import ImageBody, ImagesBody
from mlopsproj_serving.routes.feedback import FeedbackAnswer, FeedbackBody

OURS = ("/v1/predict", "/v1/feedback", "/v1/predictions/{id}")
SHAPES = {
    shape.__name__: shape
    for shape in (
        *(Prediction, Problem, RecordedPrediction, FeedbackAnswer),
        *(FeedbackBody, ImageBody, ImagesBody),
    )
}


@pytest.fixture(scope="module")
def document(client):
    answer = client.get("/openapi.json")
    assert answer.status_code == 200
    return answer.json()


def operations(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def contents(operation):
    """Every media type of a body or an answer."""
    yield from operation.get("requestBody", {}).get("content", {}).items()
    for answer in operation["responses"].values():
        yield from answer.get("content", {}).items()


def references(value):
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "$ref":
                yield inner
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def type_of(schema):
    """The Python type that a schema describes, where it is one of ours."""
    if "$ref" in schema:
        return SHAPES[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        return [type_of(each) for each in schema["anyOf"]]
    return [list, type_of(schema["items"])]


def fits(value, kind):
    if not isinstance(kind, list):
        read = msgspec.to_builtins(msgspec.convert(value, kind))
        # What is optional may be left out; what is no field would be lost.
        return value.items() <= read.items()
    if kind[0] is list:
        return isinstance(value, list) and all(fits(each, kind[1]) for each in value)

    def can(one):
        try:
            return fits(value, one)
        except msgspec.ValidationError:
            return False

    return any(can(one) for one in kind)


def test_it_is_openapi_3_1(document):
    assert document["openapi"].startswith("3.1.")
    assert set(OURS) <= set(document["paths"])


def test_every_reference_leads_somewhere(document):
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}

    assert set(references(document)) <= known


def test_every_shape_and_field_is_described(document):
    shapes = document["components"]["schemas"]

    assert set(SHAPES) <= set(shapes)
    for name in SHAPES:
        assert shapes[name]["description"], name
        for field, schema in shapes[name]["properties"].items():
            described = "description" in schema or "$ref" in schema
            described = described or any("description" in each for each in schema.get("anyOf", []))
            assert described, f"{name}.{field}"


@pytest.mark.parametrize("path", OURS)
def test_every_error_is_a_problem_with_an_example(document, path):
    (operation,) = document["paths"][path].values()
    errors = {status: answer for status, answer in operation["responses"].items() if status >= "4"}

    assert {"401", "429", "500"} <= set(errors)
    for status, answer in errors.items():
        assert set(answer["content"]) == {"application/problem+json"}
        assert "X-Request-ID" in answer["headers"]
        assert ("Retry-After" in answer["headers"]) == (status in ("429", "503"))
        examples = answer["content"]["application/problem+json"]["examples"]
        assert examples
        for slug, example in examples.items():
            problem = msgspec.convert(example["value"], Problem)
            assert str(problem.status) == status
            assert problem.type.endswith(f":{slug}")


def test_every_example_is_of_its_shape(document):
    checked = 0
    for path in OURS:
        (operation,) = document["paths"][path].values()
        for media_type, content in contents(operation):
            if "json" not in media_type:
                continue
            for name, example in content["examples"].items():
                assert fits(example["value"], type_of(content["schema"])), f"{path} {name}"
                checked += 1
    assert checked > 20


def test_the_check_of_examples_would_see_a_wrong_one():
    good = {"class": "dark", "probability": 0.5}

    assert fits(good, ClassProbability)
    assert not fits({**good, "more": 1}, ClassProbability)
    assert not fits([good, {"class": 3}], [[list, ClassProbability]])


def test_the_example_of_an_image_is_one(client, document):
    body = document["paths"]["/v1/predict"]["post"]["requestBody"]["content"]["application/json"]

    for example in body["examples"].values():
        assert client.post("/v1/predict", json=example["value"]).status_code == 200


def test_every_operation_says_what_it_does(document):
    for name, operation in operations(document):
        assert operation["description"], name
        assert operation["summary"], name
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len(names) == len(set(names))


def test_keys_are_described_where_they_are_needed(document, serve):
    key = new_key()[1]
    keyed = serve(keys=KeyRing({"phone": key})).get("/openapi.json").json()

    assert "securitySchemes" not in document["components"]
    assert set(keyed["components"]["securitySchemes"]) == {"bearer", "key"}
    for name, operation in operations(keyed):
        assert ("security" in operation) == ("/v1/" in name)


def test_it_is_made_once(client, document):
    assert client.get("/openapi.json").json() == document
    json.dumps(document)
