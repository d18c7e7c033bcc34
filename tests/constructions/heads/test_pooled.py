"""What heads of series and of sets have in common: batches, features, names, standardisation."""

import re
from itertools import product

import numpy as np
import pytest
from cases.heads import ALL_KINDS, CASES, KINDS, SERIES, drawn, extreme, parsed, set_heads, sums_of
from effort import slow
from joblib import parallel_config

from sklearn_hardmax import RaggedSequences
from sklearn_hardmax.constructions.heads.pooled import MAX, MEAN, PPV, Standardisation
from sklearn_hardmax.constructions.heads.series_sampling import sample_series_heads

OTHERS = [kind for kind in KINDS if kind != "series"]
SHORT = [name for name in CASES if name not in ("long", "very long")]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *product(("set", "series"), [*SHORT, "long"]),
        *product(OTHERS, ["one", "three"]),
        *slow(*product(OTHERS, ["uneven", "equal lengths", "long"])),
    ],
)
def test_sums_are_the_same_bits_in_any_batch_and_order(kind, name):
    X = CASES[name]
    heads = drawn(kind, X, 200)
    sums = sums_of(heads, X)
    rng = np.random.default_rng(0)
    for i in rng.permutation(len(X))[:15].tolist():
        assert np.array_equal(sums_of(heads, X[i : i + 1])[0], sums[i])
    for rows in (rng.permutation(len(X)), rng.integers(len(X), size=3 * len(X)), np.arange(len(X))[::2]):
        assert np.array_equal(sums_of(heads, X[rows]), sums[rows])
    assert np.array_equal(sums_of(heads, X[3:7]), sums[3:7])
    with_another = RaggedSequences.from_list([*X, rng.normal(size=(3000, X.token_dim)), X[0][:1]])
    assert np.array_equal(sums_of(heads, with_another)[: len(X)], sums)


@ALL_KINDS
def test_sums_do_not_depend_on_where_tokens_stand_in_memory(kind, tmp_path):
    X = CASES["three"]
    heads = drawn(kind, X, 100)
    sums = sums_of(heads, X)
    X.save(tmp_path / "X")
    mapped = RaggedSequences.load(tmp_path / "X", mmap_mode="r")
    assert np.array_equal(sums_of(heads, mapped), sums)
    assert np.array_equal(sums_of(drawn(kind, mapped, 100), X), sums)
    assert np.array_equal(sums_of(heads, RaggedSequences(np.asfortranarray(X.tokens), X.offsets)), sums)
    read_only = X.tokens.copy()
    read_only.flags.writeable = False
    assert np.array_equal(sums_of(heads, RaggedSequences(read_only, X.offsets)), sums)
    single = RaggedSequences(X.tokens.astype(np.float32), X.offsets)
    double = RaggedSequences(single.tokens.astype(np.float64), X.offsets)
    assert np.array_equal(sums_of(heads, single), sums_of(heads, double))
    assert np.array_equal(sums_of(drawn(kind, single, 100), X), sums_of(drawn(kind, double, 100), X))


@ALL_KINDS
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_features_are_sums_over_lengths_and_units_for_any_number_of_jobs(kind, dtype):
    """Maxima over a power of two, shares count / n, means sum / n over the power of two."""
    X = CASES["three"]
    heads = drawn(kind, X, 100)
    found, sums = heads.features(X, dtype), sums_of(heads, X)
    assert (np.frexp(heads.unit)[0] == 0.5).all()
    wanted = sums / np.where(heads.kinds == PPV, 1, heads.unit)
    wanted[:, heads.kinds != MAX] /= X.lengths[:, None]
    assert found.dtype == dtype
    assert np.array_equal(found, wanted.astype(dtype))
    with parallel_config("threading"):
        assert np.array_equal(heads.features(X, dtype, n_jobs=2), found)
    assert (found[:, heads.kinds == PPV] <= 1).all()


