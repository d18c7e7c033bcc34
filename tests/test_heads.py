"""Heads against plain loops over their definition, in integers; and the sums below them."""

import re
from itertools import combinations

import numpy as np
import pytest
from effort import examples, slow
from hypothesis import given
from hypothesis import strategies as st
from joblib import parallel_config

from sklearn_hardmax import RaggedSequences
from sklearn_hardmax.constructions.heads.pooled import MAX, MEAN, PPV
from sklearn_hardmax.constructions.heads.reductions import (
    HEAD_CHUNK_TOKENS,
    chunks_by_length,
    maxima_over_rows,
    sums_over_rows,
)
from sklearn_hardmax.constructions.heads.series_sampling import sample_series_heads
from sklearn_hardmax.constructions.heads.sets import sample_set_heads

KERNELS = list(combinations(range(9), 3))  # the taps of weight 2
LEVELS = 1365


def series(n, token_dim=1, lengths=(1, 61), seed=0):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(*lengths, size=n)
    return RaggedSequences.from_flat(rng.normal(size=(lengths.sum(), token_dim)), lengths)


def uneven(n, token_dim=1, seed=0):
    """Series whose amplitudes differ by orders of magnitude, which 16 bits do not resolve."""
    X = series(n, token_dim, seed=seed)
    amplitudes = 10.0 ** np.random.default_rng(seed).uniform(-8, 0, size=n)
    return RaggedSequences(X.tokens * np.repeat(amplitudes, X.lengths)[:, None], X.offsets)


def extreme(n, token_dim, seed=0):
    """Tokens far outside the range of any training tokens."""
    rng = np.random.default_rng(seed)
    X = series(n, token_dim, seed=seed)
    sizes = rng.choice([1e300, 1.7e308, 1e20, 30.0, 1e-320], size=X.tokens.shape)
    return RaggedSequences(np.copysign(sizes, X.tokens), X.offsets)


def sums_of(heads, X):
    """Sums of all sequences, (N, n_heads), each sequence pooled exactly once."""
    out, pooled = np.full((len(X), heads.n_heads), np.nan), []
    for chunk, block in heads.sums(X):
        out[chunk.indices] = block.T
        pooled += chunk.indices.tolist()
    assert sorted(pooled) == list(range(len(X)))
    return out


def pool(kind, scores, bias):
    """The definition of a head: from the integer scores of the tokens of one sequence."""
    if kind == MAX:
        return max(scores)
    return sum(s > bias for s in scores) if kind == PPV else sum(max(s - bias, 0) for s in scores)


# -- series --------------------------------------------------------------------------------------------------------------

NAME = re.compile(r"(max|ppv) of kernel (\d+), dilation (\d+), channels ([-x\d ]+), (above|tilt) (-?\d+)(?: \(\d+\))?")


