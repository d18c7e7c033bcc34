"""What a value is: a number, a date, a duration, a text, a category, missing, or another object.

All containers of sequences are read through `as_numbers`, so that equal content is read or refused alike in lists, in arrays,
and in the containers of other libraries. Numbers are integers, floats, booleans, Decimal and Fraction. Missing values (None,
NaN, NaT, pandas.NA, nulls) become NaN. Everything else is refused, texts of digits too. Where a container stores its values
with a type, the type decides, and values are not looked at one by one.
"""

import datetime
import numbers
import re
from decimal import Decimal

import numpy as np

from sklearn_hardmax._extras import extra

# classes of Python and NumPy; durations stand first, because NumPy counts its own as integers
_CLASSES = (
    ("durations", (datetime.timedelta, np.timedelta64)),
    ("dates", (datetime.date, datetime.time, np.datetime64)),
    ("texts", (str, bytes, bytearray, np.character)),
    ("numbers", (numbers.Real, np.bool_, Decimal)),
    ("complex numbers", (numbers.Complex,)),
)
_FEW_COLUMNS, _FEW_ROWS = 8, 1000  # up to which a frame is read column by column, which is faster
_KEPT = (np.dtype(np.float64), np.dtype(np.float32))  # dtypes of tokens
# kinds of dtypes of NumPy
_DTYPE_KINDS = {"M": "dates", "m": "durations", "U": "texts", "S": "texts", "T": "texts", "c": "complex numbers"}
# names of types of other libraries: of categories, which NumPy would replace by what they name, and of plain numbers
_CATEGORIES = re.compile(r"categor|enum|dictionary", re.IGNORECASE)
_PLAIN_NUMBERS = re.compile(r"u?int\d+|(half)?float\d*|double", re.IGNORECASE)

_ENCODE = (
    "read them with dtype=None and encode them by a TokenwiseTransformer, such as TokenwiseTransformer(OneHotEncoder())"
)
_ADVICE = {
    "texts": f"texts are never read as numbers, those of digits neither; convert them, for example by float, or {_ENCODE}.",
    "dates": "dates are never read as numbers; give the time since a moment of your choice, such as (dates - start) "
    "/ np.timedelta64(1, 's'); RaggedSequences.from_frame(table, group=..., time=...) reads a column of dates.",
    "durations": "durations are never read as numbers; divide them by a unit, such as np.timedelta64(1, 's').",
    "categories": f"encode categories as numbers first: {_ENCODE}.",
    "complex numbers": "stack real and imaginary parts.",
}


# -- one value, or one type --------------------------------------------------------------------------------------------


