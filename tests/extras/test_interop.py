"""Containers of other libraries come in and go out exactly, uncopied where the layout allows; every estimator reads them."""

import awkward as ak
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from aeon.datasets import load_classification
from cases.sequences import ragged_lists
from effort import examples
from hypothesis import given
from sklearn.pipeline import make_pipeline
from tslearn.utils import to_time_series_dataset

from sklearn_hardmax import HardmaxPooling, HardmaxTransformerClassifier, RaggedSequences, as_sequences

law = examples(25)
TOKENS = np.arange(12.0).reshape(6, 2)
LISTS = [[[0.0, 1.0]], [[2.0, 3.0], [4.0, 5.0], [6.0, 7.0]], [[8.0, 9.0], [10.0, 11.0]]]


@pytest.fixture(params=[np.float64, np.float32])
def X(request):
    """Three sequences of 1, 3 and 2 tokens with the numbers 0 to 11 in order."""
    return RaggedSequences(TOKENS.astype(request.param), [0, 1, 4, 6])


def identical(got, expected):
    return got == expected and got.dtype == expected.dtype


def bare(X):
    """The sequences without ids and names."""
    return RaggedSequences(X.tokens, X.offsets)


TRIPS = {
    "aeon": lambda X: RaggedSequences.from_aeon(X.to_aeon()),
    "padded": lambda X: RaggedSequences.from_padded(X.to_padded()),
    "flat": lambda X: RaggedSequences.from_flat(X.to_flat()[0], groups=X.to_flat()[1]),
    "arrow": lambda X: RaggedSequences.from_arrow(X.to_arrow()),
    "awkward": lambda X: RaggedSequences.from_awkward(X.to_awkward()),
    "pandas": lambda X: RaggedSequences.from_frame(X.to_pandas()),
    "pandas long": lambda X: RaggedSequences.from_frame(X.to_pandas(group="id"), group="id"),
    "polars": lambda X: RaggedSequences.from_frame(X.to_polars()),
    "polars by Arrow": lambda X: RaggedSequences.from_arrow(X.to_polars()),
    "polars long": lambda X: RaggedSequences.from_frame(X.to_polars(group="id"), group="id"),
    "arrow long": lambda X: RaggedSequences.from_frame(X.to_arrow(group="id"), group="id"),
    "awkward long": lambda X: RaggedSequences.from_frame(X.to_awkward(group="id"), group="id"),
    "torch": lambda X: RaggedSequences.from_torch(X.to_torch()),
}


@pytest.mark.parametrize("trip", TRIPS.values(), ids=TRIPS)
def test_going_out_and_coming_back_changes_no_bit(trip, X):
    assert identical(bare(trip(X)), X)
    assert identical(bare(trip(X[1:])), X[1:])


IDS = {"numbers": [7, -1, 3], "texts": ["b", "a", "c"], "dates": np.array([3, 1, 2], dtype="datetime64[ns]")}


@pytest.mark.parametrize("trip", ["flat", "pandas long", "polars long", "arrow long", "awkward long"])
@pytest.mark.parametrize("ids", IDS.values(), ids=IDS)
def test_ids_and_names_survive_a_long_table(trip, ids):
    X = RaggedSequences(TOKENS, [0, 1, 4, 6], ids=ids, feature_names=["speed", "x 1"])
    if trip == "flat":
        tokens, groups = X.to_flat()
        back = RaggedSequences.from_flat(tokens, groups=X.ids[groups])
        back = RaggedSequences(back.tokens, back.offsets, ids=back.ids, feature_names=X.feature_names)
    else:
        back = TRIPS[trip](X)
    assert back == X


RECORDS = {
    "awkward": lambda content: ak.Array(content),
    "arrow": pa.array,
    "chunks": lambda content: pa.chunked_array([content[:1], content[1:]]),
    "slice": lambda content: pa.array([content[0], *content])[1:],
    "polars": pl.Series,
    "arrow in pandas": lambda content: pd.Series(pd.arrays.ArrowExtensionArray(pa.array(content))),
}