@ALL_KINDS
@pytest.mark.parametrize("name", ["one", "three", "uneven", *slow("very long")])
def test_what_a_network_reads_gives_the_same_sums(kind, name):
    X = RaggedSequences.from_list([*CASES[name], *extreme(10, CASES[name].token_dim)])
    heads = drawn(kind, CASES[name], 40 if name == "very long" else 150)
    forms, index, biases = heads.forms()
    tokens = heads.tokens(X)
    assert tokens.shape == (X.n_tokens, len(heads.coordinates)) == (X.n_tokens, forms.shape[1])
    assert len(index) == len(biases) == heads.n_heads
    scores = (forms.astype(np.int64) @ tokens.astype(np.int64).T)[index]
    above = scores - biases[:, None]
    for kind_, pooled in ((MAX, np.maximum.reduceat(scores, X.offsets[:-1], axis=1)),
                          (PPV, np.add.reduceat(above > 0, X.offsets[:-1], axis=1, dtype=np.int64)),
                          (MEAN, np.add.reduceat(np.maximum(above, 0), X.offsets[:-1], axis=1))):  # fmt: skip
        mine = heads.kinds == kind_
        assert np.array_equal(sums_of(heads, X)[:, mine], pooled[mine].T)


def test_only_the_heads_that_need_it_have_32_bits():
    heads = sample_series_heads(SERIES["an even beside an uneven channel"][0], 300, np.random.RandomState(0))
    bits = {(h[3], h[-1]) for h in parsed(heads)}
    assert {((0, 1),), ((0, -1),)} & {channels for channels, refinement in bits if refinement == 1}
    assert {channels for channels, refinement in bits if refinement == 2**16} == {((1, 1),), ((1, -1),)}


@pytest.mark.parametrize("n_jobs", [None, 2, 5])
def test_standardisation_is_the_same_bits_for_any_order_of_tokens_and_number_of_jobs(n_jobs):
    rng = np.random.default_rng(0)
    tokens = rng.standard_normal((1001, 3)) * [1.0, 1e-9, 0.0] + [5.0, 1e9, 0.1]
    wanted = Standardisation.fit(tokens, 10.0)
    with parallel_config("threading"):
        found = Standardisation.fit(tokens[rng.permutation(1001)], 10.0, n_jobs)
        assert np.array_equal(Standardisation.fit(tokens[:1], 10.0, n_jobs).mean, np.zeros(3))
    for name in ("mean", "deviation", "largest"):
        assert np.array_equal(getattr(found, name), getattr(wanted, name)), name
    # the second feature is rounded to multiples of 2^-23, of which it has a few
    z = (tokens - tokens.mean(axis=0))[:, [0]] / tokens[:, [0]].std()
    np.testing.assert_allclose(found.columns(tokens)[0], z[:, 0], rtol=0, atol=1e-12)
    np.testing.assert_array_equal(found.columns(tokens)[2], 0)


def test_names_of_features_replace_their_numbers():
    heads = sample_series_heads(CASES["three"], 300, np.random.RandomState(0))
    found = zip(heads.names(), heads.names(["height", "width", "weight"]))
    words = {"x0": "height", "x1": "width", "x2": "weight"}
    for numbered, named in found:
        before, after = numbered.split("channels ")
        channels, _, rest = after.partition(",")
        assert named == f"{before}channels {re.sub('x[012]', lambda m: words[m[0]], channels)},{rest}"


def coefficient(form, feature):
    """Of a feature in a linear form such as "- 0.5 a + b"."""
    found = re.search(rf"(- )?(?:\+ )?([\d.e-]+ )?\b{feature}\b", form)
    return 0.0 if found is None else (-1.0 if found[1] else 1.0) * float(found[2] or 1)


