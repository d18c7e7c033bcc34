"""Networks for neighbours and for partners nearby: exact on integers, sizes, refused parameters."""

import oracle
import pytest
from cases.matching import TASKS

from sklearn_hardmax import RaggedSequences
from sklearn_hardmax.constructions import build_match3_bigram, build_match3_local
from sklearn_hardmax.constructions.tasks.matching_variants import LONGEST
from sklearn_hardmax.forward import trace

integer_networks = pytest.mark.parametrize("task", [TASKS["bigram"], TASKS["local 0"], TASKS["local 2"]])


@integer_networks
@pytest.mark.parametrize("small", [True, False])
def test_every_layer_of_the_networks_for_variants_is_exact_on_integers(task, small):
    """Not one rounding: the engine's numbers are those of exact fractions, layer by layer, bit for bit."""
    modulus = 5 if small else task.largest
    built = task.build(modulus, n=5)
    encoded = built.encode(task.data(1, 5, modulus, seed=2)[0])
    steps = trace(built.transformer, encoded)
    for j, (step, exact) in enumerate(zip(steps, oracle.run(built.transformer, encoded[0]), strict=True)):
        tokens = oracle.fractions_of(step.tokens[0])
        if j == len(steps) - 1 and len(tokens) == 6:  # the blank asks nothing, and receives a mean
            tokens, exact = tokens[:-1], exact[:-1]
        assert tokens == exact


def test_the_longest_sequence_does_not_change_the_network():
    assert build_match3_bigram(3, 77).transformer == build_match3_bigram(LONGEST, 77).transformer
    assert build_match3_local(3, 77, 2).transformer == build_match3_local(LONGEST, 77, 2).transformer


@pytest.mark.parametrize("build", [lambda n: build_match3_bigram(n, 10), lambda n: build_match3_local(n, 10, 0)])
def test_sequences_longer_than_n_are_refused_and_named(build):
    X = RaggedSequences.from_series([[1, 2], [1, 2, 3], [1, 2, 3, 4]])
    with pytest.raises(ValueError, match=r"Sequences 1, 2 have more than n = 2 tokens"):
        build(2).encode(X)
    for n in (0, LONGEST + 1, 2.0):
        with pytest.raises(ValueError, match=rf"n must be an integer from 1 to {LONGEST}, got"):
            build(n)


@pytest.mark.parametrize("window", [-1, 5, 1.0, None])
def test_a_window_that_does_not_fit_is_refused(window):
    with pytest.raises(ValueError, match="window must be an integer from 0 to 4, got"):
        build_match3_local(5, 10, window)


def test_a_window_whose_pairs_fill_the_memory_is_refused():
    with pytest.raises(MemoryError, match=r"The weights would take .* GiB; 2 GiB is the limit"):
        build_match3_local(1000, 10, 400)