@pytest.mark.parametrize("make", RECORDS.values(), ids=RECORDS)
def test_the_fields_of_records_name_the_features(make):
    tokens = [[{"b": 1.0, "a": 2}, {"b": 3.0, "a": 4}], [{"b": 5.0, "a": 6}]]
    X = RaggedSequences([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [0, 2, 3], feature_names=["b", "a"])
    assert as_sequences(make(tokens)) == X
    lists = [{"b": [1.0, 3.0], "a": [2, 4]}, {"b": [5.0], "a": [6]}]
    rows = [token for sequence in tokens for token in sequence]
    if make is not RECORDS["arrow in pandas"]:
        assert as_sequences(make(lists)) == X
        assert RaggedSequences.from_frame(make(lists)) == X
        assert as_sequences(make(rows)) == RaggedSequences(X.tokens, range(4), feature_names=["b", "a"])


def test_records_of_lists_may_name_the_sequence():
    records = ak.Array([{"id": "p", "x": [[1.0, 3.0], [2.0, 4.0]]}, {"id": "q", "x": [[5.0, 6.0]]}])
    X = RaggedSequences([[1.0, 3.0], [2.0, 4.0], [5.0, 6.0]], [0, 2, 3], ids=["p", "q"])
    assert RaggedSequences.from_frame(records, group="id") == X
    with pytest.raises(ValueError, match=r"records of lists are read by RaggedSequences\.from_frame"):
        RaggedSequences.from_awkward(records)


def test_rows_of_polars_that_are_groups_are_sequences():
    long = pl.DataFrame({"id": ["b", "b", "a"], "u": [1.0, 2.0, 3.0], "v": [4.0, 5.0, 6.0]})
    nested = long.group_by("id", maintain_order=True).agg(pl.all())
    assert RaggedSequences.from_frame(nested, group="id") == RaggedSequences.from_frame(long, group="id")


@pytest.mark.parametrize("go", [RaggedSequences.to_polars, RaggedSequences.to_arrow, RaggedSequences.to_awkward])
def test_ids_that_a_column_cannot_hold_are_refused_with_a_remedy(go):
    X = RaggedSequences(TOKENS, [0, 1, 4, 6])
    for ids in ([1, "a", 2.5], [2**70, 1, 2], [(1, "a"), (1, "b"), (2, "a")]):
        with pytest.raises(
            ValueError, match=r"A column of pyarrow cannot hold these ids .* X\.with_ids\(list\(map\(str"
        ):
            go(X.with_ids(ids), group="id")
    table = go(X.with_ids(ids), group=["site", "case"])
    assert RaggedSequences.from_frame(table, group=["site", "case"]).ids.tolist() == ids


def test_lists_of_polars_are_ids_as_tuples():
    X = RaggedSequences.from_flat(np.zeros((3, 1)), groups=pl.Series([[1, 2], [1, 2], [2, 1]]))
    assert X.ids.tolist() == [(1, 2), (2, 1)]


def test_ids_are_the_index_of_a_series_of_pandas():
    X = RaggedSequences(TOKENS, [0, 1, 4, 6], ids=["b", "a", "c"])
    assert X.to_pandas().index.tolist() == ["b", "a", "c"]
    assert RaggedSequences.from_frame(X.to_pandas()) == X


@pytest.mark.parametrize("trip", TRIPS.values(), ids=TRIPS)
@law
@given(ragged_lists())
def test_any_sequences_survive_the_trip(trip, arrays):
    X = RaggedSequences.from_list(arrays)
    assert identical(bare(trip(X)), X)


READ = {
    "arrow": RaggedSequences.to_arrow,
    "awkward": RaggedSequences.to_awkward,
    "pandas": RaggedSequences.to_pandas,
    "polars": RaggedSequences.to_polars,
    "torch": RaggedSequences.to_torch,
    "chunks": lambda X: pa.chunked_array([X[:1].to_arrow(), X[1:].to_arrow()]),
    "arrow in pandas": lambda X: pd.Series(pd.arrays.ArrowExtensionArray(X.to_arrow())),
    "columns of arrow": lambda X: pa.table({str(c): pa.array([x[:, c] for x in X]) for c in range(2)}),
    "columns of polars": lambda X: pl.DataFrame({str(c): [x[:, c] for x in X] for c in range(2)}),
    "columns of pandas": lambda X: pd.DataFrame({str(c): [x[:, c] for x in X] for c in range(2)}),
}


@pytest.mark.parametrize("make", READ.values(), ids=READ)
def test_the_parser_reads_what_can_be_nothing_else(make, X):
    assert identical(bare(as_sequences(make(X))), X)


@pytest.mark.parametrize("make", READ.values(), ids=READ)
def test_every_estimator_takes_them(make):
    X = RaggedSequences(TOKENS, [0, 1, 4, 6])
    y = [0, 1, 0]
    clf = HardmaxTransformerClassifier(n_heads=0, random_state=0).fit(make(X), y)
    assert clf.predict(make(X)).tolist() == y
    assert clf.score(make(X), y) == 1.0
    step = make_pipeline(HardmaxPooling(n_heads=20, random_state=0))
    assert np.array_equal(step.fit(make(X), y).transform(make(X)), step.fit(X, y).transform(X))


def test_columns_of_lists_name_the_features():
    frame = READ["columns of pandas"](RaggedSequences(TOKENS, [0, 1, 4, 6]))
    clf = HardmaxTransformerClassifier(n_heads=0, random_state=0).fit(frame, [0, 1, 0])
    assert clf.feature_names_in_.tolist() == ["0", "1"]


# -- memory ------------------------------------------------------------------------------------------------------------

SHARED_OUT = {
    "arrow": lambda X: X.to_arrow().flatten().flatten().to_numpy(),
    "awkward": lambda X: X.to_awkward().layout.content.data,
    "polars": lambda X: pa.chunked_array(X.to_polars()).chunk(0).flatten().flatten().to_numpy(),
    "pandas": lambda X: X.to_pandas()[1],
    "aeon": lambda X: X.to_aeon()[1],
    "torch": lambda X: X.to_torch().values().numpy(),
    "flat": lambda X: X.to_flat()[0],
}


@pytest.mark.parametrize("values", SHARED_OUT.values(), ids=SHARED_OUT)
def test_going_out_copies_no_token(values, X):
    assert np.shares_memory(values(X), X.tokens)


@pytest.mark.parametrize("name", ["arrow", "awkward", "polars", "polars by Arrow", "torch", "flat"])
def test_the_whole_trip_copies_no_token(name, X):
    assert np.shares_memory(TRIPS[name](X).tokens, X.tokens)
    assert np.shares_memory(TRIPS[name](X[1:]).tokens, X.tokens)


@pytest.mark.parametrize("name", ["arrow", "awkward", "torch"])
def test_the_whole_trip_copies_no_offsets(name, X):
    assert np.shares_memory(TRIPS[name](X).offsets, X.offsets)


def test_lists_of_lists_of_one_size_are_not_copied():
    array = pa.array(LISTS)
    assert np.shares_memory(RaggedSequences.from_arrow(array).tokens, array.flatten().flatten().to_numpy())


# -- Arrow -------------------------------------------------------------------------------------------------------------

TYPES = {
    "list of list": pa.list_(pa.list_(pa.float64())),
    "list of fixed": pa.list_(pa.list_(pa.float64(), 2)),
    "large list": pa.large_list(pa.large_list(pa.float64())),
    "list view": pa.list_view(pa.list_view(pa.float64())),
    "integers": pa.list_(pa.list_(pa.int16())),
    "half": pa.list_(pa.list_(pa.float16())),
}


@pytest.mark.parametrize("arrow_type", TYPES.values(), ids=TYPES)
def test_all_types_of_lists_are_read(arrow_type):
    array = pa.array([[[np.float16(v) for v in token] for token in s] for s in LISTS], arrow_type)
    assert as_sequences(array) == RaggedSequences(TOKENS, [0, 1, 4, 6])
    assert as_sequences(array[1:]) == RaggedSequences(TOKENS[1:], [0, 3, 5])


def test_a_fixed_number_of_tokens_of_a_fixed_number_of_features_is_read():
    array = pa.array([LISTS[1], LISTS[1]], pa.list_(pa.list_(pa.float64(), 2), 3))
    assert as_sequences(array) == RaggedSequences.from_list([LISTS[1], LISTS[1]])
    assert as_sequences(array[1:]) == RaggedSequences.from_list([LISTS[1]])


SERIES = {
    "arrow": (pa.array([[1.0, 2.0], [3.0, 4.0]]), RaggedSequences.from_arrow),
    "fixed": (pa.array([[1.0, 2.0], [3.0, 4.0]], pa.list_(pa.float64(), 2)), RaggedSequences.from_arrow),
    "awkward": (ak.Array([[1.0, 2.0], [3.0, 4.0]]), RaggedSequences.from_awkward),
    "polars": (pl.Series([[1.0, 2.0], [3.0, 4.0]]), RaggedSequences.from_frame),
    "arrow in pandas": (
        pd.Series([[1.0, 2.0], [3.0, 4.0]], dtype=pd.ArrowDtype(pa.list_(pa.float64()))),
        RaggedSequences.from_frame,
    ),
    "pandas": (pd.Series([[1.0, 2.0], [3.0, 4.0]]), RaggedSequences.from_frame),
}


@pytest.mark.parametrize(("series", "convert"), SERIES.values(), ids=SERIES)
def test_lists_of_numbers_are_series_where_they_are_asked_for(series, convert):
    assert convert(series) == RaggedSequences.from_list([[[1.0], [2.0]], [[3.0], [4.0]]])


@pytest.mark.parametrize("name", [name for name in SERIES if name != "pandas"])
def test_lists_of_numbers_are_refused_where_they_may_be_rows(name):
    with pytest.raises(
        ValueError, match=r"Lists of numbers are series of one channel or rows of a matrix; use .*\.from_"
    ):
        as_sequences(SERIES[name][0])


def test_tables_of_numbers_are_one_token_a_row():
    for frame in (pd.DataFrame(TOKENS), pl.DataFrame(TOKENS), pa.table({"a": TOKENS[:, 0], "b": TOKENS[:, 1]})):
        assert bare(as_sequences(frame)) == RaggedSequences(TOKENS, np.arange(7))
    structs = pl.Series([{"a": 1.0, "b": 2.0}, {"a": 3.0, "b": 4.0}])
    named = RaggedSequences([[1.0, 2.0], [3.0, 4.0]], [0, 1, 2], feature_names=["a", "b"])
    assert as_sequences(structs) == named


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: pa.array([[[1.0]], None]), r"missing sequences \(nulls\) in sequences 1; drop or fill"),
        (lambda: pa.array([[[1.0]], [[1.0], None]]), r"missing tokens \(nulls\) in sequences 1;"),
        (lambda: pa.array([[[1.0]], [[None]], [[2.0]], [[None]]]), "NaN or infinity in sequences 1, 3;"),
        (lambda: pa.array([[[1.0, 2.0]], [[1.0, None]]], pa.list_(pa.list_(pa.float64(), 2)))[1:], "in sequences 0;"),
        (lambda: pa.array([[[1.0, 2.0]], [[1.0, 2.0], [3.0]]]), "the first has 2, tokens of sequences 1 have others"),
        (lambda: pa.array([[[1.0]], []]), "Sequences 1 are empty"),
        (lambda: pa.array([[], []], pa.list_(pa.list_(pa.float64()))), "Sequences 0, 1 are empty"),
        (lambda: pa.array([[[]]], pa.list_(pa.list_(pa.float64()))), r"Found array with 0 feature\(s\)"),
        (lambda: pa.array([], pa.list_(pa.list_(pa.float64()))), r"Found array with 0 sample\(s\)"),
        (lambda: pa.array([[[np.nan]]]), "NaN or infinity in sequences 0"),
        (lambda: pa.array([[["a"]]]), "must be real numbers, but hold texts"),
        (lambda: pa.array([[[[1.0]]]]), "tokens lists of numbers .* got Arrow type list"),
        (lambda: pa.array([[["a", "b"]]], pa.list_(pa.list_(pa.dictionary(pa.int8(), pa.string())))), "but are categorical"),
        (lambda: ak.Array([[[1.0, 2.0]], [[None, 1.0]]]), "NaN or infinity in sequences 1;"),
        (lambda: ak.Array([[[1.0]], None]), r"missing sequences \(nulls\) in sequences 1;"),
        (lambda: ak.Array([[[1.0, 2.0]], [[1.0]]]), "tokens of sequences 1 have others"),
        (lambda: pl.Series([[[1.0, 2.0]], [[None, 1.0]]]), "NaN or infinity in sequences 1;"),
        (lambda: pl.DataFrame({"a": [[1.0], [2.0]], "b": [[1.0], None]}), r"missing sequences \(nulls\) in sequences 1;"),
        (lambda: pd.DataFrame({"a": [[1.0], [2.0]], "b": [[1.0], None]}), r"missing cells \(nulls\) in sequences 1;"),
        (lambda: pd.DataFrame({"a": [[1.0], None]}), r"missing cells \(nulls\) in sequences 1;"),
        (lambda: pd.DataFrame({"a": [[1.0], [2.0]], "b": [[1.0], [2.0, 3.0]]}), "'a' and 'b' differ in sequences 1"),
        (lambda: pd.DataFrame({"a": [[1.0], [2.0]], "b": [1.0, 2.0]}), "Cells of column 'b' must be lists or arrays"),
        (lambda: pd.DataFrame({"a": [["x"], ["y"]]}), "must be real numbers, but hold texts"),
        (lambda: pd.DataFrame({"a": [[[1.0, 2.0]]], "b": [[1.0]]}), "'a' must be a list of numbers, got lists of 2"),
    ],
)  # fmt: skip
def test_what_is_no_sequences_of_tokens_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        as_sequences(make())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: ak.Array([[{"x": "a"}]]),
            "features 'x' of all sequences together must be real numbers, but hold texts",
        ),
        (lambda: ak.Array([[{"x": 1.0}, None]]), r"missing tokens \(nulls\) in sequences 0"),
        (lambda: ak.Array([[1.0], [2.0, 3.0]]), "Lists of numbers are series"),
        (lambda: ak.Array([1.0, 2.0]), "got Arrow type double"),
        (lambda: ak.Array([["abc", "d"]]), "must be real numbers, but hold texts"),
        (lambda: pa.array(["a"]), "got Arrow type string"),
        (lambda: pa.array([[("a", 1.0)]], pa.map_(pa.string(), pa.float64())), "got Arrow type map"),
        (lambda: pa.FixedShapeTensorArray.from_numpy_ndarray(np.ones((2, 3, 2))), "got Arrow type extension"),
        (
            lambda: pa.table({"a": pa.array([[1.0]]), "b": pa.array([1])}),
            "Cells of column 'b' must be lists or arrays",
        ),
        (lambda: pl.LazyFrame({"a": [[1.0]]}), r"A LazyFrame holds no data yet; pass X\.collect\(\)"),
        (lambda: pd.DataFrame({"a": pd.Categorical([1, 2])}), r"column 'a' .* are categorical \(category\)"),
        (lambda: pa.table({"a": pa.array(["x"]).dictionary_encode()}), r"column 'a' .* are categorical \(dictionary"),
    ],
)
def test_other_types_are_refused_by_name(make, message):
    with pytest.raises(ValueError, match=message):
        as_sequences(make())


