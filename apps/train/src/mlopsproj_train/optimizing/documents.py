"""JSON documents of a climb: written at once, so that a reader never meets half of one.

Knows nothing of what they tell.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlopsproj_core.local_files import put_in_place


def write_document(document: Mapping[str, Any], path: Path) -> None:
    """Write a document in the place of an earlier one.

    Args:
        document: JSON-ready values, all numbers finite.
        path: of the file.

    Raises:
        ValueError: if a number is not finite; nothing is written then.
    """
    text = json.dumps(document, indent=2, allow_nan=False) + "\n"
    draft = path.with_name(f".{path.name}")
    draft.write_text(text, encoding="utf-8")
    put_in_place(draft, path)
