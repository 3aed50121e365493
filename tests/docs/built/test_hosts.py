"""No page of the site names a file of another host for the browser to load."""

import re

LOADS = re.compile(r"<(?:script|img|link|iframe)\b[^>]*\b(?:src|href)=\"?(?:https?:)?//[^>]*>")


def test_no_page_names_a_file_of_another_host(site):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 40
    for page in pages:
        for found in LOADS.findall(page.read_text(encoding="utf-8")):
            assert 'rel="canonical"' in found, f"{page.relative_to(site)}: {found}"