def test_columns_of_one_name_are_refused():
    lists = pd.DataFrame([[[1.0, 2.0], [1.0, 2.0]]], columns=["a", "a"])
    with pytest.raises(ValueError, match="each with a name of its own, got columns"):
        RaggedSequences.from_frame(lists)
    with pytest.raises(ValueError, match="features with names of their own"):
        RaggedSequences.from_frame(pd.DataFrame([[1, 2, 3]], columns=["g", "a", "a"]), group="g")
    numbers = pd.DataFrame(TOKENS, columns=["a", "a"])
    assert bare(as_sequences(numbers)) == RaggedSequences(TOKENS, np.arange(7))


@pytest.mark.parametrize("X", [[[1.0, 2.0]], TOKENS, {"a": [1.0]}], ids=["list", "array", "dict"])
def test_from_frame_takes_frames_only(X):
    with pytest.raises(
        TypeError, match=f"from_frame takes a Series, data frame or table of .*, got {type(X).__name__}"
    ):
        RaggedSequences.from_frame(X)


def test_flat_arrays_and_frames_without_lists_are_refused_by_the_converters():
    with pytest.raises(ValueError, match=r"Sequences are lists of tokens.* got Arrow type double"):
        RaggedSequences.from_arrow(pa.array([1.0, 2.0]))
    with pytest.raises(ValueError, match=r"cells 0, 1 are not \(cell 0 is float\).* needs group="):
        RaggedSequences.from_frame(pd.DataFrame({"a": [1.0, 2.0]}))
    with pytest.raises(ValueError, match="needs one column of lists per feature"):
        RaggedSequences.from_frame(pd.DataFrame())


