import socketserver
import threading
from dataclasses import replace

import fsspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_core.bundle import PROBE, sha256_of
from mlopsproj_core.errors import (
    BundleSchemaError,
    ConfigError,
    NotFoundError,
    RegistryError,
)
from mlopsproj_core.events import model_promoted
from mlopsproj_core.labelled import LabelledImages
from mlopsproj_core.manifest import Parity
from mlopsproj_core.registry import ModelVersion, Registry
from mlopsproj_evaluation import Verdict
from mlopsproj_evaluation.gates import GATES, GateLimits
from mlopsproj_evaluation.promotion import promote_version, roll_back
from shop import Shop, right
from small_bundle import GRAPH
from webhook import serving

SIDE = 28


@pytest.fixture
def shop(tmp_path):
    return Shop(Registry(str(tmp_path / "models")), tmp_path / "scratch")


@pytest.fixture
def webhook():
    with serving() as server:
        yield server


@pytest.fixture
def promote(shop):
    """Promote in the shop, with settings that suit most tests unless others are given."""

    def promote_(version, registry=None, **settings):
        return promote_version(
            registry or shop.registry,
            str(version),
            **{
                "alias": "production",
                "actor": "ada",
                "reason": "promoted",
                "event_url": "log:",
                **settings,
            },
        )

    return promote_


def gate(answer, name):
    (found,) = [gate for gate in answer.gates if gate.name == name]
    return found


def recorded(move, name):
    (found,) = [gate for gate in move.gates if gate["name"] == name]
    return found


def test_the_first_version_has_nothing_to_beat(shop, promote):
    answer = promote(shop.publish(right(1, 100)))
    assert (answer.verdict, answer.champion) == (Verdict.passed, None)
    assert shop.pointed_at() == 1
    (move,) = shop.registry.history("brightness", "production")
    assert move == answer.moved
    assert (move.actor, move.reason) == ("ada", "promoted")
    assert [gate["name"] for gate in move.gates] == ["bundle", *GATES]
    assert {gate["verdict"] for gate in move.gates} == {"pass"}
    assert list(move.gates) == [gate.as_dict() for gate in answer.gates]


@pytest.mark.parametrize(
    ("candidate", "verdict"),
    [(900, Verdict.passed), (600, Verdict.failed), (797, Verdict.undecided)],
)
def test_a_version_is_judged_against_the_one_in_place(shop, promote, candidate, verdict):
    champion = shop.publish(right(800, 1000))
    shop.put(champion)
    answer = promote(shop.publish(right(candidate, 1000)))
    assert answer.champion == champion
    assert answer.verdict is verdict
    assert f"{(candidate - 800) / 10:+.2f} points" in gate(answer, "accuracy").figure
    assert (answer.moved is not None) == (verdict is Verdict.passed)
    assert shop.pointed_at() == (2 if verdict is Verdict.passed else 1)


def test_the_margin_decides(shop, promote):
    shop.put(shop.publish(right(800, 1000)))
    worse = shop.publish(right(780, 1000))
    # What is wrong more often, and as sure, is less well calibrated too.
    narrow, wide = (GateLimits(margin=m, without=("calibration",)) for m in (0.01, 0.05))
    assert promote(worse, limits=narrow).verdict is Verdict.failed
    assert promote(worse, limits=wide).verdict is Verdict.passed


def test_an_accepted_risk_is_recorded(shop, promote):
    shop.put(shop.publish(right(80, 100)))
    risky = shop.publish(right(79, 100))
    assert promote(risky).moved is None
    answer = promote(risky, reason="new camera", accept_undecided="tested by hand")
    assert answer.verdict is Verdict.undecided
    move = shop.registry.history("brightness", "production")[-1]
    assert move.version == 2
    assert move.reason == "new camera; undecided, accepted: tested by hand"
    assert recorded(move, "accuracy")["verdict"] == "undecided"


def test_a_reason_to_accept_does_not_open_a_gate_that_refuses(shop, promote):
    shop.put(shop.publish(right(800, 1000)))
    assert promote(shop.publish(right(100, 1000)), accept_undecided="please").moved is None
    assert shop.pointed_at() == 1


