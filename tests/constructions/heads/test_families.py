"""How many heads are sampled, and that seeds decide which."""

import numpy as np
import pytest
from cases.heads import ALL_KINDS, CASES, drawn, series, sums_of
from joblib import parallel_config

from sklearn_hardmax.constructions.heads.families import sample_families


@ALL_KINDS
@pytest.mark.parametrize("token_dim", [1, 3])
def test_any_number_of_heads_is_drawn_exactly_and_named_uniquely(kind, token_dim):
    X = series(8, token_dim)
    numbers = [*range(1, 101), 1000] if kind in ("series", "set") else [1, 2, 3, 4, 7, 8, 50, 100, 300]
    for n_heads in numbers:
        heads = drawn(kind, X, n_heads)
        names = heads.names()
        assert len(names) == len(set(names)) == len(heads.kinds) == heads.n_heads == n_heads
        if n_heads in (1, 2, 7, 50, 100, 300, 1000):
            assert np.isfinite(sums_of(heads, X)).all()
            assert len(heads.forms()[1]) == n_heads
            assert [KIND in name.split() for name, KIND in zip(names, np.array(["max", "ppv", "mean"])[heads.kinds])]


@ALL_KINDS
def test_the_same_seed_draws_the_same_heads_and_labels_do_not_matter_without_sets(kind):
    X = CASES["three"]
    sums = [sums_of(drawn(kind, X, 60, seed), X) for seed in (3, 3, 4)]
    assert np.array_equal(sums[0], sums[1])
    assert not np.array_equal(sums[0], sums[2])


@pytest.mark.parametrize("ordered", [False, True])
def test_heads_do_not_depend_on_the_number_of_jobs(ordered):
    X = CASES["three"]
    options = {"labels": None, "n_heads": 60, "ordered": ordered, "families": ("kernels", "difference_kernels")}
    with parallel_config("threading"):
        one, two = (
            sample_families(X, **options, rng=np.random.RandomState(0), n_jobs=n_jobs)[0] for n_jobs in (None, 2)
        )
    assert np.array_equal(sums_of(one, X), sums_of(two, X))


def test_families_side_by_side_are_the_families_alone():
    X = CASES["three"]
    rng = np.random.RandomState(0)
    heads, names = sample_families(
        X, None, 61, ordered=True, families=("kernels", "difference_kernels"), rng=rng, n_jobs=None
    )
    assert names == ("kernels", "difference_kernels")
    one, two = heads.parts
    assert (one.n_heads, two.n_heads) == (31, 30)
    assert np.array_equal(sums_of(heads, X), np.hstack([sums_of(one, X), sums_of(two, X)]))
    assert np.array_equal(heads.tokens(X), np.hstack([one.tokens(X), two.tokens(X)]))
    assert heads.names() == one.names() + two.names()
    kernels, dilations, channels = heads.windows_of([60, 0, 31])
    assert kernels.tolist() == [two.windows_of([29])[0][0], one.windows_of([0])[0][0], two.windows_of([0])[0][0]]
    assert len(dilations) == len(channels) == 3
    assert heads.is_ordered


def test_families_beyond_the_number_of_heads_are_left_out():
    X = CASES["one"]
    options = {"ordered": True, "families": ("difference_kernels", "kernels"), "rng": np.random.RandomState(0)}
    heads, names = sample_families(X, None, 1, **options)
    assert names == ("difference_kernels",)
    assert heads.n_heads == 1
    without_order, names = sample_families(X, None, 5, **{**options, "ordered": False})
    assert names == ("tokens",)
    assert not without_order.is_ordered
