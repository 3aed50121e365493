"""Hold the pages of the reference against the code, or write them anew with `--write`."""

import sys

from reference_pages.pages import outdated, write

if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        write()
    elif names := outdated():
        sys.exit(
            f"docs/reference/{', '.join(names)}: not what the code says. Run nox -s docs -- --write"
            " and commit it."
        )