def test_a_reason_to_accept_is_not_told_where_none_was_needed(shop, promote):
    answer = promote(shop.publish(), accept_undecided="in any case")
    assert answer.moved.reason == "promoted"


def test_a_refused_version_is_forced_and_the_history_says_so(shop, promote):
    shop.put(shop.publish(right(800, 1000)))
    worse = shop.publish(right(600, 1000))
    assert promote(worse, accept_undecided="please").moved is None
    answer = promote(worse, reason="new camera", force="the old one shows nothing")
    assert answer.verdict is Verdict.failed
    assert answer.moved is not None
    move = shop.registry.history("brightness", "production")[-1]
    assert move.version == worse.number
    assert move.reason == (
        "new camera; forced against accuracy, classes, calibration: the old one shows nothing"
    )
    assert recorded(move, "accuracy")["verdict"] == "fail"
    assert list(move.gates) == [gate.as_dict() for gate in answer.gates]


def test_force_also_promotes_what_is_undecided(shop, promote):
    shop.put(shop.publish(right(80, 100)))
    answer = promote(shop.publish(right(79, 100)), force="it is needed today")
    assert answer.verdict is Verdict.undecided
    assert "forced against accuracy" in answer.moved.reason


def test_what_is_accepted_as_undecided_is_not_called_forced(shop, promote):
    shop.put(shop.publish(right(80, 100)))
    answer = promote(shop.publish(right(79, 100)), force="now", accept_undecided="tried by hand")
    assert answer.moved.reason == "promoted; undecided, accepted: tried by hand"


def test_force_is_not_told_where_nothing_refused(shop, promote):
    assert promote(shop.publish(), force="in any case").moved.reason == "promoted"


@pytest.mark.parametrize("file", ["model.onnx", "manifest.json", "evaluation.parquet"])
def test_a_broken_bundle_is_not_forced(shop, promote, file):
    shop.put(shop.publish())
    version = shop.publish()
    shop.damage(version, file)
    answer = promote(version, force="I know better", accept_undecided="I know better")
    assert (answer.verdict, answer.moved, answer.broken) == (Verdict.failed, None, True)
    assert shop.pointed_at() == 1


def test_a_forced_version_is_judged_again_when_the_alias_moves(shop, promote):
    shop.put(shop.publish(right(500, 1000)))
    better = shop.publish(right(900, 1000))
    version = shop.publish(right(800, 1000))
    answer = promote(version, Contested(shop.registry.url, [better]), force="all the same")
    assert answer.champion == better
    assert "forced against accuracy" in answer.moved.reason
    assert "-10.00 points" in recorded(answer.moved, "accuracy")["figure"]


def test_a_gate_that_is_off_is_shown_as_such(shop, promote):
    shop.put(shop.publish(right(800, 1000)))
    off = GateLimits(without=("accuracy", "classes", "calibration"))
    answer = promote(shop.publish(right(600, 1000)), limits=off)
    assert answer.verdict is Verdict.passed
    assert recorded(answer.moved, "accuracy")["verdict"] == "off"


def test_limits_that_are_looser_than_usual_are_told_in_the_history(shop, promote):
    shop.put(shop.publish(right(800, 1000)))
    loose = GateLimits(margin=0.99, without=("classes", "calibration"))
    answer = promote(shop.publish(right(600, 1000)), limits=loose, reason="new camera")
    told = "without classes, calibration; margin 0.99 instead of 0.005"
    assert answer.moved.reason == f"new camera; {told}"
    forced = promote(
        shop.publish(right(100, 1000)),
        limits=GateLimits(without=("calibration",)),
        force="it is needed",
    )
    assert forced.moved.reason == (
        "promoted; without calibration; forced against accuracy, classes: it is needed"
    )


def test_what_is_usual_is_not_told(shop, promote):
    loose = GateLimits(margin=0.99, without=("classes",))
    assert promote(shop.publish(), limits=loose, usual=loose).moved.reason == "promoted"


@given(st.text(alphabet=" \t\n\u00a0"), st.sampled_from(["accept_undecided", "force"]))
def test_an_empty_reason_is_none(reason, option):
    with pytest.raises(ConfigError, match=f"{option} needs a reason"):
        promote_version(
            Registry("nowhere-yet"),
            "brightness:1",
            alias="production",
            actor="ada",
            reason="promoted",
            event_url="log:",
            **{option: reason},
        )


