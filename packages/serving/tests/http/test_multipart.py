import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlopsproj_serving.http.multipart import MAX_FILENAME, MAX_HEADER_BYTES, boundary_of, parts_of
from mlopsproj_serving.http.problems import ProblemError
from python_multipart.multipart import MultipartParser

HEAD = b'Content-Disposition: form-data; name="file"; filename="a.jpg"'


def body_of(*contents, boundary=b"XX", head=HEAD):
    parts = b"".join(b"--%s\r\n%s\r\n\r\n%s\r\n" % (boundary, head, each) for each in contents)
    return parts + b"--%s--\r\n" % boundary


def contents_of(body, boundary=b"XX", most=100):
    return [part.content for part in parts_of(body, boundary, most=most)]


def accepted(body):
    """The contents; None if the body is refused, as a malformed one is."""
    try:
        return contents_of(body)
    except ProblemError as refused:
        if refused.kind.slug != "malformed":
            raise
        return None


def contents_by_python_multipart(body, boundary=b"XX"):
    """What the parser that Starlette uses makes of it."""
    contents = []
    parser = MultipartParser(
        boundary,
        {
            "on_part_begin": lambda: contents.append(bytearray()),
            "on_part_data": lambda data, start, end: contents[-1].extend(data[start:end]),
        },
    )
    parser.write(body)
    parser.finalize()
    return [bytes(each) for each in contents]


@given(st.lists(st.binary(max_size=200) | st.sampled_from([b"--XX", b"\r\n--X", b"--", b"\r\n"])))
def test_what_was_put_in_comes_out(contents):
    assert contents_of(body_of(*contents)) == contents


@pytest.mark.parametrize("content", [b"\r\n--XXX", b"\r\n--XX-", b"\r\n--XX\r", b"\r\n--XX!\r\n"])
def test_what_only_begins_like_a_boundary_belongs_to_the_content(content):
    assert contents_of(body_of(content, b"next")) == [content, b"next"]


@settings(max_examples=500)
@given(st.data())
def test_whatever_is_accepted_is_understood_as_starlette_would(data):
    pieces = st.sampled_from(
        [b"--XX", b"\r\n", b"\r\n\r\n", b"--", b"X", b" ", HEAD, b"A: b", b":", b"\r", b"\n", b"z"]
    )
    whole = body_of(b"one", b"", b"two")
    at = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(at, min(len(whole), at + 40)))
    body = whole[:at] + b"".join(data.draw(st.lists(pieces, max_size=6))) + whole[end:]

    contents = accepted(body)

    assert contents is None or contents == contents_by_python_multipart(body)


def test_a_whole_body_is_understood_by_both():
    body = body_of(b"one", b"", bytes(range(256)))

    assert (
        contents_of(body)
        == contents_by_python_multipart(body)
        == [
            b"one",
            b"",
            bytes(range(256)),
        ]
    )


def test_a_body_that_was_cut_anywhere_is_refused():
    """Unlike Starlette's parser, which takes half a file for a whole one."""
    whole = body_of(b"one", b"two").removesuffix(b"\r\n")
    assert contents_of(whole) == [b"one", b"two"]

    for end in range(len(whole)):
        with pytest.raises(ProblemError) as refused:
            contents_of(whole[:end])
        assert refused.value.kind.slug == "malformed"


def test_white_space_after_a_boundary_is_padding():
    body = body_of(b"one", b"two").replace(b"--XX\r\n", b"--XX \t\r\n")

    assert contents_of(body) == [b"one", b"two"]


def test_what_follows_the_last_boundary_is_ignored():
    assert contents_of(body_of(b"one") + b"epilogue") == [b"one"]


def test_lines_before_the_first_boundary_may_be_empty():
    assert contents_of(b"\r\n\r\n" + body_of(b"one")) == [b"one"]


