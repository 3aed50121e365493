from mlopsproj_data.sources.printing import listed, plural


def test_numbers_have_nouns():
    assert plural(1, "image") == "1 image"
    assert plural(2062, "image") == "2,062 images"
    assert plural(0, "class", "classes") == "0 classes"


def test_a_long_list_is_cut():
    assert listed(["a", "b"]) == "a, b"
    assert listed([*"abcdefg"]) == "a, b, c, d, e and 2 more"
