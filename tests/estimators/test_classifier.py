"""HardmaxTransformerClassifier: labels of any kind, parameters, conflicts, state."""

import numpy as np
import pytest
from cases.classifier import GOOD, classifier, problem

from sklearn_hardmax import (
    ConstructionError,
    FeedForward,
    RaggedSequences,
    SequenceConflictWarning,
    Transformer,
    datasets,
)
from sklearn_hardmax.forward import apply

pytestmark = pytest.mark.usefixtures("n_heads")  # every test runs without heads and with some


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize(
    "names",
    [["x", "yy", "zzz"], [7, -3, 2], [1.0, 2.0, 3.0], np.array(["b", "a", "c"], dtype=object), [True, False, True]],
)
def test_labels_of_any_kind_come_back_by_every_way_of_asking(names, ordered):
    X, y = problem()
    y = np.asarray(names)[y]
    fitted = classifier(ordered=ordered).fit(X, y)
    assert (fitted.predict(X) == y).all()
    assert fitted.predict(X).dtype == fitted.classes_.dtype
    assert fitted.score(X, y) == 1.0
    assert [fitted.predict(X[i : i + 1])[0] for i in range(len(X))] == y.tolist()
    for max_width in (4, None):
        tokens = apply(fitted.to_transformer(max_width), fitted.encode(X))
        assert (fitted.decode(tokens) == y).all()
    assert fitted.n_conflicts_ == 0
    assert fitted.n_features_in_ == 2


def test_counts_are_those_of_the_weights(n_heads):
    X, y = problem()
    fitted = classifier().fit(X, y)
    transformer = fitted.to_transformer()
    assert (fitted.n_blocks_, fitted.n_parameters_) == (transformer.n_blocks, transformer.n_parameters)
    assert fitted.n_heads_ == n_heads
    bumps = [
        layer for layer in transformer.layers if "code" in np.array(transformer.names)[np.flatnonzero(reads(layer))]
    ]
    assert fitted.n_corrections_ == (len(bumps) if n_heads else 0)


def reads(layer):
    """Which coordinates the hidden units of a layer read, bool (D,)."""
    return layer.U.any(axis=0) if isinstance(layer, FeedForward) else np.zeros(layer.token_dim, dtype=bool)


def test_weights_survive_a_file(tmp_path):
    X, y = problem()
    fitted = classifier().fit(X, y)
    fitted.to_transformer().save(tmp_path / "weights.npz")
    tokens = apply(Transformer.load(tmp_path / "weights.npz"), fitted.encode(X))
    assert (fitted.decode(tokens) == y).all()


def test_one_class_is_predicted_for_everything():
    X, _ = problem()
    fitted = classifier().fit(X, ["only"] * len(X))
    assert set(fitted.predict(X)) == {"only"}
    assert fitted.decision_function(X).shape == (len(X),)
    assert set(fitted.decode(apply(fitted.to_transformer(), fitted.encode(X)))) == {"only"}


def test_many_classes_one_sequence_each():
    X, y = problem(n_classes=40)
    with pytest.warns(UserWarning, match="number of unique classes is greater than 50%"):
        fitted = classifier().fit(X, y)
    assert fitted.score(X, y) == 1.0
    assert fitted.decision_function(X).shape == (40, 40)


def test_decision_function_agrees_with_predict():
    for n_classes in (2, 5):
        X, y = problem(n_classes)
        new, _ = datasets.make_labelled_sequences(200, random_state=9)
        fitted = classifier().fit(X, y)
        values = fitted.decision_function(new)
        chosen = (values > 0).astype(int) if n_classes == 2 else values.argmax(axis=1)
        assert np.array_equal(fitted.classes_[chosen], fitted.predict(new))


def test_the_same_seed_gives_the_same_code():
    X, y = problem()
    values = [classifier(random_state=s).fit(X, y).decision_function(X) for s in (3, 3, 4)]
    assert np.array_equal(values[0], values[1])
    assert not np.array_equal(values[0], values[2])


def test_refitting_is_fitting():
    X, y = problem()
    other, z = problem(n_classes=2, token_dim=5)
    fitted = classifier().fit(other, z).fit(X, y)
    assert np.array_equal(fitted.decision_function(X), classifier().fit(X, y).decision_function(X))
    assert fitted.n_features_in_ == 2


def test_float32_sequences_are_classified_exactly():
    X, y = problem()
    X = RaggedSequences(X.tokens.astype(np.float32), X.offsets)
    fitted = classifier().fit(X, y)
    assert fitted.score(X, y) == 1.0
    assert fitted.decode(apply(fitted.to_transformer(), fitted.encode(X))).tolist() == y.tolist()