def test_what_is_there_already(shop, promote):
    shop.put(shop.publish())
    with pytest.raises(ConfigError, match="points at brightness:1 already"):
        promote("brightness@production")
    assert len(shop.registry.history("brightness", "production")) == 1


@pytest.mark.parametrize(
    "parity", [None, Parity(reference="torch", images=9, disagreements=1, max_difference=0.2)]
)
def test_a_graph_that_was_not_held_against_its_network(shop, promote, parity):
    answer = promote(shop.publish(parity=parity))
    assert gate(answer, "parity").verdict is Verdict.failed
    assert answer.moved is None


@pytest.mark.parametrize("file", ["model.onnx", "evaluation.parquet", "model_card.md"])
@pytest.mark.parametrize("in_place", [True, False])
def test_a_broken_candidate_is_refused(shop, promote, file, in_place):
    if in_place:
        shop.put(shop.publish())
    version = shop.publish()
    shop.damage(version, file)
    answer = promote(version, accept_undecided="please")
    assert answer.verdict is Verdict.failed
    assert file in gate(answer, "bundle").detail
    assert answer.moved is None


def test_a_candidate_whose_manifest_is_damaged_is_refused(shop, promote):
    version = shop.publish()
    shop.damage(version, "manifest.json")
    assert gate(promote(version), "bundle").verdict is Verdict.failed


def test_a_candidate_of_another_schema_is_for_another_release(shop, promote):
    version = shop.publish()
    shop.rewrite_manifest(version, schema=2)
    with pytest.raises(BundleSchemaError, match="upgrade mlopsproj"):
        promote(version)


@pytest.mark.parametrize("file", ["evaluation.parquet", "model.onnx", "training_ids.npy"])
def test_a_broken_champion_neither_holds_its_place_nor_is_it_beaten(shop, promote, file):
    broken = shop.publish()
    shop.put(broken)
    shop.damage(broken, file)
    version = shop.publish()
    answer = promote(version)
    assert answer.verdict is Verdict.undecided
    assert file in gate(answer, "accuracy").detail
    assert promote(version, accept_undecided="production is broken").moved is not None


def test_a_champion_that_is_gone_can_be_replaced(shop, promote):
    gone = shop.publish()
    shop.put(gone)
    shop.file(gone, "manifest.json").unlink()
    version = shop.publish()
    assert promote(version).verdict is Verdict.undecided
    assert promote(version, accept_undecided="it was deleted").moved is not None


class Contested(Registry):
    """A registry in which others promote while somebody judges."""

    def __init__(self, url: str, others: list[ModelVersion]) -> None:
        super().__init__(url)
        self.others = others

    def move_alias(self, name, alias, version, **settings):
        if self.others:
            other = self.others.pop(0)
            super().move_alias(name, alias, other.number, actor="bob", reason="was quicker")
        return super().move_alias(name, alias, version, **settings)


def test_when_the_alias_moves_meanwhile_the_new_one_must_be_beaten(shop, promote, caplog):
    shop.put(shop.publish(right(700, 1000)))
    better = shop.publish(right(900, 1000))
    version = shop.publish(right(800, 1000))
    answer = promote(version, Contested(shop.registry.url, [better]))
    assert answer.champion == better
    assert answer.verdict is Verdict.failed
    assert "-10.00 points" in gate(answer, "accuracy").figure
    assert shop.pointed_at() == better.number
    assert "judging again" in caplog.text


def test_whoever_still_wins_is_recorded_with_the_gates_of_the_last_judgement(shop, promote):
    shop.put(shop.publish(right(700, 1000)))
    others = [shop.publish(right(number, 1000)) for number in (750, 800)]
    version = shop.publish(right(900, 1000))
    answer = promote(version, Contested(shop.registry.url, list(others)))
    assert answer.champion == others[-1]
    moves = shop.registry.history("brightness", "production")
    assert [move.version for move in moves] == [1, 2, 3, 4]
    assert "+10.00 points" in recorded(moves[-1], "accuracy")["figure"]