def kind_of(value):
    """Return what a value is: "numbers", "dates", "durations", "texts", "complex numbers", "missing" or "objects"."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    kind = _kind_of_class(type(value))
    # NaT is a date or a duration that differs from itself
    return "missing" if kind in ("dates", "durations") and value != value else kind


def _kind_of_class(cls):
    """What all instances of a class are, NaT aside."""
    if cls.__name__ in ("NoneType", "NAType"):
        return "missing"
    for kind, classes in _CLASSES:
        if issubclass(cls, classes):
            return kind
    if cls.__name__ == "Period" and cls.__module__.partition(".")[0] == "pandas":
        return "dates"
    # numbers of other libraries; arrays and tensors, which have a length, are containers
    return "numbers" if hasattr(cls, "__float__") and not hasattr(cls, "__len__") else "objects"


def library_of(thing):
    """Name of the library that defines the class of a thing, such as "pandas"."""
    return type(thing).__module__.partition(".")[0]


def type_of(column):
    """The type of the entries of a column of any library: its dtype or, in pyarrow, its type."""
    return column.dtype if hasattr(column, "dtype") else getattr(column, "type", None)


def holds_plain_numbers(column):
    """Whether the type of a column of any library is an integer or a float."""
    return _is_plain(type_of(decoded(column)))


def _is_plain(dtype):
    if isinstance(dtype, np.dtype):
        return dtype.kind in "iuf"
    return bool(_PLAIN_NUMBERS.fullmatch(str(dtype)))


def is_category(dtype):
    """Whether a type, of any library, is a type of categories."""
    return bool(_CATEGORIES.match(str(dtype)))


def refuse_categories(dtype, name):
    """Raise ValueError if this type, of any library, is a type of categories; the message calls its values `name`."""
    if is_category(dtype):
        raise ValueError(f"{name} must be real numbers, but are categorical ({dtype}): {_ADVICE['categories']}")


# -- many values -------------------------------------------------------------------------------------------------------


def as_numbers(values, name="tokens"):
    """Return values as an array of float64 or float32, C-contiguous, NaN where a value is missing.

    Parameters
    ----------
    values : array-like, tensor, column or data frame
        Not copied if it is a C-contiguous array of floats already. float32 is kept.
    name : str
        What messages call the values, in the plural.

    Returns
    -------
    ndarray of the shape of values

    Raises
    ------
    ValueError
        Dates, durations, texts, categories, complex numbers, masked values, numbers too large for float64, rows of unequal
        lengths. The message names the first such value and its index.
    TypeError
        Any other object, and sparse matrices.
    """
    array = values if type(values) is np.ndarray else _array_of(values, name)
    if array.dtype in _KEPT:
        return np.asarray(array, order="C")  # np.ascontiguousarray would turn a number into an array
    if array.dtype == object:
        array = _numbers_of_objects(array, name)
    kind = array.dtype.kind
    if kind in "mM" and np.isnat(array).all():  # as a list of nothing but None
        array = np.full(array.shape, np.nan)
    elif kind in _DTYPE_KINDS:
        _refuse(_DTYPE_KINDS[kind], name, array, (0,) * array.ndim)
    elif kind not in "fiub":
        remedy = "write pandas.DataFrame(records)" if array.dtype.names else "give one number per feature"
        raise ValueError(f"{name} must be real numbers, got dtype {array.dtype}: {remedy}.")
    if array.dtype.itemsize > 8:  # long double
        with np.errstate(over="ignore"):
            floats = array.astype(np.float64)
        _refuse_too_large(array, floats, name)
        return np.asarray(floats, order="C")
    # float32 of the other byte order is still float32
    native = array.dtype.newbyteorder("=")
    return np.asarray(array, dtype=native if native in _KEPT else np.float64, order="C")


def _array_of(values, name):
    """Values in any container as an array of any dtype."""
    parts = values if isinstance(values, (list, tuple)) else [values]
    if any(isinstance(part, np.ma.MaskedArray) and np.ma.is_masked(part) for part in parts):
        raise ValueError(
            f"{name} hold masked values: leave these tokens out, or use RaggedSequences.from_padded(X.data, mask=...), True "
            "for real tokens."
        )
    library = library_of(values)
    if library == "torch":
        return numpy_of_tensor(values, name)
    # taking many columns out of a frame one by one is slow
    is_frame = library == "pandas" and getattr(values, "ndim", 1) == 2
    if is_frame and values.shape[1] > _FEW_COLUMNS and all(map(_is_plain, set(values.dtypes))):
        return np.asarray(values)
    columns = columns_of(values)
    if columns is not None:
        return _array_of_columns(values, columns)
    refuse_categories(type_of(values), name)
    try:
        array = np.asarray(decoded(values))
    except ValueError as error:
        raise ValueError(
            f"{name} cannot be read as an array, rows have unequal lengths ({error}); give every token all features."
        ) from error
    except RuntimeError as error:  # of the arrays of another library in a list
        raise ValueError(f"{name} cannot be read as an array ({error}).") from error
    if array.dtype.kind in _DTYPE_KINDS and isinstance(values, (list, tuple)):
        # NumPy has made texts of numbers beside texts, and durations of integers beside durations
        entries = list(_entries(values, array.ndim))
        array = np.fromiter(entries, dtype=object, count=len(entries)).reshape(array.shape)
    return array


def _entries(values, depth):
    """The entries of nested lists, as they are."""
    for value in values:
        if depth > 1:
            yield from _entries(value, depth - 1)
        else:
            yield value


def decoded(values):
    """An Arrow array without run-end encoding; anything else as it is."""
    if library_of(values) != "pyarrow" or not str(getattr(values, "type", "")).startswith("run_end_encoded"):
        return values
    import pyarrow.compute

    return pyarrow.compute.run_end_decode(values)


def numpy_of_tensor(tensor, name="tokens"):
    """The numbers of a tensor of torch, from any device; gradients are left behind."""
    try:
        return tensor.numpy()
    except (TypeError, RuntimeError):
        pass  # of bfloat16, with gradients, on another device, or not to be read at all
    try:
        tensor = tensor.detach().cpu().resolve_conj()
        # NumPy has no bfloat16; all floats of one or two bytes become float64, as those of NumPy do
        return (tensor.double() if tensor.is_floating_point() and tensor.dtype.itemsize <= 2 else tensor).numpy()
    except (TypeError, RuntimeError) as error:  # sparse, quantized, nested or meta tensors
        raise ValueError(f"{name} cannot be read as an array ({error}).") from error


def columns_of(frame):
    """Pairs (name, column) of a data frame or table of pandas, polars or pyarrow, or of an array of records; else None."""
    library = library_of(frame)
    if type(frame).__name__ == "LazyFrame":
        raise ValueError("A LazyFrame holds no data yet; pass X.collect().")
    if library == "pandas" and hasattr(frame, "columns"):
        return list(frame.items())
    if library == "polars" and str(getattr(frame, "dtype", "")).startswith("Struct"):
        frame = frame.struct.unnest()
    if library == "polars" and hasattr(frame, "get_columns"):
        return list(zip(frame.columns, frame.get_columns()))
    if library == "pyarrow" and hasattr(frame, "schema"):
        return list(zip(frame.schema.names, frame.columns))
    if library == "awkward" and getattr(frame, "fields", None) and frame.ndim == 1:
        frame = awkward_to_arrow(frame)
    if hasattr(frame, "flatten") and names_of_fields(getattr(frame, "type", None)) is not None:
        return list(zip(names_of_fields(frame.type), frame.flatten()))
    return None


def names_of_fields(arrow_type):
    """Names of the fields of an Arrow type of records; None for other types."""
    if not str(arrow_type).startswith("struct<"):
        return None
    return [arrow_type.field(i).name for i in range(arrow_type.num_fields)]


def awkward_to_arrow(X):
    """The Arrow array of the same content, with the memory of the Awkward array."""
    with extra("interop"):
        import awkward

    try:
        return awkward.to_arrow(X, list_to32=False, extensionarray=False)
    except NotImplementedError as error:  # of pyarrow
        raise ValueError(
            f"tokens must be real numbers, got Awkward type {X.type}; stack real and imaginary parts of complex numbers."
        ) from error


def _array_of_columns(frame, columns):
    """Columns side by side; each is read alone, since a library may turn dates beside numbers into numbers."""
    if all(holds_plain_numbers(column) for _, column in columns):
        is_table = len(getattr(frame, "shape", ())) == 2  # arrays of records are none
        if is_table and (len(columns) > _FEW_COLUMNS or len(frame) > _FEW_ROWS):
            return np.asarray(frame)  # no copy, if the library needs none
        return np.column_stack([np.asarray(column) for _, column in columns])
    read = [as_numbers(column, f"entries of column {name!r}") for name, column in columns]
    return np.column_stack(read)


def _numbers_of_objects(array, name):
    """Numbers and missing values in an array of objects as float64; raise for other objects."""
    values = array.ravel().tolist()
    if {_kind_of_class(cls) for cls in set(map(type, values))} - {"numbers"}:
        kinds = list(map(kind_of, values))
        for i, kind in enumerate(kinds):
            if kind not in ("numbers", "missing"):
                _refuse(kind, name, array, np.unravel_index(i, array.shape))
        array = array.copy()
        array[np.reshape([kind == "missing" for kind in kinds], array.shape)] = np.nan
    try:
        floats = array.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        for index in np.ndindex(array.shape):
            try:
                float(array[index])
            except OverflowError:
                _refuse_large(name, array, index)
            except (TypeError, ValueError):
                _refuse("objects", name, array, index)
        raise
    _refuse_too_large(array, floats, name)
    return floats


def _refuse_too_large(array, floats, name):
    """Raise ValueError if a finite number became infinite."""
    for index in zip(*np.nonzero(np.isinf(floats))):
        if abs(array[index]) != np.inf:
            _refuse_large(name, array, index)


def _refuse_large(name, array, index):
    raise ValueError(
        f"{name} hold numbers that are too large for float64 ({_shown(array, index)}), whose largest is 1.8e308; divide them "
        "by a constant first."
    ) from None


def _refuse(kind, name, array, index):
    """Raise the error for the entry of an array that is of this kind."""
    shown = _shown(array, index)
    if kind == "objects":
        remedy = (
            "; for tokens that are records write pandas.DataFrame(records)" if isinstance(array[index], dict) else ""
        )
        # "argument must be .* string.* number" is the wording that scikit-learn's estimator checks search for
        raise TypeError(
            f"{name} must be real numbers, but hold an object of type {type(array[index]).__name__} ({shown}); an argument "
            f"must be made of numbers: a text, string or other object is no number{remedy}."
        )
    begin = "Complex data not supported: " if kind == "complex numbers" else ""
    raise ValueError(f"{begin}{name} must be real numbers, but hold {kind} ({shown}): {_ADVICE[kind]}")


def _shown(array, index):
    """A value, and its index unless it is alone, as a message shows them."""
    if not array.size:
        return "none"
    value = array[index]
    if isinstance(value, (np.datetime64, np.timedelta64)):
        text = str(value)
    else:  # scalars of NumPy as Python writes them
        text = repr(value.item() if isinstance(value, np.generic) else value)
    text = text if len(text) <= 40 else text[:37] + "..."
    return f"{text} at index {[int(i) for i in index]}" if index else text