# -- long tables -------------------------------------------------------------------------------------------------------

FRAMES = pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, pa.table], ids=["pandas", "polars", "arrow"])


@FRAMES
def test_a_long_table_has_one_token_a_row_and_features_in_their_order(frame):
    table = frame({"b": [1, 2, 3], "bag": ["v", "v", "u"], "a": [4.0, 5.0, 6.0]})
    expected = RaggedSequences([[1, 4], [2, 5], [3, 6]], [0, 2, 3], ids=["v", "u"], feature_names=["b", "a"])
    assert RaggedSequences.from_frame(table, group="bag") == expected


@FRAMES
@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"bag": [0, 1, 0], "a": [1.0, 2.0, 3.0]},
            r"groups \[0\] are not contiguous: sort the tokens by group with a stable",
        ),
        ({"bag": [0, 1, 2], "a": ["x", "y", "z"]}, "entries of column 'a' must be"),
        ({"bag": ["u", "u", None], "a": [1.0, 2.0, 3.0]}, "those of tokens 2 are missing"),
        ({"bag": [0, 0, 1], "a": [1.0, None, 3.0]}, "NaN or infinity in sequences 0"),
        (
            {"id": [0, 0, 1], "a": [1.0, 2.0, 3.0]},
            r"There is no column 'bag'; the columns are \['id', 'a'\]",
        ),
        ({"bag": [0, 0, 1]}, r"got \['bag'\]"),
    ],
)
def test_long_tables_that_are_no_sequences_are_refused(frame, columns, message):
    with pytest.raises((ValueError, TypeError), match=message):
        RaggedSequences.from_frame(frame(columns), group="bag")


