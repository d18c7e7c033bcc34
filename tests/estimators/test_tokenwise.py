"""TokenwiseTransformer is the transformer of scikit-learn on the stacked tokens, in pipelines and searches."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomTreesEmbedding
from sklearn.feature_extraction import FeatureHasher
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, KBinsDiscretizer, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.utils import get_tags

from sklearn_hardmax import (
    HardmaxTransformerClassifier,
    RaggedSequences,
    SequenceImputer,
    TokenwiseTransformer,
    as_sequences,
)
from sklearn_hardmax.estimators import tokenwise

SYMBOLS = RaggedSequences.from_series([["open", "buy", "open"], ["sell"], ["buy", "open"]], dtype=None)


def log(n=40):
    """A long table of n customers, and a label for each: whether it ever buys."""
    rng = np.random.default_rng(0)
    rows = 5 * n
    table = pd.DataFrame(
        {
            "customer": np.repeat([f"c{i}" for i in range(n)], 5),
            "event": rng.choice(["view", "cart", "buy"], rows, p=[0.6, 0.3, 0.1]),
            "amount": np.where(rng.random(rows) < 0.3, np.nan, rng.normal(size=rows)),
            "page": rng.integers(0, 9, rows),
        }
    )
    bought = table["event"].eq("buy").groupby(table["customer"], sort=False).any()
    return RaggedSequences.from_frame(table, group="customer", dtype=None), bought


def encoder():
    return ColumnTransformer(
        [
            ("event", OneHotEncoder(handle_unknown="ignore"), ["event"]),
            ("amount", SimpleImputer(), ["amount"]),
            ("page", "passthrough", ["page"]),
        ]
    )


@pytest.mark.parametrize(
    "transformer",
    [StandardScaler(), PCA(1), KBinsDiscretizer(3, strategy="uniform"), RandomTreesEmbedding(3, random_state=0)],
    ids=lambda t: type(t).__name__,
)
def test_numbers_are_transformed_as_one_matrix(transformer):
    X = as_sequences([np.random.default_rng(i).normal(size=(i + 3, 2)) for i in range(5)])
    step = TokenwiseTransformer(transformer).fit(X)
    expected = clone(transformer).fit_transform(X.tokens)
    assert np.array_equal(step.transform(X).tokens, expected.toarray() if hasattr(expected, "toarray") else expected)
    assert np.array_equal(step.transform(X).offsets, X.offsets)
    assert step.transform(X[::-1]) == step.transform(X)[::-1]
    assert step.get_feature_names_out().tolist() == step.transformer_.get_feature_names_out().tolist()
    assert step.n_features_in_ == 2


def test_symbols_are_encoded_and_named():
    step = TokenwiseTransformer(OneHotEncoder()).fit(SYMBOLS)
    out = step.transform(SYMBOLS)
    assert out[0].tolist() == [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    assert step.get_feature_names_out().tolist() == ["x0_buy", "x0_open", "x0_sell"]
    assert step.get_feature_names_out(["event"]).tolist() == ["event_buy", "event_open", "event_sell"]
    assert out.feature_names.tolist() == ["x0_buy", "x0_open", "x0_sell"]
    assert step.n_merged_tokens_ == 0
    clf = make_pipeline(step, HardmaxTransformerClassifier(n_heads=0, random_state=0)).fit(SYMBOLS, [0, 1, 2])
    assert clf.predict(SYMBOLS).tolist() == [0, 1, 2]


def test_names_ids_and_columns_pass_through_a_column_transformer():
    X, y = log()
    step = TokenwiseTransformer(encoder()).fit(X)
    out = step.transform(X)
    names = ["event__event_buy", "event__event_cart", "event__event_view", "amount__amount", "page__page"]
    assert out.feature_names.tolist() == step.get_feature_names_out().tolist() == names
    assert out.ids.tolist() == X.ids.tolist() == y.index.tolist()
    assert step.feature_names_in_.tolist() == ["event", "amount", "page"]
    assert np.array_equal(out.tokens[:, 4], X.tokens[:, 2])
    with pytest.raises(ValueError, match="feature names should match"):
        step.transform(X.to_pandas(group="id")[["event", "page", "amount"]])


def test_a_search_over_parameters_of_the_inner_step_is_honest_and_aligned():
    X, y = log()
    pipeline = make_pipeline(TokenwiseTransformer(encoder()), HardmaxTransformerClassifier(n_heads=50, random_state=0))
    grid = {"tokenwisetransformer__transformer__amount__strategy": ["mean", "median"]}
    search = GridSearchCV(pipeline, grid, cv=3, scoring="roc_auc", error_score="raise").fit(X, y)
    assert search.best_score_ > 0.8
    assert search.best_estimator_.predict(X).tolist() == y.tolist()
    with pytest.raises(ValueError, match="The index of y differs from the ids"):
        cross_val_score(pipeline, X, y[::-1], error_score="raise")


def test_tokens_that_become_equal_are_counted():
    X = as_sequences([[[1.0, 5.0], [2.0, 5.0]], [[1.0, 6.0], [1.0, 5.0]]])
    assert TokenwiseTransformer(ColumnTransformer([("one", "passthrough", [0])])).fit(X).n_merged_tokens_ == 1
    assert TokenwiseTransformer(FunctionTransformer(np.zeros_like)).fit(X).n_merged_tokens_ == 2
    assert TokenwiseTransformer("passthrough" and StandardScaler()).fit(X).n_merged_tokens_ == 0
    gaps = [[[1.0, None], [1.0, None], [None, 2.0]]]
    assert TokenwiseTransformer(StandardScaler()).fit(gaps).n_merged_tokens_ == 0
    assert TokenwiseTransformer(SimpleImputer()).fit([[[1.0], [None], [3.0], [2.0]]]).n_merged_tokens_ == 1


def test_missing_values_pass_to_the_next_step():
    X, y = log()
    keep = ColumnTransformer(
        [("event", OneHotEncoder(), make_column_selector(dtype_exclude="number"))], remainder="passthrough"
    )
    model = make_pipeline(TokenwiseTransformer(keep), SequenceImputer(), HardmaxTransformerClassifier(random_state=0))
    assert model.fit(X, y).predict(X).tolist() == y.tolist()
    with pytest.raises(ValueError, match=r"contains NaN .* SequenceImputer"):
        make_pipeline(TokenwiseTransformer(keep), HardmaxTransformerClassifier()).fit(X, y)


def test_a_feature_that_holds_something_else_than_at_fit_is_refused():
    X, _ = log()
    step = TokenwiseTransformer(encoder()).fit(X)
    table = X.to_pandas(group="id")
    texts = RaggedSequences.from_frame(table.astype({"page": str}), group="id", dtype=None)
    with pytest.raises(ValueError, match="Feature 'page' holds texts or categories, but held numbers at fit"):
        step.transform(texts)
    numbers = RaggedSequences.from_frame(table.assign(event=1), group="id", dtype=None)
    with pytest.raises(ValueError, match="Feature 'event' holds numbers, but held texts or categories at fit"):
        step.transform(numbers)
    dates = RaggedSequences.from_frame(table.assign(page=pd.Timestamp("2024")), group="id", dtype=None)
    with pytest.raises(ValueError, match="Feature 'page' holds dates, but held numbers"):
        step.transform(dates)
    # a feature of which nothing is known may be anything
    step.transform(RaggedSequences.from_frame(table.assign(amount=None), group="id", dtype=None))
    plain = TokenwiseTransformer(StandardScaler()).fit([[[1.0], [2.0]]])
    with pytest.raises(ValueError, match="Feature 0 holds texts or categories, but held numbers at fit"):
        plain.transform(SYMBOLS)


def test_one_sequence_of_a_container_keeps_its_names():
    X, _ = log()
    step = TokenwiseTransformer(encoder()).fit(X)
    assert step.transform([X[0], X[1]]) == step.transform(X[:2]).with_ids(None)
    assert step.transform(list(X)) == step.transform(X).with_ids(None)
    assert RaggedSequences.from_list(SYMBOLS.to_list(), dtype=None) == SYMBOLS
    assert step.transform(X.to_list())[3].tolist() == step.transform(X)[3].tolist()


def test_wide_encodings_are_counted():
    rng = np.random.default_rng(0)
    X = RaggedSequences.from_series([[f"s{i}" for i in rng.integers(0, 900, 40)] for _ in range(50)], dtype=None)
    assert TokenwiseTransformer(OneHotEncoder()).fit(X).n_merged_tokens_ == 0
    few = TokenwiseTransformer(OneHotEncoder(max_categories=10)).fit(X)
    assert few.n_merged_tokens_ == len(X.tokens.columns[0].categories) - 10


def test_unknown_categories_are_the_matter_of_the_encoder():
    new = RaggedSequences.from_series([["rent", "open"]], dtype=None)
    strict = TokenwiseTransformer(OneHotEncoder()).fit(SYMBOLS)
    with pytest.raises(ValueError, match="Found unknown categories"):
        strict.transform(new)
    lenient = TokenwiseTransformer(OneHotEncoder(handle_unknown="ignore")).fit(SYMBOLS)
    assert lenient.transform(new)[0].tolist() == [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    coded = TokenwiseTransformer(OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)).fit(SYMBOLS)
    assert coded.transform(new).tokens.tolist() == [[-1.0], [1.0]]


def test_categories_that_look_like_numbers_stay_categories():
    X = RaggedSequences.from_series([["1", "01"], ["1.0"]], dtype=None)
    assert TokenwiseTransformer(OneHotEncoder()).fit(X).get_feature_names_out().tolist() == ["x0_01", "x0_1", "x0_1.0"]


class Odd(TransformerMixin, BaseEstimator):
    """A transformer that returns what `make` makes of its input."""

    def __init__(self, make):
        self.make = make

    def fit(self, X, y=None):
        assert y is None
        return self

    def transform(self, X):
        return self.make(X)


@pytest.mark.parametrize(
    ("transformer", "error", "message"),
    [
        (Odd(lambda X: X[1:]), ValueError, r"Odd made an output of shape \(5, 1\) from 6 tokens: .* one row per token"),
        (Odd(lambda X: X[:, 0]), ValueError, r"shape \(6,\) from 6 tokens"),
        (Odd(lambda X: X[:, :0]), ValueError, "Odd left no feature"),
        (
            Odd(lambda X: X),
            ValueError,
            "Odd must return numbers, but .* hold texts .*; use an encoder",
        ),
        (Odd(lambda X: np.full((6, 1), None)), None, None),
        (Odd(lambda X: np.array([[{}]] * 6)), ValueError, "Odd must return numbers, but .* object of type dict"),
        (Odd(lambda X: np.full((6, 1), np.inf)), ValueError, "contains NaN or infinity"),
        (StandardScaler(), ValueError, "could not convert string to float"),
        (LogisticRegression(), TypeError, "transformer must be a transformer of scikit-learn, with fit and transform"),
        ("onehot", TypeError, "transformer must be a transformer of scikit-learn.*got 'onehot'"),
        (None, TypeError, "got None"),
    ],
)
def test_what_is_no_transformer_of_tokens_is_refused(transformer, error, message):
    step = TokenwiseTransformer(transformer)
    if error is None:
        assert np.isnan(step.fit_transform(SYMBOLS).tokens).all()
        return
    with pytest.raises(error, match=message):
        step.fit(SYMBOLS).transform(SYMBOLS)


def test_a_sparse_output_is_written_out_up_to_a_size(monkeypatch):
    dense = TokenwiseTransformer(OneHotEncoder(sparse_output=False)).fit_transform(SYMBOLS)
    assert TokenwiseTransformer(OneHotEncoder()).fit_transform(SYMBOLS) == dense
    monkeypatch.setattr(tokenwise, "_MAX_DENSE", 17)
    with pytest.raises(ValueError, match="The sparse output of OneHotEncoder has 6 x 3 numbers, too many"):
        TokenwiseTransformer(OneHotEncoder()).fit(SYMBOLS)


def test_tags_are_those_of_the_inner_step_where_it_has_any():
    assert get_tags(TokenwiseTransformer(StandardScaler())).transformer_tags.preserves_dtype == ["float64", "float32"]
    for no_transformer in (LogisticRegression(), None):
        assert get_tags(TokenwiseTransformer(no_transformer)).input_tags.allow_nan


def test_names_are_asked_only_of_steps_that_have_them():
    class Plain(TransformerMixin, BaseEstimator):
        def fit(self, X, y=None):
            return self

        def transform(self, X):
            return np.ones((len(X), 1))

    step = TokenwiseTransformer(Plain())
    assert not hasattr(step, "get_feature_names_out")
    assert step.fit_transform(SYMBOLS).feature_names is None
    assert hasattr(TokenwiseTransformer(OneHotEncoder()), "get_feature_names_out")


def test_data_frames_of_the_configuration_and_hashed_features_are_read():
    frames = TokenwiseTransformer(StandardScaler().set_output(transform="pandas"))
    X = RaggedSequences.from_list([[[1.0, 2.0]], [[3.0, 5.0]]])
    assert frames.fit_transform(X).tokens.tolist() == [[-1.0, -1.0], [1.0, 1.0]]
    hashed = TokenwiseTransformer(
        make_pipeline(FunctionTransformer(lambda X: X.astype(str)), FeatureHasher(4, input_type="string"))
    )
    assert hashed.fit_transform(SYMBOLS).token_dim == 4


WITHOUT_FRAMES = """
import sys
class Blocked:
    def find_spec(self, name, *rest):
        if name in ("pandas", "polars"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocked())
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import OneHotEncoder
from sklearn_hardmax import RaggedSequences, TokenwiseTransformer, as_sequences
X = as_sequences([[("open", 1.5), ("buy", None)], [("open", 2.0)]], dtype=None)
X = RaggedSequences(X.tokens, X.offsets, feature_names=["event", "amount"])
step = TokenwiseTransformer(ColumnTransformer([("event", OneHotEncoder(), [0])], remainder="passthrough")).fit(X)
print(step.transform(X).tokens.tolist(), step.n_merged_tokens_)
"""


def test_without_pandas_and_polars_the_step_gets_an_array():
    done = subprocess.run([sys.executable, "-c", WITHOUT_FRAMES], capture_output=True, text=True)
    assert done.stdout == "[[0.0, 1.0, 1.5], [1.0, 0.0, nan], [0.0, 1.0, 2.0]] 0\n", done.stderr