def parsed(heads):
    """Kind, kernel, dilation, [(channel, sign)] and last number of every head, read off its name, and its refinement.

    The refinement is 1 where 16 bits do, or 2^16; scores are divided by 2^14 times that in features.
    """
    out = []
    for name, unit in zip(heads.names(), np.broadcast_to(heads.unit, heads.n_heads)):
        kind, kernel, dilation, channels, _, last = NAME.fullmatch(name).groups()
        channels = tuple((int(c.lstrip("-x")), -1 if c.startswith("-") else 1) for c in channels.split())
        out.append((kind, int(kernel), int(dilation), channels, int(last), int(unit) // 2**14))
    return out


def channel_integers(heads, channels, refinement, tokens):
    """A sum of standardised features with signs, in steps of its largest training value / 1365, as Python integers.

    Features stand on multiples of 2^-32 before they are added.
    """
    levels, largest = LEVELS * refinement, sum(heads.standardisation.largest[j] for j, _ in channels)
    out = []
    for z in heads.standardisation.columns(np.asarray(tokens)).T.tolist():
        u = sum(sign * round(z[j] * 2.0**32) for j, sign in channels)
        out.append(max(-levels, min(levels, round(u / 2.0**32 * (levels / largest) if largest else 0.0))))
    return out


def kernel_score(x, t, kernel, dilation):
    """Nine taps around token t: 2 for three of them, -1 for the others, zeros beyond the ends."""
    total = 0
    for tap in range(9):
        at = t + (tap - 4) * dilation
        if 0 <= at < len(x):
            total += (2 if tap in KERNELS[kernel] else -1) * x[at]
    return total


def looped(heads, X):
    """All sums by plain loops, (N, n_heads), and the largest |S| / refinement without and with tilt."""
    out, plain, tilted = [], 0, 0
    for tokens in X:
        channels, scores, row = {}, {}, []
        for kind, kernel, dilation, which, last, refinement in parsed(heads):
            grid = which, refinement
            if grid not in channels:
                channels[grid] = channel_integers(heads, which, refinement, tokens)
            x = channels[grid]
            if (grid, kernel, dilation) not in scores:
                scores[grid, kernel, dilation] = [kernel_score(x, t, kernel, dilation) for t in range(len(x))]
            s = scores[grid, kernel, dilation]
            plain = max(plain, max(map(abs, s)) / refinement)
            if kind == "max":
                n = max(len(x) - 1, 1)
                s = [v + last * refinement * round(255 * (t / n)) for t, v in enumerate(s)]
                tilted = max(tilted, max(map(abs, s)) / refinement)
            row.append(pool(MAX if kind == "max" else PPV, s, last))
        out.append(row)
    return np.array(out), plain, tilted


def check_bits(heads, bits):
    """Whether there are heads of 32 bits, as wanted."""
    assert {h[-1] for h in parsed(heads)} <= {1, 2**16}
    assert (max(h[-1] for h in parsed(heads)) == 2**16) == (bits == 32)


SERIES = {
    "one channel": (series(25), 16),
    "several channels": (series(15, 4), 16),
    "constant channel": (RaggedSequences(series(10, 3).tokens * [1, 0, 1] + 7, series(10, 3).offsets), 16),
    "one channel, uneven": (uneven(20), 32),
    "several channels, uneven": (uneven(12, 3), 32),
    "an even beside an uneven channel": (
        RaggedSequences(np.hstack([series(12).tokens, uneven(12).tokens]), series(12).offsets),
        32,
    ),
}


@pytest.mark.parametrize("name", SERIES)
def test_series_heads_are_plain_loops_over_their_definition(name):
    X, bits = SERIES[name]
    heads = sample_series_heads(X, 120, np.random.RandomState(0))
    check_bits(heads, bits)
    unseen = RaggedSequences.from_list([*series(6, X.token_dim, seed=9), *extreme(6, X.token_dim, seed=9)])
    for some in (X, unseen):
        wanted, plain, tilted = looped(heads, some)
        assert np.array_equal(sums_of(heads, some), wanted)
        assert plain <= 16380
        assert tilted <= 16380 + 16320 < 2**15
    assert {(h[0] == "max") == (kind == MAX) for h, kind in zip(parsed(heads), heads.kinds)} == {True}


@pytest.mark.parametrize("bits", [16, 32])
def test_the_largest_possible_scores_are_reached_and_do_not_overflow(bits):
    """Three taps at the upper end, six at the lower: S = 2 * 3 * 1365 + 6 * 1365 = 16380, and minus that."""
    X = series(30, lengths=(9, 10)) if bits == 16 else uneven(30)
    heads = sample_series_heads(X, 1200, np.random.RandomState(0))
    patterns = [[[1e300 if tap in kernel else -1e300] for tap in range(9)] for kernel in KERNELS]
    some = [*patterns[::14], *(np.negative(p) for p in patterns[::14])]
    # the pattern in reverse at the end, where tilts add the most that the kernel can meet
    some += [[[0.0]] * 100 + p + [[1e300]] * 3 for p in patterns[::40]]
    wanted, plain, _ = looped(heads, RaggedSequences.from_list(some))
    check_bits(heads, bits)
    assert plain == 16380
    assert np.array_equal(sums_of(heads, RaggedSequences.from_list(some)), wanted)


def test_one_token_beside_three_thousand_is_pooled_as_alone():
    rng = np.random.default_rng(0)
    X = RaggedSequences.from_list([rng.normal(size=(n, 1)) for n in (1, 3000, 1, 2, 40)])
    heads = sample_series_heads(X, 20, np.random.RandomState(0))
    assert np.array_equal(sums_of(heads, X), looped(heads, X)[0])


def test_there_are_84_kernels_and_one_channel_uses_all_of_them():
    assert len(KERNELS) == 84
    X = series(40, lengths=(30, 100))
    found = parsed(sample_series_heads(X, 2000, np.random.RandomState(0)))
    for dilation in {h[2] for h in found}:
        plain = {h[1] for h in found if h[2] == dilation and h[0] == "ppv"}
        assert plain == set(range(84)) or dilation == max(h[2] for h in found)  # the last is cut at n_heads
    tilts = [abs(h[4]) for h in found if h[0] == "max"]
    assert max(tilts) <= 64 < 4 * max(tilts)


@pytest.mark.parametrize("length", [1, 8, 9, 17, 100, 1000])
@pytest.mark.parametrize("token_dim", [1, 3])
def test_windows_span_the_median_length_at_most_or_have_dilation_one(length, token_dim):
    """The median of lengths 1, n, n, n, 50 n is n."""
    X = RaggedSequences.from_list(
        [np.random.default_rng(n).normal(size=(n, token_dim)) for n in (1, length, length, length, 50 * length)]
    )
    dilations = {h[2] for h in parsed(sample_series_heads(X, 500, np.random.RandomState(0)))}
    assert min(dilations) == 1
    assert max(dilations) == max(1, (length - 1) // 8)
    assert len(dilations) <= 12


def test_biases_split_the_training_tokens_near_their_quantiles():
    """Of the 1,024 tokens that biases are taken from no bias leaves less than a share of 0.05 on one side."""
    X = RaggedSequences(np.random.default_rng(0).normal(size=(1000, 1)), np.arange(0, 1001, 50))
    heads = sample_series_heads(X, 500, np.random.RandomState(0))
    shares = sums_of(heads, X)[:, heads.kinds == PPV].sum(axis=0) / 1000
    assert 0.045 <= shares.min() < 0.1
    assert 0.9 < shares.max() <= 0.955
    assert abs(np.median(shares) - 0.5) < 0.05


# -- sets ----------------------------------------------------------------------------------------------------------------


def set_heads(X, n_heads, labels=None, seed=0):
    return sample_set_heads(X, labels, n_heads, np.random.RandomState(seed))


def set_tokens(heads, tokens):
    """Integers of every token by plain loops: rint(levels z_j), and rint(levels^2 |z|^2 / 2)."""
    out = []
    for z in heads.standardisation.columns(np.asarray(tokens)).T.tolist():
        half = sum(v * v for v in z) * (heads.levels * heads.levels / 2)
        out.append([*(round(v * heads.levels) for v in z), round(half)])
    return out


SETS = {
    "one feature": series(30),
    "three features": series(20, 3),
    "heavy tails": RaggedSequences(np.random.default_rng(0).standard_cauchy((300, 2)), np.arange(0, 301, 10)),
    "all equal": RaggedSequences(np.full((20, 2), 3.0), np.arange(0, 21, 4)),
    "one token each": RaggedSequences(np.random.default_rng(0).normal(size=(30, 2)), np.arange(31)),
}


@pytest.mark.parametrize("name", SETS)
def test_set_heads_are_plain_loops_over_their_definition(name):
    X = SETS[name]
    heads = set_heads(X, 61, labels=np.arange(len(X)) % 3)
    forms, index, biases = heads.forms()
    forms = forms.toarray().astype(int).tolist()
    for some in (X, extreme(5, X.token_dim)):
        wanted = []
        for tokens in some:
            z = set_tokens(heads, tokens)
            scores = [[sum(a * b for a, b in zip(form, t)) for t in z] for form in forms]
            wanted.append([pool(k, scores[i], b) for k, i, b in zip(heads.kinds, index.tolist(), biases.tolist())])
        assert np.array_equal(sums_of(heads, some), np.array(wanted, dtype=float))
    assert heads.kinds[:7].tolist() == [MAX] + 3 * [PPV] + 3 * [MEAN]


@pytest.mark.parametrize("token_dim", [1, 2, 30, 1000])
def test_products_in_float32_are_exact_in_any_dimension_and_for_any_token(token_dim):
    """No sum of moduli reaches 2^24, below which all integers are float32 numbers."""
    rng = np.random.default_rng(0)
    X = RaggedSequences.from_list([rng.standard_t(3, size=(n, token_dim)) for n in (1, 5, 9, 2, 6)])
    heads = set_heads(X, 70, np.arange(5) % 2)
    forms, index, biases = heads.forms()
    forms = forms.toarray().astype(np.int64)
    for some in (X, extreme(8, token_dim), RaggedSequences(np.full((4, token_dim), -1e300), [0, 1, 4])):
        tokens = heads.tokens(some)
        assert np.array_equal(tokens, np.rint(tokens))
        tokens = tokens.astype(np.int64)
        assert (np.abs(forms) @ np.abs(tokens).T).max() < 2**24
        scores = forms @ tokens.T
        wanted = [
            [pool(k, scores[i, a:b].tolist(), c) for k, i, c in zip(heads.kinds, index, biases.tolist())]
            for a, b in zip(some.offsets, some.offsets[1:])
        ]
        assert np.array_equal(sums_of(heads, some), np.array(wanted, dtype=float))


def test_the_grid_of_sets_is_as_fine_as_exactness_allows():
    """A tenth more levels would break the bound 2^24, or there are 2^12 already."""
    for token_dim in (1, 30, 1000):
        X = series(30, token_dim)
        heads = set_heads(X, 700)
        ends = np.append(np.rint(heads.levels * heads.standardisation.largest), 0)
        ends[-1] = np.rint(heads.levels**2 * np.sum(heads.standardisation.largest**2) / 2)
        reach = (np.abs(heads.forms()[0].toarray()) @ ends).max()
        assert reach < 2**24
        assert 1.1**2 * reach >= 2**24 or heads.levels == 2**12


def test_the_maximum_of_a_prototype_is_at_the_nearest_token():
    X = series(40, 3)
    heads = set_heads(X, 140)
    forms, *_ = heads.forms()
    forms, scores = forms.toarray(), forms @ heads.tokens(X).T
    prototypes = np.flatnonzero(forms[:, -1])
    assert len(prototypes) == 10  # one half of 20 forms
    z = heads.standardisation.columns(X.tokens).T
    for k in prototypes:
        assert forms[k, -1] == -1
        at = forms[k, :-1] / heads.levels
        squares = ((z - at) ** 2).sum(axis=1)
        # S = levels^2 (|p|^2 - |z - p|^2) / 2 up to the grid
        errors = scores[k] - heads.levels**2 * (at @ at - squares) / 2
        assert np.abs(errors).max() <= 0.5 * np.abs(forms[k, :-1]).sum() + 1
        assert squares.min() < 1e-5
        assert squares[scores[k].argmax()] < 1e-5


def test_differences_are_of_tokens_of_different_classes():
    """Tokens of one class are equal: all differences are the same direction, or its opposite."""
    X = RaggedSequences.from_list([[[0.0, 0.0]] * 3, [[1.0, 3.0]] * 2] * 10)
    heads = set_heads(X, 700, labels=np.arange(20) % 2)
    forms = heads.forms()[0].toarray()
    differences = forms[forms[:, -1] == 0][:, :-1]
    assert len(differences) == 50
    assert len(np.unique(np.abs(differences), axis=0)) == 1
    assert differences.all()


def test_permuting_and_repeating_tokens_leaves_set_heads_as_they_are():
    rng = np.random.default_rng(0)
    X = RaggedSequences.from_list([*series(30, 2), rng.normal(size=(500, 2))])
    heads = set_heads(X, 140)
    shuffled = RaggedSequences.from_list([rng.permutation(x) for x in X])
    assert np.array_equal(sums_of(heads, shuffled), sums_of(heads, X))
    for copies in (2, 3, 7):
        again = RaggedSequences.from_list([rng.permutation(np.tile(x, (copies, 1))) for x in X])
        wanted = sums_of(heads, X) * np.where(heads.kinds == MAX, 1, copies)
        assert np.array_equal(sums_of(heads, again), wanted)
        # a quotient of integers is rounded once: equal fractions are equal numbers
        assert np.array_equal(heads.features(again, np.float64), heads.features(X, np.float64))


# -- both ----------------------------------------------------------------------------------------------------------------


def drawn(kind, X, n_heads, seed=0):
    rng = np.random.RandomState(seed)
    return sample_series_heads(X, n_heads, rng) if kind == "series" else sample_set_heads(X, None, n_heads, rng)


BOTH = pytest.mark.parametrize("kind", ["series", "set"])
CASES = {
    "one": series(60),
    "three": series(40, 3),
    "uneven": uneven(30, 2),
    "equal lengths": series(30, 2, lengths=(40, 41)),
    "long": series(12, 2, lengths=(1000, 5000)),
    "very long": series(2, 1, lengths=(35_000, 50_000)),
}


@BOTH
@pytest.mark.parametrize("name", [name for name in CASES if name != "very long"])
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


@BOTH
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


@BOTH
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


@BOTH
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


@BOTH
def test_the_same_seed_draws_the_same_heads_and_labels_do_not_matter_without_sets(kind):
    X = CASES["three"]
    sums = [sums_of(drawn(kind, X, 60, seed), X) for seed in (3, 3, 4)]
    assert np.array_equal(sums[0], sums[1])
    assert not np.array_equal(sums[0], sums[2])


@BOTH
@pytest.mark.parametrize("factor", [2.0**-1000, 2.0**-30, 2.0**900])
def test_scaling_by_a_power_of_two_changes_no_sum(kind, factor):
    X = CASES["three"]
    scaled = RaggedSequences(X.tokens * factor, X.offsets)
    assert np.array_equal(sums_of(drawn(kind, scaled, 60), scaled), sums_of(drawn(kind, X, 60), X))


@BOTH
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


# -- folds ---------------------------------------------------------------------------------------------------------------


@examples(50)
@given(st.data())
def test_rows_are_summed_and_compared_as_integers_of_any_size(data):
    dtype = data.draw(st.sampled_from([np.uint8, np.int16, np.int32]))
    shape = data.draw(st.tuples(st.integers(1, 2), st.integers(1, 600), st.integers(1, 9)))
    ends = np.iinfo(dtype)
    largest = data.draw(st.one_of(st.integers(1, int(ends.max)), st.sampled_from([1, 2, int(ends.max)])))
    low = 0 if ends.min == 0 else -largest
    kind = data.draw(st.sampled_from(["all largest", "all smallest", "any"]))
    values = np.random.default_rng(data.draw(st.integers(0, 2**32))).integers(low, largest, shape, endpoint=True)
    if kind != "any":
        values[:] = largest if kind == "all largest" else low
    out = np.full((shape[0], shape[2]), np.nan)
    sums_over_rows(values.astype(dtype), largest, out)
    assert np.array_equal(out, values.sum(axis=1))
    maxima_over_rows(values.astype(dtype), out)
    assert np.array_equal(out, values.max(axis=1))


@pytest.mark.parametrize("width", [1, 2, 200, 2000])
@pytest.mark.parametrize("length", [1, 2, 127, 128, 255, 256, 257, 511, 512, 2500, 5000])
def test_sums_of_ones_are_counts_at_the_ends_of_eight_bits(length, width):
    out = np.empty((1, width))
    sums_over_rows(np.ones((1, length, width), np.uint8), 1, out)
    assert (out == length).all()


@pytest.mark.parametrize("width", [1, 2, 7])
@pytest.mark.parametrize("length", [255, 256, 636, 1023, 1276, 5000, 70_000])
def test_long_spans_are_summed_exactly_at_the_ends_of_their_integers(length, width):
    """uint8 holds 255 ones, int32 holds 127 numbers 2^24: so many rows a span, fewer behind the last, one at 636, 1276."""
    out = np.empty((2, width))
    sums_over_rows(np.ones((2, length, width), np.uint8), 1, out)
    assert (out == length).all()
    rng = np.random.default_rng(length)
    for values in ([2**24], [-(2**24)], [-(2**24), 2**24 - 1, 2**24]):
        values = rng.choice(np.array(values, dtype=np.int32), (2, length, width))
        sums_over_rows(values, 2**24, out)
        assert np.array_equal(out, values.sum(axis=1, dtype=np.int64))


@BOTH
def test_sums_stay_within_their_bound_for_any_token(kind):
    heads = drawn(kind, series(30, 2), 200)
    for X in (series(20, 2, seed=1), series(3, 2, lengths=(3000, 4000)), extreme(30, 2)):
        for chunk, sums in heads.sums(X):
            assert np.abs(sums).max() <= heads.largest_sum(chunk) < 2**53


@examples(60)
@given(
    st.lists(st.one_of(st.integers(1, 60), st.sampled_from([1, 5000, 32768, 100_000])), min_size=1, max_size=100),
    st.integers(1, 400),
)
def test_chunks_hold_every_sequence_once_in_bounded_size(lengths, most):
    lengths = np.array(lengths)
    chunks = list(chunks_by_length(lengths, most))
    assert sorted(np.concatenate([chunk.indices for chunk in chunks]).tolist()) == list(range(len(lengths)))
    for chunk in chunks:
        assert np.array_equal(chunk.lengths, lengths[chunk.indices])
        assert chunk.n_rows == chunk.lengths.max() == chunk.lengths[0]
        n_sequences = len(chunk.indices)
        assert n_sequences == 1 or (n_sequences * chunk.n_rows <= HEAD_CHUNK_TOKENS and n_sequences <= most)
        assert chunk.is_ragged == (len(set(chunk.lengths.tolist())) > 1)


def test_tokens_stand_side_by_side_in_a_chunk():
    """Lengths 3, 1: rows t = 0, 1, 2 of the columns (sequence of 3, sequence of 1)."""
    (chunk,) = chunks_by_length(np.array([1, 3]), 10)
    assert chunk.indices.tolist() == [1, 0]
    assert chunk.is_token().tolist() == [[True, True], [True, False], [True, False]]
    assert chunk.places().tolist() == [0, 2, 4, 1]  # sequence after sequence, in the flattened rows
    assert chunk.relative_positions().tolist() == [[0.0, 0.0], [0.5, 0.0], [1.0, 0.0]]
