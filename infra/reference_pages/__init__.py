"""The reference of the docs, written from the code: what the code does not describe is refused.

`nox -s docs -- --write` writes the pages below `docs/reference` anew; `nox -s docs` and a test hold
them against the code. They are kept in the repository, so that they are read where the code is, and
a change of a default is seen in review.
"""
