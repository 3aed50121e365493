import pytest
from mlopsproj_doctor.units import in_bytes


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (1_500_000, "1.5 MB"),
        (77_400_000_000, "77.4 GB"),
        (2.5e12, "2.5 TB"),
        (5e15, "5000.0 TB"),
    ],
)
def test_sizes_have_the_unit_that_suits_them(size, text):
    assert in_bytes(size) == text
