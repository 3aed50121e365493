import http.server
import socket
import threading
import urllib.error
import urllib.request
from uuid import uuid4

import gcsfs
import pytest
from mlopsproj_core.errors import RecordsError, RegistryError
from mlopsproj_core.store import Store


@pytest.fixture(
    params=["folder", "file-url", "strange-folder", "memory", "gs", "gcs", "strange-gs"]
)
def url(request, tmp_path):
    if request.param.endswith(("gs", "gcs")):
        bucket = request.getfixturevalue("bucket_url")
        return {
            "gs": bucket,
            "gcs": bucket.replace("gs://", "gcs://"),
            "strange-gs": f"{bucket}/ein Regal [1] für *",
        }[request.param]
    return {
        "folder": str(tmp_path / "store"),
        "file-url": f"file://{(tmp_path / 'store').as_posix()}",
        "strange-folder": str(tmp_path / "ein Regal [1] für *"),
        "memory": f"memory://{uuid4().hex}",
    }[request.param]


@pytest.fixture
def store(url):
    return Store(url)


def test_keeps_what_was_created(store):
    store.create("a/b/one", b"1")
    store.create("a/b/c/two", "zwölf".encode())
    store.create("a/empty", b"")
    assert store.read("a/b/one") == b"1"
    assert store.read("a/b/c/two").decode() == "zwölf"
    assert store.read("a/empty") == b""
    assert store.names("a") == ["b", "empty"]
    assert store.names("") == ["a"]
    assert store.files("a") == ["b/c/two", "b/one", "empty"]
    assert store.files("a/b") == ["c/two", "one"]
    assert store.exists("a/b/one")


def test_a_file_is_removed_once_or_was_not_there(store):
    store.create("a/one", b"1")
    store.remove("a/one")
    store.remove("a/one")
    store.remove("b/two")
    assert not store.exists("a/one")
    store.create("a/one", b"again")
    assert store.read("a/one") == b"again"


def test_its_errors_call_it_what_its_user_does():
    with pytest.raises(RecordsError, match="The image store nonsense://x cannot be opened"):
        Store("nonsense://x", called="image store", error=RecordsError)


def test_nothing_is_no_error_where_things_are_listed(store):
    assert store.names("") == store.names("a/b") == []
    assert store.files("") == store.files("a") == []
    assert store.numbers("a") == []
    assert not store.exists("a")
    with pytest.raises(FileNotFoundError):
        store.read("a")


def test_a_neighbour_with_a_longer_name_is_not_listed(store):
    store.create("model/one", b"")
    store.create("model-2/two", b"")
    assert store.files("model") == ["one"]
    assert store.names("model") == ["one"]


def test_never_overwrites(store):
    store.create("a/b", b"first")
    with pytest.raises(FileExistsError):
        store.create("a/b", b"second")
    assert store.read("a/b") == b"first"
    assert store.files("") == ["a/b"]


def test_sees_what_others_write_after_it_has_looked(store, url):
    gcsfs.GCSFileSystem.clear_instance_cache()  # else they share what they remember
    other = Store(url)
    assert store.names("a") == store.files("a") == []
    assert not store.exists("a/b")
    other.create("a/b", b"")
    assert store.names("a") == store.files("a") == ["b"]
    assert store.exists("a/b")
    other.create("a/c", b"")
    assert store.names("a") == store.files("a") == ["b", "c"]


def test_numbers_are_whole_positive_and_written_plainly(store):
    for name in ("1.json", "12.json", "3", "007.json", "0.json", "x.json", "٣.json", "-1.json"):
        store.create(f"a/{name}", b"")
    assert store.numbers("a", ".json") == [1, 12]
    assert store.numbers("a") == [3]


def test_hides_drafts(store):
    store.create("a/.draft", b"")
    store.create("a/b", b"")
    assert store.names("a") == ["b"]


def test_local_path_is_for_folders_only(tmp_path, bucket_url):
    assert Store(f"file://{tmp_path.as_posix()}").local_path("a/b") == tmp_path / "a/b"
    assert Store(bucket_url).local_path("a/b") is None


def test_relative_folder_stays_where_it_was(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = Store("./registry")
    monkeypatch.chdir("/")
    store.create("a", b"1")
    assert (tmp_path / "registry" / "a").read_bytes() == b"1"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("nonsense://bucket", "Protocol not known: nonsense"),
        ("gs://", "names no bucket"),
        ("gcs:///", "names no bucket"),
    ],
)
def test_refuses_an_address_without_a_file_system(url, why):
    with pytest.raises(RegistryError, match=why) as caught:
        Store(url)
    assert url in str(caught.value)


def test_missing_bucket_is_told_when_something_is_written(emulator):
    with pytest.raises(RegistryError, match="gs://nobody-made-it/x cannot be written to"):
        Store("gs://nobody-made-it/x").create("a", b"")


def test_a_file_where_a_folder_should_be_is_an_error(tmp_path):
    (tmp_path / "store").write_bytes(b"")
    store = Store(str(tmp_path / "store"))
    for task in (
        lambda: store.names(""),
        lambda: store.read("a"),
        lambda: store.exists("a"),
        lambda: store.create("a", b""),
        lambda: store.create("a/b", b""),
    ):
        with pytest.raises(RegistryError, match="Not a directory"):
            task()


class Forgetful(http.server.BaseHTTPRequestHandler):
    """Passes on to the emulator, but loses its answer to the first upload."""

    def pass_on(self):
        length = int(self.headers.get("Content-Length", 0))
        request = urllib.request.Request(
            self.server.target + self.path,
            self.rfile.read(length) if length else None,
            {"Content-Type": self.headers.get("Content-Type", "")},
            method=self.command,
        )
        try:
            with urllib.request.urlopen(request) as answer:
                status, body = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, body = error.code, error.read()
        if self.command == "POST":
            self.server.uploads.append(status)
            if len(self.server.uploads) == 1:
                status, body = 503, b'{"error": {"code": 503, "message": "Try again."}}'
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = pass_on  # noqa: N815

    def log_message(self, *_):
        pass


@pytest.fixture
def forgetful_bucket(emulator, bucket_url, monkeypatch):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Forgetful)
    server.target, server.uploads = emulator.address, []
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{server.server_port}")
    gcsfs.GCSFileSystem.clear_instance_cache()
    yield bucket_url, server.uploads
    server.shutdown()
    server.server_close()
    gcsfs.GCSFileSystem.clear_instance_cache()


def test_a_creation_whose_answer_was_lost_is_not_taken_for_another_s(forgetful_bucket):
    url, uploads = forgetful_bucket
    store = Store(url)
    store.create("a", b"mine")
    assert uploads == [200, 412]
    assert store.read("a") == b"mine"
    with pytest.raises(FileExistsError):
        store.create("a", b"of another")


@pytest.mark.parametrize("look", [Store.names, Store.files])
def test_an_unreachable_store_is_not_an_empty_one(look):
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody_listens.getsockname()[1]}/registry"
        with pytest.raises(RegistryError, match=f"{url} cannot be listed: .*Cannot connect"):
            look(Store(url), "a")


def test_exists_does_not_take_a_refusal_for_a_no(emulator, bucket_url, monkeypatch):
    store = Store(bucket_url)

    def forbidden(path):
        raise OSError(f"Forbidden: {path}")

    monkeypatch.setattr(store._files._system, "info", forbidden)
    with pytest.raises(RegistryError, match="Forbidden"):
        store.exists("a")