def test_names_of_set_heads_say_what_is_pooled():
    """By the words alone: the share of tokens within a distance of a token, or above a bias of a linear form."""
    tokens = np.random.default_rng(0).normal(size=(60, 2)) * [3.0, 0.01] + [100.0, -7.0]
    X = RaggedSequences.from_flat(tokens, lengths=[60])
    heads = set_heads(X, 280)
    z = (tokens - tokens.mean(axis=0)) / tokens.std(axis=0)
    said = {"prototype": [], "difference": []}
    for name, share in zip(heads.names(["a", "b"]), heads.features(X, np.float64)[0]):
        found = re.match(r"ppv of (?:closeness to )?(\w+) \d+ \((.*)\) (?:within|above) ([\d.e-]+)", name)
        if found is None:
            assert not name.startswith("ppv")
            continue
        kind, inside, end = found.groups()
        if kind == "prototype":
            at = np.array([float(part) for part in re.fullmatch("a=(.*), b=(.*)", inside).groups()])
            # a token, to a tenth of a deviation
            nearest = z[np.abs((tokens - at) / tokens.std(axis=0)).max(axis=1).argmin()]
            assert (np.abs(at - tokens.mean(axis=0) - nearest * tokens.std(axis=0)) < 0.1 * tokens.std(axis=0)).all()
            values = -np.linalg.norm(z - nearest, axis=1)
            end = -float(end)
        else:
            form = np.array([coefficient(inside, feature) for feature in "ab"])
            assert np.abs(form).max() == (inside != "0")  # 0: a token less itself
            values, end = z @ form, float(end)
        least, most = np.mean(values > end + 0.04), np.mean(values > end - 0.04)
        assert least <= share <= most
        said[kind].append(most - least)
    assert len(said["prototype"]) == len(said["difference"]) == 60
    assert max(map(np.mean, said.values())) < 0.1  # the brackets are narrow


def test_names_of_many_features_hold_the_three_largest():
    tokens = np.random.default_rng(1).normal(size=(40, 6)) * 10.0 ** np.arange(-3, 3) + 1e4
    heads = set_heads(RaggedSequences.from_flat(tokens, lengths=[10] * 4), 70)
    names, forms = heads.names(), heads.forms()[0].toarray()[:, :-1]
    for name, form in zip(names[::7], forms):
        largest = np.sort(np.argsort(-np.abs(form), kind="stable")[:3])
        assert re.findall(r"x(\d)", name) == list(map(str, largest))
        assert name.endswith(", ...)")
    values = re.search(r"prototype \d+ \(x(\d)=([\d.]+)", names[-7])
    assert np.abs(tokens[:, int(values[1])] - float(values[2])).min() < 10.0 ** (int(values[1]) - 4)


def test_names_hold_for_the_largest_and_smallest_numbers():
    tokens = np.array([[1.7e308, 1e-310], [1.7e308, 3e-310], [1.7e308, 0.0], [1.7e308, 2e-310]])
    names = set_heads(RaggedSequences.from_flat(tokens, lengths=[2, 2]), 14).names()
    assert re.search(r"x0=1\.7e\+308, x1=(0|[123]\S*e-310)\)", names[-1])


@ALL_KINDS
@pytest.mark.parametrize("factor", [2.0**-1000, 2.0**-30, 2.0**900])
def test_scaling_by_a_power_of_two_changes_no_sum(kind, factor):
    X = CASES["three"]
    scaled = RaggedSequences(X.tokens * factor, X.offsets)
    assert np.array_equal(sums_of(drawn(kind, scaled, 60), scaled), sums_of(drawn(kind, X, 60), X))


@pytest.mark.parametrize("kind", ["set", "series"])
def test_training_tokens_are_standardised_and_ended_at_their_extremes(kind):
    rng = np.random.default_rng(0)
    X = RaggedSequences.from_flat(rng.normal([5, -1e6, 0], [1, 1e3, 1e-9], size=(200, 3)), [50, 100, 50])
    heads = drawn(kind, X, 10)
    z = heads.standardisation.columns(X.tokens)
    np.testing.assert_allclose(z.mean(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(z.std(axis=1), 1, rtol=1e-6)
    ends = heads.standardisation.columns(np.array([[1e300] * 3, [-1e300] * 3]))
    assert np.array_equal(np.abs(z).max(axis=1), ends[:, 0])
    assert np.array_equal(-ends[:, 0], ends[:, 1])