def test_sequences_of_one_token_have_no_order():
    X = np.random.default_rng(0).normal(size=(30, 2))
    y = np.arange(30) % 2
    fitted = classifier(ordered=True).fit(X, y)
    assert fitted.to_transformer() == classifier(ordered=False).fit(X, y).to_transformer()
    assert fitted.score(X, y) == 1.0


def test_class_weight_moves_boundaries_and_keeps_training_labels():
    X, y = problem(n_classes=2)
    new, _ = datasets.make_labelled_sequences(500, random_state=9)
    shares = []
    for weight in (0.01, 1, 100):
        fitted = classifier(class_weight={0: 1, 1: weight}).fit(X, y)
        assert fitted.score(X, y) == 1.0
        shares.append(fitted.predict(new).mean())
    assert shares[0] <= shares[1] <= shares[2]
    assert shares[0] < shares[2]
    assert classifier(class_weight="balanced").fit(X, y).score(X, y) == 1.0


def conflicting():
    X, y = problem()
    return RaggedSequences.from_list([*X, X[3], X[3], X[5][::-1]]), np.append(
        y, [(y[3] + 1) % 3] * 2 + [(y[5] + 1) % 3]
    )


def test_conflicts_are_one_warning_that_names_the_groups():
    X, y = conflicting()
    assert len(X[5]) > 1
    with pytest.warns(SequenceConflictWarning) as caught:
        fitted = classifier(ordered=False).fit(X, y)
    (warning,) = caught
    text = str(warning.message)
    assert "sequences 3, 40, 41 are equal as floats" in text
    assert "sequences 5, 42 have equal frequencies of tokens (ordered=True tells them apart" in text
    assert "each group was given its majority label" in text
    assert warning.filename == __file__
    assert fitted.n_conflicts_ == 2
    assert fitted.predict(X)[[3, 40, 41]].tolist() == [y[40]] * 3
    assert fitted.score(X, y) == (43 - 2) / 43  # one of three and one of two


def test_ordered_leaves_only_equal_sequences_in_conflict():
    X, y = conflicting()
    with pytest.warns(SequenceConflictWarning, match="sequences 3, 40, 41 are equal as floats; each group"):
        assert classifier(ordered=True).fit(X, y).n_conflicts_ == 1


def test_on_conflict_raise_raises_and_leaves_the_estimator_as_it_was():
    X, y = conflicting()
    fresh = classifier(on_conflict="raise", ordered=False)
    with pytest.raises(ConstructionError, match="sequences 3, 40, 41 are equal as floats"):
        fresh.fit(X, y)
    assert not [name for name in vars(fresh) if name.endswith("_")]
    old, z = problem(n_classes=2, token_dim=4)
    fitted = classifier(on_conflict="raise", ordered=False).fit(old, z)
    with pytest.raises(ConstructionError):
        fitted.fit(X, y)
    assert fitted.n_features_in_ == 4
    assert (fitted.predict(old) == z).all()


def test_only_ten_offenders_are_named():
    X = RaggedSequences.from_list([[[0.0]]] * 15 + [[[1.0]]])
    with pytest.warns(SequenceConflictWarning, match=r"7, 8, 9 and 5 more are equal as floats"):
        classifier().fit(X, [0, 1] * 8)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_heads": -1}, "n_heads must be an integer of at least 0, got -1"),
        ({"n_heads": "many"}, "n_heads must be an integer of at least 0, got 'many'"),
        ({"n_heads": 2.0}, "n_heads must be an integer of at least 0, got 2.0"),
        ({"ordered": "yes"}, "ordered must be True or False, got 'yes'"),
        ({"exact": None}, "exact must be True or False, got None"),
        ({"alphas": [-1.0]}, "alphas must be 'auto' or a list of positive finite numbers"),
        ({"alphas": "some"}, "alphas must be 'auto' or a list of positive finite numbers"),
        ({"class_weight": "heavy"}, "class_weight must be one of 'balanced', None, got 'heavy'"),
        ({"class_weight": {0: 0.0, 1: 1.0}}, "class_weight must be positive"),
        ({"on_conflict": "ignore"}, "on_conflict must be one of 'warn', 'raise', got 'ignore'"),
        ({"verbose": -1}, "verbose must be an integer of at least 0"),
        ({"random_state": "seed"}, "random_state must be an integer from 0 to .* got 'seed'"),
    ],
)
def test_parameters_out_of_range_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        classifier(**parameters).fit(GOOD, [0, 1, 0])


def test_predict_changes_no_attribute_and_no_input():
    X, y = problem()
    fitted = classifier().fit(X, y)
    before, tokens = dict(vars(fitted)), X.tokens.copy()
    fitted.predict(X)
    fitted.to_transformer()
    assert vars(fitted) == before
    assert np.array_equal(X.tokens, tokens)
