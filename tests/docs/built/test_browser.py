"""What a reader of the built site sees: diagrams that are drawn, a search, and one host."""

import pytest

pytestmark = pytest.mark.slow
DIAGRAM = 'class="mermaid"'


def pages_of(site):
    """Each page's path on the site, and its text."""
    for file in sorted(site.rglob("*.html")):
        yield "/" + file.relative_to(site).as_posix(), file.read_text(encoding="utf-8")


def foreign(page, address):
    return [url for url in page.asked if not url.startswith((f"{address}/", "data:", "blob:"))]


def test_every_diagram_is_drawn(site, address, page):
    with_diagrams = {path: text.count(DIAGRAM) for path, text in pages_of(site) if DIAGRAM in text}
    assert with_diagrams
    for path, count in with_diagrams.items():
        page.goto(address + path)
        drawn = page.locator("div.mermaid svg")
        drawn.nth(count - 1).wait_for(timeout=60_000)
        assert drawn.count() == count, path
        assert not [text for text in drawn.all_text_contents() if "Syntax error" in text], path
    assert not page.complaints
    assert not foreign(page, address)


def test_search_finds_a_word(address, page):
    page.goto(f"{address}/index.html")
    words = page.locator("input.md-search__input")
    words.click()
    words.press_sequentially("mlopsproj_api_keep_alive_seconds")
    found = page.locator(".md-search-result__link")
    found.first.wait_for(timeout=60_000)
    told = [link.get_attribute("href") for link in found.all()]
    assert [link for link in told if "/reference/environment/" in link], told
    assert not page.complaints
    assert not foreign(page, address)


def test_no_page_asks_another_host(site, address, page):
    for path, _ in pages_of(site):
        page.goto(address + path)
    assert len(page.asked) > len(list(pages_of(site)))
    assert not page.complaints
    assert not foreign(page, address)
