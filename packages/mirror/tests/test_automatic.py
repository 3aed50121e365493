import pytest
from mlopsproj_mirror import mirror_changes


@pytest.mark.parametrize("wanted", [None, ""])
def test_where_no_mirror_is_wished_nobody_is_asked(shop, server, wanted):
    shop.publish()
    mirror_changes(shop.registry, wanted, ["brightness"])
    assert server.asked == []


def test_what_changed_is_mirrored(shop, server, there):
    shop.put(shop.publish())
    mirror_changes(shop.registry, "team/model", ["brightness"])
    assert there.pointed_at() == {"production": 1}


def test_what_there_is_to_tell_is_a_warning(shop, server, caplog, there):
    shop.put(shop.publish())
    shop.publish()
    mirror_changes(shop.registry, "team/model", ["brightness"])
    there.move("production", 2)
    mirror_changes(shop.registry, "team/model", ["brightness"])
    (record,) = [r for r in caplog.records if r.levelname == "WARNING"]
    assert "brightness@production was moved in W&B" in record.getMessage()


@pytest.mark.parametrize("wanted", ["nonsense", "team/absent"])
def test_a_mirror_that_fails_is_a_warning_that_names_the_mend(shop, server, caplog, wanted):
    shop.put(shop.publish())
    mirror_changes(shop.registry, wanted, ["brightness"])
    (record,) = [r for r in caplog.records if r.name == "mlopsproj_mirror.automatic"]
    assert record.levelname == "WARNING"
    assert "registry mirror push" in record.getMessage()
    assert shop.pointed_at() == 1