@pytest.mark.parametrize(
    "column",
    [pd.Series(["x", "y"], dtype="category"), pd.Series([1, 2], dtype="category")],
    ids=["texts", "numbers"],
)
def test_categories_are_no_numbers(column):
    with pytest.raises(ValueError, match=r"column 'a' .* are categorical \(category\): encode categories"):
        RaggedSequences.from_frame(pd.DataFrame({"bag": [0, 1], "a": column}), group="bag")
    with pytest.raises(ValueError, match=r"column 'a' .* are categorical \(Categorical"):
        table = pl.DataFrame({"bag": [0, 1], "a": pl.Series(["x", "y"], dtype=pl.Categorical)})
        RaggedSequences.from_frame(table, group="bag")


def test_features_of_long_tables_have_the_given_names():
    X = RaggedSequences(TOKENS, [0, 1, 4, 6])
    assert list(X.to_pandas(group="id", names=["u", "v"]).columns) == ["id", "u", "v"]
    assert X.to_polars(group="id").columns == ["id", "x0", "x1"]
    for names in (["u"], ["u", "u"], ["u", "id"]):
        with pytest.raises(ValueError, match="names must be 2 different names other than 'id'"):
            X.to_pandas(group="id", names=names)


# -- nested tensors ----------------------------------------------------------------------------------------------------


