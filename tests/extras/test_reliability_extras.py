"""Cases of the reliability campaign in the containers of other libraries."""

from itertools import count, islice

import awkward as ak
import polars as pl
import pyarrow as pa
import pytest
from campaign import forms, laws, subjects


def lists(arrays):
    return forms.as_nested_lists(arrays, None)


OTHERS = {
    "arrow": lambda arrays, lay: forms.as_flat(arrays, lay).to_arrow(),
    "arrow of lists": lambda arrays, lay: pa.array(lists(arrays)),
    "awkward": lambda arrays, lay: forms.as_flat(arrays, lay).to_awkward(),
    "awkward of lists": lambda arrays, lay: ak.Array(lists(arrays)),
    "polars": lambda arrays, lay: forms.as_flat(arrays, lay).to_polars(),
    "polars of lists": lambda arrays, lay: pl.Series(lists(arrays)),
    "torch": lambda arrays, lay: forms.as_flat(arrays, lay).to_torch(),
}
READERS = [subject for subject in subjects.SUBJECTS if subject not in (subjects.Clustering, subjects.Texts)]


def seeds_of(subject, first):
    return (seed for seed in count(first) if type(laws.draw(seed)[1]) is subject)


@pytest.mark.parametrize("subject", READERS, ids=lambda subject: subject.__name__)
def test_every_law_holds_in_containers_of_other_libraries(subject):
    words = set()
    for seed in islice(seeds_of(subject, 0), 12):
        words.update(laws.check(seed, containers=OTHERS))
    assert sum(f"container {name}" in words for name in OTHERS) > len(OTHERS) / 2
