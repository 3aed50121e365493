"""A process that answers batch after batch; here it is this one, in a thread or by pipes."""

import io
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from mlopsproj_core.image import ImageSpec
from mlopsproj_data import worker
from mlopsproj_data.records import Record
from mlopsproj_data.worker import COMMAND, examine_batch, read_batch, write_batch

SPEC = ImageSpec(8, 8, 1)


def batch_of(*values):
    images = [b"none" if value is None else np.full((8, 8), value, np.uint8) for value in values]
    records = [Record(image, 0, None, None, str(i)) for i, image in enumerate(images)]
    return records, examine_batch(records, SPEC)


def same(one, other):
    return one.facts == other.facts and np.array_equal(one.pixels, other.pixels)


@pytest.mark.parametrize("values", [(), (None,), (1,), (1, None, 3), (None, 2)])
def test_what_is_sent_is_received(values):
    _, batch = batch_of(*values)
    buffer = io.BytesIO()
    write_batch(buffer, batch)
    write_batch(buffer, batch)
    buffer.seek(0)
    assert same(read_batch(buffer, SPEC), batch)
    assert same(read_batch(buffer, SPEC), batch)
    with pytest.raises(EOFError):
        read_batch(buffer, SPEC)


@pytest.mark.parametrize("lacking", [1, 64, 130])
def test_half_an_answer_is_the_end_of_the_process(lacking):
    buffer = io.BytesIO()
    write_batch(buffer, batch_of(1, 2)[1])
    short = io.BytesIO(buffer.getvalue()[:-lacking])
    with pytest.raises((EOFError, pickle.UnpicklingError)):
        read_batch(short, SPEC)


def test_a_process_answers_in_order_until_its_input_ends():
    tasks = [batch_of(value, None) for value in range(5)]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; print('noise', file=sys.stderr); {COMMAND}"],
        input=b"".join(pickle.dumps((records, SPEC)) for records, _ in tasks),
        capture_output=True,
        check=True,
    )
    answers = io.BytesIO(done.stdout)
    for _, expected in tasks:
        assert same(read_batch(answers, SPEC), expected)
    assert not answers.read()


def test_main_reads_standard_input_and_writes_standard_output(tmp_path, monkeypatch):
    records, expected = batch_of(4, None, 6)
    tasks = io.BytesIO(pickle.dumps((records, SPEC)) + b"half a ta")
    with (tmp_path / "out").open("w+b") as out, (tmp_path / "err").open("w+b") as err:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(tasks))
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out))
        monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(err))
        answers = os.fdopen(os.dup(out.fileno()), "rb")
        worker.main()
        answers.seek(0)
        assert same(read_batch(answers, SPEC), expected)
        answers.close()
        monkeypatch.undo()