def test_another_who_promotes_the_same_is_noticed(shop, promote):
    shop.put(shop.publish(right(700, 1000)))
    version = shop.publish(right(900, 1000))
    with pytest.raises(ConfigError, match="already"):
        promote(version, Contested(shop.registry.url, [version]))


def test_a_first_version_that_comes_second_is_judged(shop, promote):
    first = shop.publish(right(900, 1000))
    answer = promote(shop.publish(right(100, 1000)), Contested(shop.registry.url, [first]))
    assert (answer.champion, answer.verdict) == (first, Verdict.failed)


TEST_IMAGES = 400


@pytest.fixture
def test_images(shop):
    """Dark and bright images, of which every second label is wrong."""
    rng = np.random.default_rng(0)
    bright = rng.integers(0, 2, TEST_IMAGES)
    pixels = rng.integers(0, 90, (TEST_IMAGES, SIDE, SIDE, 1)) + 160 * bright[:, None, None, None]
    labels = bright ^ np.arange(TEST_IMAGES) % 2
    ids = shop.ids(TEST_IMAGES, start=10_000)
    return LabelledImages(ids, pixels.astype(np.uint8), labels, ("dark", "bright"))


FINGERPRINT = "f" * 64


@pytest.fixture
def contest(shop, test_images):
    """A champion that was tested on other images, and a candidate of the test images."""

    def publish(right_of_400, trained_on=()):
        champion = shop.publish(right(50, 50), trained_on=trained_on)
        shop.put(champion)
        return shop.publish(
            right(right_of_400, TEST_IMAGES),
            ids=test_images.ids,
            labels=test_images.labels,
            fingerprint=FINGERPRINT,
        )

    return publish


@pytest.fixture
def promote_with_images(promote, test_images):
    """Promote where the test images of the candidate can be found."""
    return lambda version: promote(version, find_test_images={FINGERPRINT: test_images}.get)


# Every small bundle tells dark from bright, so the champion has half of these labels right.
@pytest.mark.parametrize(("candidate", "verdict"), [(300, "pass"), (100, "fail")])
def test_the_champion_is_scored_again_on_the_candidate_s_test_images(
    contest, promote_with_images, candidate, verdict
):
    answer = promote_with_images(contest(candidate))
    accuracy = gate(answer, "accuracy")
    assert accuracy.verdict.value == verdict
    assert f"on {TEST_IMAGES} images" in accuracy.detail
    assert f"{(candidate - 200) / 4:+.2f} points" in accuracy.figure


def test_images_that_the_champion_was_trained_on_do_not_count(
    contest, promote_with_images, test_images
):
    ids = test_images.ids
    seen = ids[:100] + ids[200:250]
    accuracy = gate(promote_with_images(contest(300, trained_on=seen)), "accuracy")
    # Of the other 250 the candidate has 150 right and the champion every second one.
    assert "on 250 images" in accuracy.detail
    assert "+10.00 points" in accuracy.figure


def test_what_both_were_tested_on_is_not_scored_again(shop, promote, test_images):
    """The graph would tell otherwise than the evaluations."""
    of_the_images = {"ids": test_images.ids, "labels": test_images.labels}
    shop.put(shop.publish(right(300, 400), **of_the_images))
    version = shop.publish(right(390, 400), **of_the_images)
    answer = promote(version, find_test_images=lambda _: test_images)
    assert "+22.50 points" in gate(answer, "accuracy").figure
    assert answer.moved is not None


def test_images_are_looked_for_once(contest, promote, test_images):
    asked = []

    def find(fingerprint):
        asked.append(fingerprint)
        return test_images

    promote(contest(300), find_test_images=find)
    assert asked == [FINGERPRINT]


@pytest.mark.parametrize("find", [None, {}.get])
def test_without_the_data_the_images_that_both_were_tested_on_count(shop, promote, find):
    shop.put(shop.publish(right(500, 1000)))
    ids = shop.ids(1000, start=400)
    answer = promote(shop.publish(right(1000, 1000), ids=ids), find_test_images=find)
    # The champion has 100 of the 600 common images right.
    accuracy = gate(answer, "accuracy")
    assert accuracy.detail.startswith("brightness:1 was judged on 600 of its 1,000 test images")
    assert "on 600 images, 500 right" in accuracy.detail
    assert accuracy.figure.startswith("+83.33 points")
    assert answer.verdict is Verdict.undecided


