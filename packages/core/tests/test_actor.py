import os

import pytest
from mlopsproj_core.actor import current_actor

NAMES = ("LOGNAME", "USER", "LNAME", "USERNAME")


def test_the_login_name(monkeypatch):
    monkeypatch.setenv("LOGNAME", "ada")
    assert current_actor() == "ada"


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="users have no numbers here")
def test_a_user_without_a_name_is_told_by_number(monkeypatch):
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 987_654_321)
    assert current_actor() == "uid 987654321"
