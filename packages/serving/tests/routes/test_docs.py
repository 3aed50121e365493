import re

import httpx
from mlopsproj_serving.http.reference_page import CONTENT_SECURITY_POLICY


def test_the_page_comes_from_this_service_alone(client):
    with client.listening() as port:
        answer = httpx.get(f"http://127.0.0.1:{port}/docs")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert "POST /v1/predict" in answer.text
    assert "<script" not in answer.text
    assert not re.findall(r"""(?:src|href|action)\s*=\s*["']?(?:\w+:)?//""", answer.text)
    assert re.findall(r'href="(?!#)([^"]*)"', answer.text) == ["openapi.json"]


def test_no_page_of_fastapi_is_served(client):
    for path in ("/redoc", "/docs/oauth2-redirect"):
        assert client.get(path).status_code == 404
    assert client.get("/openapi.json").status_code == 200
    assert "/docs" not in client.get("/openapi.json").json()["paths"]
