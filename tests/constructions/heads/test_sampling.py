"""How many heads are sampled, and that seeds decide which."""

import numpy as np
import pytest
from cases.heads import BOTH, CASES, drawn, series, sums_of
from joblib import parallel_config

from sklearn_hardmax.constructions.heads.sampling import sample_heads


@BOTH
@pytest.mark.parametrize("token_dim", [1, 3])
def test_any_number_of_heads_is_drawn_exactly_and_named_uniquely(kind, token_dim):
    X = series(8, token_dim)
    for n_heads in [*range(1, 101), 1000]:
        heads = drawn(kind, X, n_heads)
        names = heads.names()
        assert len(names) == len(set(names)) == len(heads.kinds) == heads.n_heads == n_heads
        if n_heads in (1, 2, 7, 50, 100, 1000):
            assert np.isfinite(sums_of(heads, X)).all()
            assert len(heads.forms()[1]) == n_heads
            assert [KIND in name.split() for name, KIND in zip(names, np.array(["max", "ppv", "mean"])[heads.kinds])]


@BOTH
def test_the_same_seed_draws_the_same_heads_and_labels_do_not_matter_without_sets(kind):
    X = CASES["three"]
    sums = [sums_of(drawn(kind, X, 60, seed), X) for seed in (3, 3, 4)]
    assert np.array_equal(sums[0], sums[1])
    assert not np.array_equal(sums[0], sums[2])


@pytest.mark.parametrize("ordered", [False, True])
def test_heads_do_not_depend_on_the_number_of_jobs(ordered):
    X = CASES["three"]
    options = {"labels": None, "n_heads": 60, "ordered": ordered}
    with parallel_config("threading"):
        one, two = (sample_heads(X, **options, rng=np.random.RandomState(0), n_jobs=n_jobs) for n_jobs in (None, 2))
    assert np.array_equal(sums_of(one, X), sums_of(two, X))
