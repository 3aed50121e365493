"""One file per revision, each going one step up from the one before."""
