from concurrent.futures import ThreadPoolExecutor

from mlopsproj_records.counts import Counts


def test_counts_from_any_thread():
    counts = Counts()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: counts.add(moved=2, rejected=1), range(1000)))
    assert (counts.moved, counts.rejected, counts.appended) == (2000, 1000, 0)