def test_where_the_data_is_not_there_it_is_said_what_to_do(contest, promote, caplog):
    promote(contest(300), find_test_images={}.get)
    assert "brightness:1 was tested on other images" in caplog.text
    assert FINGERPRINT[:12] in caplog.text
    assert "--prepared-dir" in caplog.text


@pytest.mark.parametrize("find", [None, {}.get])
def test_without_data_and_common_images_nothing_is_decided(contest, promote, find):
    answer = promote(contest(400), find_test_images=find)
    assert answer.verdict is Verdict.undecided
    assert "no test image is common" in gate(answer, "accuracy").detail


def test_a_champion_that_this_machine_computes_otherwise_is_not_scored_again(
    contest, shop, promote_with_images, caplog
):
    version = contest(400)
    champion = ModelVersion(version.name, 1)
    probe = shop.file(champion, PROBE)
    with np.load(probe) as file:
        expected = dict(file)
    expected["probabilities"] = expected["probabilities"][:, ::-1]
    np.savez_compressed(probe, **expected)
    files = shop.registry.manifest(champion).files
    shop.rewrite_manifest(champion, files={**files, PROBE: sha256_of(probe)})
    assert promote_with_images(version).verdict is Verdict.undecided
    assert "not scored again" in caplog.text


def test_a_champion_that_gives_no_probabilities_on_new_images_is_undecided(
    shop, promote, test_images
):
    """Its probe answers; bright images divide by zero."""
    graph = GRAPH.replace(
        "bright = Mul (mean, scale)",
        """scaled = Mul (mean, scale)
    white = Constant <value_float = 0.9> ()
    dazzled = Greater (scaled, white)
    as_float = Cast <to = 1> (dazzled)
    none = Sub (white, white)
    root = Neg (as_float)
    bad = Sqrt (root)
    bright = Add (scaled, bad)""",
    )
    pixels = test_images.images.copy()
    pixels[0] = 255
    images = replace(test_images, images=pixels)
    shop.put(shop.publish(right(50, 50), graph=graph))
    version = shop.publish(
        right(390, 400), ids=images.ids, labels=images.labels, fingerprint=FINGERPRINT
    )
    found = {FINGERPRINT: images}.get
    answer = promote(version, find_test_images=found)
    assert answer.verdict is Verdict.undecided
    assert "brightness:1 cannot be judged: it cannot be scored" in gate(answer, "accuracy").detail
    assert "no probability" in gate(answer, "accuracy").detail
    assert promote(version, find_test_images=found, force="it is broken").moved is not None


def test_a_champion_that_takes_no_such_images_is_undecided(shop, promote, test_images):
    """The images that are found are of another size than both manifests say."""
    pixels = np.zeros((TEST_IMAGES, 32, 32, 1), np.uint8)
    images = replace(test_images, images=pixels)
    shop.put(shop.publish(right(50, 50)))
    version = shop.publish(right(390, 400), ids=images.ids, labels=images.labels)
    answer = promote(version, find_test_images=lambda _: images)
    assert answer.verdict is Verdict.undecided
    assert "it cannot be scored" in gate(answer, "accuracy").detail


@pytest.fixture
def opened(monkeypatch):
    """Versions that were verified and loaded for another, in turn."""
    from mlopsproj_evaluation import opponents

    found, open_side = [], opponents.open_side

    def open_(registry, version):
        found.append(version.number)
        return open_side(registry, version)

    monkeypatch.setattr(opponents, "open_side", open_)
    return found


def test_a_champion_that_is_the_parent_is_loaded_once_however_often_is_judged(
    shop, promote, opened
):
    shop.put(shop.publish(right(500, 1000)))
    other = shop.publish(right(600, 1000))
    parity = COMPRESSED.model_copy(update={"reference": "brightness:1"})
    version = shop.publish(right(900, 1000), parity=parity, parent="brightness:1")
    answer = promote(version, Contested(shop.registry.url, [other]))
    assert answer.champion == other
    assert opened == [1, 2]


