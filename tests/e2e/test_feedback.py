"""Labels come back: a service is asked, people tell what is true, a model learns from it."""

import csv
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from labelled_log import LabelledLog, png
from mlopsproj_core import Bundle
from mlopsproj_data.labelling import confirmed
from mlopsproj_data.labelling.candidates import read_candidates
from mlopsproj_data.labelling.log_location import LogLocation
from mlopsproj_data.prepared import PreparedDataset
from mlopsproj_data.sources.fashion_mnist import sample_source
from mlopsproj_records import Database, upgrade
from mlopsproj_records.schema import feedback, prediction
from PIL import Image
from serving.postgresql import PostgreSql
from serving.server import Api
from sqlalchemy import func, select

SENT = 40


@pytest.fixture
def api(copied) -> Iterator[Api]:
    """A service of the model in production, which keeps images, in the user's folder."""
    service = Api(copied.path, {"MLOPSPROJ_IMAGE_LOG_URL": "images"})
    yield service.start()
    service.kill()
    service.client.close()


def photos() -> list[tuple[bytes, str]]:
    """Images that the tiny data set does not hold, larger than it wants them, and their classes."""
    tested = [record for record in sample_source().records() if record.split == "test"]
    chosen = [
        tested[label * 200 + 100 + place] for label in range(10) for place in range(SENT // 10)
    ]
    return [
        (png(Image.fromarray(record.image).resize((64, 64))), str(record.label))
        for record in chosen
    ]


def ask(api: Api, image: bytes) -> str:
    answer = api.predict(image, "image/png")
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


def tell(api: Api, prediction_id: str, label: str, **more) -> None:
    body = {"prediction_id": prediction_id, "label": label, "actor": "anna", **more}
    answer = api.client.post("/v1/feedback", json=body)
    assert answer.status_code in {201, 202}, answer.text  # 202: on its way to the database


def wait_until_kept(api: Api, *, images: int, labels: int) -> None:
    """Until so many predictions know where their image is, and so many labels are recorded."""

    def kept() -> tuple[int, int]:
        with Database(f"sqlite:///{api.folder / 'mlopsproj.db'}") as database:
            return database.run(
                lambda connection: (
                    connection.scalar(select(func.count(prediction.c.image_url))),
                    connection.scalar(select(func.count(feedback.c.id))),
                )
            )

    api.wait_until(
        lambda: all(map(int.__ge__, kept(), (images, labels))), "does not keep what it is sent"
    )


def prepared(workplace, *flags: str) -> dict:
    result = workplace.run("data", "prepare", *flags, "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def splits(folder) -> dict[str, str]:
    dataset = PreparedDataset.open(folder)
    return {
        id_: split for split in dataset.counts for id_ in dataset.table(split)["id"].to_pylist()
    }


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_people_confirm_is_learned(api, copied):
    sent = photos()
    ids = [ask(api, image) for image, _ in sent]
    for prediction_id, (_, label) in zip(ids, sent, strict=True):
        tell(api, prediction_id, label)
    # A label is corrected; one image is asked about twice, and told to be two things.
    tell(api, ids[0], sent[1][1])
    tell(api, ids[0], sent[0][1])
    twice = ask(api, sent[5][0])
    tell(api, twice, "8")
    wait_until_kept(api, images=SENT + 1, labels=SENT + 3)

    alone = prepared(copied, "--source", "feedback", "--validation-fraction", "0.2")
    assert alone["name"] == "tiny"
    assert sum(alone["counts"].values()) == SENT
    assert alone["provenance"]["contradicting"] == 1

    data = (str(copied.data), "--name", "tiny")
    before = prepared(copied, *data)
    after = prepared(copied, *data, "--add", "feedback")
    assert after["classes"] == before["classes"]
    assert after["fingerprint"] != before["fingerprint"]
    assert sum(after["counts"].values()) == sum(before["counts"].values()) + SENT
    old, new = (splits(copied.path / each["folder"]) for each in (before, after))
    assert {id_: new[id_] for id_ in old} == old
    with (copied.path / after["folder"] / "provenance.csv").open(newline="") as file:
        told = {row["prediction_id"]: row for row in csv.DictReader(file)}
    assert told[twice]["label"] == "8"
    assert told[ids[0]]["label"] == sent[0][1]
    assert {row["model"] for row in told.values()} == {"tiny"}
    assert "data.feedback_until=" in after["next_command"]

    summary = copied.train("run_dir=second", "data.add=[feedback]")
    assert summary["version"] == 2
    assert summary["data_fingerprint"] == after["fingerprint"]
    first, second = (
        Bundle.open(copied.path / f"registry/tiny/versions/{number}") for number in (1, 2)
    )
    assert second.manifest.data.fingerprint != first.manifest.data.fingerprint
    assert second.manifest.config["data"]["add"] == ["feedback"]
    until = second.manifest.config["data"]["feedback_until"]
    assert until is not None

    # What is told later is not what this model has learned from.
    later = ask(api, sent[7][0])
    tell(api, later, "4")
    judged = copied.run("evaluate", "bundle=tiny:2", "output=json")
    assert judged.returncode == 0, judged.stderr
    assert json.loads(judged.stdout)["data_fingerprint"] == after["fingerprint"]


def test_nothing_to_learn_from_is_one_clear_error(copied):
    service = Api(copied.path)  # keeps no images
    try:
        service.start()
        image, label = photos()[0]
        first = ask(service, image)
        nothing = copied.run("data", "prepare", "--source", "feedback")
        assert (nothing.returncode, nothing.stdout) == (1, "")
        assert nothing.stderr.count("error: ") == 1
        assert "holds no feedback" in nothing.stderr
        tell(service, first, label)
        wait_until_kept(service, images=0, labels=1)
        unkept = copied.run("data", "prepare", "--source", "feedback")
        assert unkept.returncode == 1
        for text in ("Of 1 labelled prediction of tiny", "MLOPSPROJ_IMAGE_LOG_URL"):
            assert text in unkept.stderr
        assert "Traceback" not in unkept.stderr
    finally:
        service.kill()
        service.client.close()


@pytest.mark.slow
def test_a_label_that_is_no_class_is_named(api, copied):
    for image, label in photos()[:3]:
        tell(api, ask(api, image), label)
    unknown = ask(api, photos()[5][0])
    tell(api, unknown, "Clog", new_class=True)
    wait_until_kept(api, images=4, labels=4)
    result = copied.run("data", "prepare", str(copied.data), "--name", "tiny", "--add", "feedback")
    assert result.returncode == 1
    for text in ("(Clog)", unknown, "--new-classes"):
        assert text in result.stderr


@pytest.fixture
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL of this test's own, whose schema is there."""
    with tempfile.TemporaryDirectory() as folder:
        server = PostgreSql(Path(folder))
        try:
            server.start()
            url = server.url.replace("+psycopg", "")
            upgrade(url)
            yield url
        finally:
            server.kill()


def test_a_log_in_postgresql_gives_the_same_labels_and_candidates(
    postgresql, tmp_path, monkeypatch
):
    monkeypatch.setattr(confirmed, "_PAGE", 3)
    read = {}
    for name, url in (("sqlite", None), ("postgresql", postgresql)):
        log = LabelledLog(tmp_path / name, database_url=url)
        for number in range(20):
            first = 0.5 + number / 50
            image = png([[number * 10] * 4] * 4)
            made = log.predict(image, probabilities=(first, 1 - first), ood_score=number % 7)
            if number % 2:
                log.tell(made, "dark")
                log.tell(made, "bright")
        with LogLocation(log.url).open() as database:
            told = confirmed.read_confirmations(database, "made", until=log.now)
            found = read_candidates(database, "made", 1, most=5)
            assert confirmed.models_with_feedback(database) == ("made",)
        read[name] = (
            [(image.sha256, image.label, image.time) for image in told.images],
            [(each.sha256, each.margin, each.ood_score) for each in found.found],
            (found.predictions, found.labelled, found.without_image),
        )
    assert read["sqlite"] == read["postgresql"]
    assert len(read["sqlite"][0]) == 10
    # What was told last of all was told at the very time at which labels cease to count.
    assert [label for _, label, _ in read["sqlite"][0]].count("dark") == 1
