"""Many processes at once lose nothing."""

import pytest
import registry_jobs
from mlopsproj_core.registry import AliasMove, ModelVersion, Registry

COUNT = 16


@pytest.fixture
def gate(tmp_path):
    """Where the processes wait for each other."""
    folder = tmp_path / "gate"
    folder.mkdir()
    return str(folder), COUNT


def run_in_all(workers, job, *arguments):
    futures = [workers.submit(job, *arguments, worker) for worker in range(COUNT)]
    return [future.result(timeout=200) for future in futures]


def test_publishers_and_promoters_lose_nothing(workers, url, slim_bundle, gate):
    times = 2
    jobs = [
        workers.submit(
            registry_jobs.publish_and_promote, url, slim_bundle.path, gate, worker, times
        )
        for worker in range(COUNT)
    ]
    done = [item for job in jobs for item in job.result(timeout=200)]
    registry = Registry(url)

    numbers = sorted(number for number, _ in done)
    assert numbers == registry.versions("slim")
    assert len(set(numbers)) == COUNT * times
    for number in numbers:
        registry.verify(ModelVersion("slim", number))

    moves = registry.history("slim", "production")
    assert [move.sequence for move in moves] == list(range(1, COUNT * times + 1))
    told = [AliasMove.model_validate(move) for _, move in done]
    assert sorted(told, key=lambda move: move.sequence) == moves
    assert all(move.version == number for move, (number, _) in zip(told, done, strict=True))
    assert registry.resolve("slim").number == moves[-1].version


def test_only_one_process_creates_a_file(workers, url, gate):
    winners = [
        w for w in run_in_all(workers, registry_jobs.create, url, "a/b", gate) if w is not None
    ]
    assert len(winners) == 1
    assert Registry(url)._store.read("a/b") == f"of worker {winners[0]}".encode()


def test_rollbacks_at_once_go_back_one_version(workers, url, slim_bundle, gate):
    registry = Registry(url)
    for _ in range(3):
        number = registry.publish(slim_bundle).number
        registry.move_alias("slim", "production", number, actor="a", reason="r")
    answers = run_in_all(workers, registry_jobs.roll_back, url, "slim", gate)
    moves = registry.history("slim", "production")
    done = sorted(answer for answer in answers if isinstance(answer, int))
    assert done == [move.sequence for move in moves[3:]]
    assert [move.version for move in moves] == [1, 2, 3, 2, 1][: len(moves)]
    assert set(answers) - set(done) <= {"StaleError", "NotFoundError"}


def test_fetchers_at_once_all_get_the_whole_bundle(
    workers, bucket_url, slim_bundle, gate, tmp_path
):
    version = Registry(bucket_url).publish(slim_bundle)
    cache = str(tmp_path / "cache")
    folders = run_in_all(workers, registry_jobs.fetch, bucket_url, cache, version, gate)
    assert len(set(folders)) == 1
    assert not list((tmp_path / "cache").rglob(".*"))
