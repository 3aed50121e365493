import logging
from pathlib import Path

import pytest
from mlopsproj_train.logs import log_file, set_up_logging


@pytest.fixture
def our_logger():
    return logging.getLogger("mlopsproj_train.test")


def test_our_messages_and_others_warnings_go_to_stderr(our_logger, capsys):
    set_up_logging()
    our_logger.info("an epoch is done")
    our_logger.debug("a detail")
    logging.getLogger("library").info("nobody asked")
    logging.getLogger("library").warning("beware")
    logging.getLogger("pytorch_lightning").info("GPU available: False")
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "an epoch is done\nbeware\n"


def test_setting_up_again_does_not_double_messages(our_logger, capsys):
    set_up_logging()
    set_up_logging()
    our_logger.info("once")
    assert capsys.readouterr().err == "once\n"


def test_the_file_holds_the_time_and_what_came_before(our_logger, tmp_path):
    set_up_logging()
    path = tmp_path / "run.log"
    path.write_text("of an earlier process\n")
    with log_file(path):
        our_logger.info("Größe %d", 3)
        logging.getLogger("library").info("nobody asked")
    our_logger.info("after the run")
    before, line = path.read_text(encoding="utf-8").splitlines()
    assert before == "of an earlier process"
    assert line.endswith("INFO mlopsproj_train.test: Größe 3")
    assert line[:4].isdigit()


def test_an_event_is_for_the_file_and_a_failure_to_tell_it_for_people_too(tmp_path, capsys):
    set_up_logging()
    path = tmp_path / "run.log"
    with log_file(path):
        logging.getLogger("mlopsproj_core.events").info("event {}")
        logging.getLogger("mlopsproj_core.events").warning("nobody took it")
    assert "event {}" in path.read_text()
    assert "nobody took it" in path.read_text()
    assert capsys.readouterr().err == "nobody took it\n"


def test_what_ended_the_run_is_in_the_file_alone(tmp_path, capsys):
    set_up_logging()
    with pytest.raises(KeyboardInterrupt), log_file(tmp_path / "run.log"):
        raise KeyboardInterrupt("in epoch 2")
    assert "ended by KeyboardInterrupt: in epoch 2" in (tmp_path / "run.log").read_text()
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_ends_the_run_without_a_traceback_of_logging(our_logger, tmp_path, capsys):
    set_up_logging()
    (tmp_path / "run.log").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"), log_file(tmp_path / "run.log"):
        our_logger.info("an epoch is done")
    assert capsys.readouterr().err == "an epoch is done\n"