def test_jagged_tensors_with_holes_and_of_other_axes_are_read_by_components():
    holes = torch.nested.narrow(
        torch.arange(20.0).reshape(2, 5, 2), 1, torch.tensor([0, 1]), torch.tensor([2, 3]), layout=torch.jagged
    )
    expected = [torch.arange(4.0).reshape(2, 2), torch.arange(12.0, 18.0).reshape(3, 2)]
    assert as_sequences(holes) == RaggedSequences.from_list(expected)
    turned = RaggedSequences.from_list([x.T for x in expected[1:]]).to_torch().transpose(1, 2)
    assert as_sequences(turned) == RaggedSequences.from_list(expected[1:])


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors is in prototype stage:UserWarning")
def test_strided_nested_tensors_are_read():
    assert as_sequences(torch.nested.nested_tensor(LISTS)) == RaggedSequences.from_list(LISTS)


def test_gradients_and_short_floats_are_left_behind():
    X = RaggedSequences(TOKENS, [0, 1, 4, 6])
    values = torch.tensor(TOKENS, dtype=torch.bfloat16, requires_grad=True)
    assert as_sequences(torch.nested.nested_tensor_from_jagged(values, torch.tensor(X.offsets))) == X


@pytest.mark.parametrize(
    ("X", "what"),
    [
        (torch.zeros(2, 2), "a tensor of 2 dimensions"),
        ([torch.zeros(2, 2)], "list"),
        (torch.nested.nested_tensor([torch.ones(2), torch.ones(1)], layout=torch.jagged), "a nested tensor of 2 dim"),
    ],
)
def test_other_tensors_are_refused(X, what):
    with pytest.raises(ValueError, match=f"from_torch takes a nested tensor of shape .* got {what}"):
        RaggedSequences.from_torch(X)


# -- aeon, tslearn -----------------------------------------------------------------------------------------------------


def test_data_of_aeon_of_unequal_length_are_channels_first_lists():
    """JapaneseVowels: 12 channels, 7 to 29 points in time, in the wheel of aeon."""
    series, y = load_classification("JapaneseVowels", split="train")
    X = RaggedSequences.from_aeon(series)
    assert (X.token_dim, X.lengths.min(), X.lengths.max()) == (12, 7, 26)
    assert all(np.array_equal(a, b) for a, b in zip(X.to_aeon(), series))
    clf = HardmaxTransformerClassifier(n_heads=200, random_state=0).fit(X, y)
    assert clf.score(X, y) == 1.0


def test_padded_arrays_of_tslearn_come_in_and_go_out():
    padded = to_time_series_dataset(LISTS)
    X = RaggedSequences.from_padded(padded)
    assert X == RaggedSequences.from_list(LISTS)
    np.testing.assert_array_equal(X.to_padded(), padded)
    with pytest.raises(ValueError, match=r"NaN or infinity in sequences 0, 2; .*from_padded drops NaN padding"):
        as_sequences(padded)
