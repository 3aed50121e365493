"""A registry of small bundles, and a stand-in for W&B that it is mirrored to."""

import pytest
import wandb
import wandb_stand_in
from mlopsproj_core.registry import Registry
from mlopsproj_evaluation.gates import GateLimits
from mlopsproj_mirror import Service, Target, Terms, pull
from shop import Shop
from webhook import serving as webhook_serving


@pytest.fixture
def shop(tmp_path):
    return Shop(Registry(str(tmp_path / "models")), tmp_path / "scratch")


@pytest.fixture(scope="module")
def no_account(tmp_path_factory):
    """Nobody is logged in, whoever runs the tests, and nothing is written outside a scratch."""
    folder = tmp_path_factory.mktemp("wandb")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("API_KEY", "BASE_URL", "MODE", "ENTITY", "PROJECT", "RUN_ID"):
            patch.delenv(f"WANDB_{name}", raising=False)
        for name in ("CONFIG", "CACHE", "DATA"):
            patch.setenv(f"WANDB_{name}_DIR", str(folder / name.lower()))
        patch.setenv("NETRC", str(folder / "no-netrc"))
        wandb.teardown()  # it reads the environment once
        yield patch
    wandb.teardown()


@pytest.fixture(scope="module")
def stand_in(no_account):
    with wandb_stand_in.serving() as server:
        no_account.setenv("WANDB_BASE_URL", server.url)
        no_account.setenv("WANDB_API_KEY", wandb_stand_in.KEY)
        yield server


@pytest.fixture
def server(stand_in):
    """The stand-in with an account that holds nothing."""
    stand_in.reset()
    return stand_in


@pytest.fixture
def fresh_sdk(no_account):
    """For a test that changes what the SDK reads once."""
    wandb.teardown()
    yield
    wandb.teardown()


@pytest.fixture
def service(server):
    return Service(Target("team", "model"))


class There:
    """What lies in the mirror, and the hand of somebody who changes it there."""

    def __init__(self, account):
        self.account = account

    def collection(self, name="brightness"):
        """Of a model, once there is one: version 1 is its member 0."""
        return self.account.linked(name)

    def pointed_at(self, name="brightness"):
        """Numbers of the members, from 1, that aliases point at; without the alias of W&B."""
        found = self.collection(name)
        numbers = {id(artifact): index + 1 for index, artifact in found.members.items()}
        return {
            alias: numbers[id(artifact)]
            for alias, artifact in found.aliases.items()
            if alias != "latest"
        }

    def move(self, alias, version):
        found = self.collection()
        found.aliases[alias] = found.members[version - 1]


@pytest.fixture
def there(server):
    return There(server.account)


@pytest.fixture
def pull_all(shop, service):
    """Pull with the gates that measure no time, unless others are asked."""

    def pull_(**terms):
        quick = GateLimits(without=("latency", "robustness"))
        given = {"pulled_by": "ada", "limits": quick, **terms}
        return list(pull(shop.registry, service, Terms(**given)))

    return pull_


@pytest.fixture
def webhook():
    with webhook_serving() as server:
        yield server
