import msgspec
from mlopsproj_api.report import Report, report_of, welcome

URL = "http://127.0.0.1:8000"


def test_it_says_where_what_how_and_what_next(settings):
    told = welcome(Report("pets:3", "single", 2), settings(), URL)
    assert told.splitlines() == [
        "listens   http://127.0.0.1:8000 (its pages: http://127.0.0.1:8000/docs)",
        "serves    pets:3, as @production of ./registry",
        "computes  2 threads, strategy single",
        "logs      sqlite:///mlopsproj.db, by way of spool",
        "next      curl --data-binary @IMAGE http://127.0.0.1:8000/v1/predict",
    ]


def test_without_a_model_it_says_why(settings):
    report = Report(None, None, 1, why="The registry holds no model: make one.")
    told = welcome(report, settings(MLOPSPROJ_API_WORKERS="2"), URL)
    assert "serves    nothing yet: The registry holds no model: make one.\n" in told
    assert "computes  2 processes, 1 thread, strategy not chosen yet\n" in told


def test_it_says_where_answers_and_images_are_kept_and_no_password(settings):
    report = Report("pets:3", "single", 2)
    database = {"MLOPSPROJ_DATABASE_URL": "postgresql://me:secret@host/log"}
    told = welcome(report, settings(**database, MLOPSPROJ_IMAGE_LOG_URL="gs://images"), URL)
    assert "logs      postgresql://me@host/log, by way of spool; images in gs://images\n" in told
    told = welcome(report, settings(MLOPSPROJ_API_LOG="0"), URL)
    assert "logs      nothing: MLOPSPROJ_API_LOG is off\n" in told


def test_a_report_travels_between_processes():
    report = Report(None, None, 1, why="none")
    assert report_of(msgspec.json.decode(msgspec.json.encode(report))) == report