def test_a_form_without_parts_has_none():
    assert contents_of(b"--XX--\r\n") == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "does not begin with the boundary"),
        (b"preamble\r\n" + body_of(b"one"), "does not begin with the boundary"),
        (body_of(b"one", boundary=b"YY"), "does not begin with the boundary"),
        (b"--XXX\r\n", "does not end its line"),
        (body_of(b"one", head=b"Content-Type: image/jpeg"), "without `Content-Disposition"),
        (body_of(b"one", head=b"Content-Disposition: attachment"), "without `Content-Disposition"),
        (body_of(b"one", head=b"Content-Disposition: form-data"), "without the name"),
        (body_of(b"one", head=HEAD + b"\r\n folded"), "no header"),
        (body_of(b"one", head=HEAD + b"\r\nno header"), "no header"),
        (body_of(b"one", head=HEAD + b"\r\nA: b\x00"), "no header"),
        (body_of(b"one", head=HEAD + b"\r\nA: " + b"x" * MAX_HEADER_BYTES), "bytes of headers"),
    ],
)
def test_a_body_that_breaks_the_grammar_is_refused_with_the_reason(body, reason):
    with pytest.raises(ProblemError, match=reason) as refused:
        contents_of(body)

    assert refused.value.kind.slug == "malformed"


def test_more_parts_than_may_be_are_refused_before_they_are_read():
    body = body_of(*[b"one"] * 3)

    assert len(contents_of(body, most=3)) == 3
    with pytest.raises(ProblemError) as refused:
        contents_of(body[:-30], most=2)
    assert refused.value.kind.slug == "images"


@pytest.mark.parametrize(
    ("parameters", "name", "filename"),
    [
        (b'name="file"; filename="a.jpg"', "file", "a.jpg"),
        (b"NAME=file;FileName=a.jpg", "file", "a.jpg"),
        (b'name="file"', "file", None),
        (b'name=""; filename=""', "", ""),
        (b'name="file"; filename="a;b=\xc3\xa4.jpg"', "file", "a;b=ä.jpg"),
        (b'name="file"; filename="say %22hi%22%0D%0A.jpg"', "file", 'say "hi"\r\n.jpg'),
        (b'name="file"; filename="say \\"hi\\".jpg"', "file", 'say "hi".jpg'),
        (b'name="file"; filename="C:\\photos\\a.jpg"', "file", "C:\\photos\\a.jpg"),
        (b'name="file"; filename="\xff.jpg"', "file", "�.jpg"),
        (b"name=\"file\"; filename*=UTF-8''b%C3%A4r.jpg", "file", "bär.jpg"),
        (b'name="x"; filename="' + b"a" * 300 + b'"', "x", "a" * MAX_FILENAME),
    ],
)
def test_names_are_read_as_clients_write_them(parameters, name, filename):
    (part,) = parts_of(
        body_of(b"one", head=b"content-disposition:form-data; " + parameters), b"XX", most=1
    )

    assert (part.name, part.filename) == (name, filename)


def test_the_content_type_of_a_part_is_told():
    head = HEAD + b"\r\ncontent-TYPE: Image/JPEG"
    (part,) = parts_of(body_of(b"one", head=head), b"XX", most=1)

    assert part.content_type == "image/jpeg"


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/form-data; boundary=XX", b"XX"),
        ('multipart/form-data; charset=utf-8; Boundary="a b:c"', b"a b:c"),
        ("multipart/form-data;boundary=----WebKitFormBoundary7M; x=y", b"----WebKitFormBoundary7M"),
    ],
)
def test_the_boundary_stands_in_the_content_type(content_type, boundary):
    assert boundary_of(content_type) == boundary


@pytest.mark.parametrize(
    "parameters",
    [
        *("", "; boundary", "; boundary=", '; boundary=""', "; boundary=" + "x" * 71),
        *('; boundary="a "', "; boundary=ü", '; boundary="a\nb"'),
    ],
)
def test_a_boundary_that_is_none_is_refused(parameters):
    with pytest.raises(ProblemError, match="boundary") as refused:
        boundary_of("multipart/form-data" + parameters)

    assert refused.value.kind.slug == "malformed"


def test_some_false_boundaries_are_content_and_a_body_full_of_them_is_refused():
    content = b"\r\n--XX!" * 200
    assert contents_of(body_of(content)) == [content]
    with pytest.raises(ProblemError, match="again and again"):
        contents_of(body_of(content * 2))


def test_a_body_of_empty_lines_is_not_read_to_its_end():
    with pytest.raises(ProblemError, match="does not begin"):
        contents_of(b"\r\n" * 5 + body_of(b"one"))
