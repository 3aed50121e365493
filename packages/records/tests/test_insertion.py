import pytest
from mlopsproj_records import schema
from mlopsproj_records.insertion import insert_rows
from mlopsproj_records.rows import row_of
from sqlalchemy import func, select


def rows_of(database, records):
    return [row_of(record, times_as_text=database.url.startswith("sqlite")) for record in records]


def count(database, table):
    return database.run(lambda c: c.scalar(select(func.count()).select_from(table)))


def test_a_known_id_is_passed_over_in_the_table_and_in_the_statement(database, predicted):
    first = predicted(model="first")
    again = predicted(id=first.id, model="again")
    new = predicted()
    rows = rows_of(database, [first, again, new, new])
    for _ in range(2):
        database.run(lambda c: insert_rows(c, schema.prediction, rows), writes=True)
    assert count(database, schema.prediction) == 2
    assert database.prediction(first.id).record == first


def test_no_rows_are_no_statement(database):
    database.run(lambda c: insert_rows(c, schema.feedback, []), writes=True)
    assert count(database, schema.feedback) == 0


@pytest.mark.parametrize("rows", [1, 999, 5000])
def test_many_rows_are_one_statement(database, predicted, said, rows):
    records = [said(predicted()) for _ in range(rows)]
    database.run(lambda c: insert_rows(c, schema.feedback, rows_of(database, records)), writes=True)
    assert count(database, schema.feedback) == rows