@pytest.mark.parametrize(("candidate", "verdict"), [(950, "pass"), (600, "fail")])
def test_an_alias_that_points_at_nothing_yet_is_held_against_production(
    shop, promote, candidate, verdict
):
    champion = shop.publish(right(800, 1000))
    shop.put(champion)
    answer = promote(shop.publish(right(candidate, 1000)), alias="shadow")
    assert (answer.champion, answer.verdict.value) == (champion, verdict)
    told = "; held against brightness:1 in production, since shadow points at nothing yet"
    for name in ("accuracy", "classes", "calibration", "robustness", "size", "latency"):
        assert gate(answer, name).detail.endswith(told)
    assert (answer.moved is not None) == (verdict == "pass")


def test_what_is_in_production_may_be_given_another_alias(shop, promote):
    shop.put(shop.publish(right(8, 10)))
    assert promote("brightness@production", alias="shadow").verdict is Verdict.passed


def test_where_neither_has_a_version_it_is_the_first(shop, promote):
    answer = promote(shop.publish(), alias="shadow")
    assert answer.champion is None
    assert "first version" in gate(answer, "accuracy").detail


COMPRESSED = Parity(reference="brightness:1", images=1000, disagreements=50, max_difference=0.4)


@pytest.mark.parametrize(("right_of_1000", "verdict"), [(801, "pass"), (700, "fail")])
def test_a_compressed_version_is_held_against_its_parent(shop, promote, right_of_1000, verdict):
    shop.put(shop.publish(right(500, 1000)), "shadow")
    shop.put(shop.publish(right(500, 1000)))
    shop.publish(right(800, 1000))
    parity = COMPRESSED.model_copy(update={"reference": "brightness:3"})
    small = shop.publish(right(right_of_1000, 1000), parity=parity, parent="brightness:3")
    answer = promote(small)
    assert gate(answer, "parity").verdict.value == verdict
    assert gate(answer, "accuracy").verdict is Verdict.passed
    assert f"{(right_of_1000 - 800) / 10:+.2f} points" in gate(answer, "parity").figure


def test_a_compressed_version_without_its_parent_is_undecided(shop, promote):
    gone = COMPRESSED.model_copy(update={"reference": "brightness:9"})
    parity = gate(promote(shop.publish(parity=gone, parent="brightness:9")), "parity")
    assert parity.verdict is Verdict.undecided
    assert "its parent brightness:9 cannot be judged: There is no brightness:9" in parity.detail


def test_a_parent_is_scored_again_on_the_images_of_the_candidate(shop, promote, test_images):
    shop.publish(right(50, 50))
    small = shop.publish(
        right(300, TEST_IMAGES),
        ids=test_images.ids,
        labels=test_images.labels,
        fingerprint=FINGERPRINT,
        parity=COMPRESSED,
        parent="brightness:1",
    )
    parity = gate(promote(small, find_test_images={FINGERPRINT: test_images}.get), "parity")
    assert f"on {TEST_IMAGES} images" in parity.detail
    assert parity.figure.startswith("+25.00 points")


def test_other_classes_cannot_be_compared(contest, shop, promote_with_images):
    version = contest(400)
    shop.rewrite_manifest(version, classes=["night", "day"])
    answer = promote_with_images(version)
    assert answer.verdict is Verdict.undecided
    assert "classes" in gate(answer, "accuracy").detail


def test_a_registry_elsewhere(shop, promote, tmp_path):
    """Versions are fetched; what is broken there is refused, as it is in a folder."""
    url = f"memory://{tmp_path.name}"
    elsewhere = replace(shop, registry=Registry(url, cache=tmp_path / "cache"))
    good, changed, lacking = (elsewhere.publish(right(500, 1000)) for _ in range(3))
    files = fsspec.filesystem("memory")
    files.pipe_file(f"/{tmp_path.name}/brightness/versions/2/model.onnx", b"other")
    files.rm_file(f"/{tmp_path.name}/brightness/versions/3/model.onnx")
    assert promote(good, elsewhere.registry).moved.version == 1
    assert gate(promote(changed, elsewhere.registry), "bundle").verdict is Verdict.failed
    with pytest.raises(RegistryError, match=r"lacks model\.onnx"):
        promote(lacking, elsewhere.registry)
    elsewhere.put(lacking)
    answer = promote(good, elsewhere.registry)
    assert gate(answer, "accuracy").verdict is Verdict.undecided


