import msgspec
from mlopsproj_records.record import Record


def test_what_kind_of_record_it_is_travels_with_it(predicted, said):
    prediction = predicted(image_url="file:///a.jpg", shadow_of="p0")
    for record in (prediction, said(prediction)):
        again = msgspec.msgpack.decode(msgspec.msgpack.encode(record), type=Record)
        assert again == record
        assert type(again) is type(record)
