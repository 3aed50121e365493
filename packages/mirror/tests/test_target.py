import pytest
from mlopsproj_core.errors import ConfigError
from mlopsproj_mirror.target import Target, is_taken


@pytest.mark.parametrize("text", ["my-team/model", "my-team/wandb-registry-model"])
def test_a_registry_is_written_as_wandb_writes_it_or_shorter(text):
    target = Target.parse(text)
    assert (target.entity, target.registry) == ("my-team", "model")
    assert str(target) == "my-team/model"
    assert target.collection("digits") == "wandb-registry-model/digits"


@pytest.mark.parametrize("text", ["", "model", "a/b/c", "team/", "/model", "team/mo del", "tëam/m"])
def test_what_is_no_registry_is_refused(text):
    with pytest.raises(ConfigError, match=r"is no registry of W&B: write ENTITY/REGISTRY, e\.g\."):
        Target.parse(text)


def test_aliases_that_wandb_gives_itself():
    assert [
        alias for alias in ("latest", "v12", "V1", "production", "v1.2", "v") if is_taken(alias)
    ]
    assert not is_taken("production")
    assert not is_taken("v1.2")