def test_a_promotion_is_told_with_the_id_of_its_move(shop, promote, webhook):
    answer = promote(shop.publish(), event_url=webhook.url)
    (event,) = webhook.told
    (move,) = shop.registry.history("brightness", "production")
    assert event["id"] == str(model_promoted("brightness", move, shop.registry.url).id)
    assert (event["type"], event["model"], event["version"]) == ("model-promoted", "brightness", 1)
    assert event["data"]["gates"] == [gate.as_dict() for gate in answer.gates]


def test_an_event_that_is_told_twice_keeps_its_id(shop, promote, webhook):
    webhook.statuses = [503]
    promote(shop.publish(), event_url=webhook.url)
    first, second = webhook.told
    assert first == second


def test_what_is_refused_is_told_to_nobody(shop, promote, webhook):
    shop.put(shop.publish(right(900, 1000)))
    promote(shop.publish(right(100, 1000)), event_url=webhook.url)
    assert webhook.told == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "ftp://nobody", "github://a/b"])
def test_a_promotion_stands_though_nobody_hears_of_it(shop, promote, url, caplog, monkeypatch):
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    monkeypatch.setattr("mlopsproj_core.events.time.sleep", lambda seconds: None)
    assert promote(shop.publish(), event_url=url).moved is not None
    assert url.partition(":")[0] in caplog.text


def test_a_promotion_stands_though_its_listener_speaks_no_http(shop, promote, caplog, monkeypatch):
    monkeypatch.setattr("mlopsproj_core.events.time.sleep", lambda seconds: None)

    class Mumbler(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.recv(65536)
            self.request.sendall(b"220 this is a mail server\r\n\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mumbler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        host = f"127.0.0.1:{server.server_address[1]}"
        answer = promote(shop.publish(), event_url=f"http://{host}/")
        server.shutdown()
        thread.join()
    assert answer.moved is not None
    assert host in caplog.text


@pytest.fixture
def back(shop):
    def roll_back_(name="", alias="production", event_url="log:"):
        return roll_back(
            shop.registry, name, alias=alias, actor="ada", reason="too dark", event_url=event_url
        )

    return roll_back_


def test_back_twice_and_no_further(shop, back):
    for _ in range(3):
        shop.put(shop.publish())
    assert [back()[1].version, back("brightness")[1].version] == [2, 1]
    with pytest.raises(NotFoundError, match="no version before"):
        back()
    moves = shop.registry.history("brightness", "production")
    assert [move.version for move in moves] == [1, 2, 3, 2, 1]
    assert moves[-1].actor == "ada"
    assert "too dark" in moves[-1].reason


def test_forward_again_after_going_back(shop, back, promote):
    for number in (700, 800):
        shop.put(shop.publish(right(number, 1000)))
    back()
    assert promote("brightness:2").champion == ModelVersion("brightness", 1)
    assert back()[1].version == 1


def test_going_back_is_told(shop, back, webhook):
    for _ in range(2):
        shop.put(shop.publish())
    name, move = back(event_url=webhook.url)
    (event,) = webhook.told
    assert event["id"] == str(model_promoted(name, move, shop.registry.url).id)
    assert (event["version"], event["data"]["reason"]) == (1, move.reason)


@pytest.mark.parametrize("name", ["brightness:1", "brightness@production", ":1", "@candidate"])
def test_going_back_takes_a_name(shop, back, name):
    shop.put(shop.publish())
    with pytest.raises(ConfigError, match="NAME of a model"):
        back(name)


def test_another_alias_goes_back(shop, back):
    for _ in range(2):
        shop.put(shop.publish(), "shadow")
    assert back(alias="shadow")[1].version == 1
    with pytest.raises(NotFoundError, match="no alias 'production'"):
        back()


def test_what_cannot_be_promoted(shop, promote):
    with pytest.raises(NotFoundError, match="uv run train"):
        promote("@candidate")
    shop.publish()
    for reference in ("brightness:9", "brightness@candidate", "unknown:1", "a:b:c", "Ünknown"):
        with pytest.raises(RegistryError):
            promote(reference)
