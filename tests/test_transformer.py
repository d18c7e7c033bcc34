"""Transformer: counts, its file, equality."""

import pickle
import zipfile

import numpy as np
import pytest
from cases.transformer import example

from sklearn_hardmax import Attention, Transformer


def test_counts_are_those_of_a_hand_count():
    # first layer: U 4 + b 2 + W 4 + eta 1 = 11; leader: 2 + 2 + 2 + 2 + 1 = 9; uniform: 0 + 0 + 4 + 4 + 1 = 9;
    # last: 2 + 1 + 2 + 1 = 6
    assert example().n_parameters == 11 + 9 + 9 + 6
    # non-zero: 3 + 1 + 2 + 0, then 1 + 1 + 2 + 1 + 1, then 4 (two identities) + 1, then 0 + 1 + 1 + 1
    assert example().n_nonzero == 6 + 6 + 5 + 3
    assert example().width == 2
    assert example().token_dim == 2


def test_a_block_is_an_optional_attention_followed_by_an_optional_feed_forward_layer():
    F, A = example().layers[0], example().layers[1]
    assert example().n_blocks == 3  # F | A | A F
    for layers, blocks in (
        ([F], 1),
        ([A], 1),
        ([A, F], 1),
        ([F, A], 2),
        ([F, F], 2),
        ([A, A], 2),
        ([A, F, A, F, F], 3),
    ):
        assert Transformer(layers).n_blocks == blocks


def test_saving_and_loading_gives_the_same_bits(tmp_path):
    path = tmp_path / "weights"
    example().save(path)
    assert Transformer.load(path) == example()
    assert Transformer.load(path).names == ("code", "digit")
    assert [p.name for p in tmp_path.iterdir()] == ["weights"]


def test_a_failed_save_leaves_the_old_file_and_no_part_of_a_new_one(tmp_path, monkeypatch):
    example().save(tmp_path / "weights")
    written = np.savez

    def full(file, **arrays):
        written(file, **arrays)
        raise OSError("No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space left"):
        Transformer(example().layers[:1]).save(tmp_path / "weights")
    assert [path.name for path in tmp_path.iterdir()] == ["weights"]
    assert Transformer.load(tmp_path / "weights") == example()


def test_equality_sees_every_weight_and_scalar():
    layer = example().layers[1]
    assert layer == Attention(layer.query, layer.key, layer.value, layer.output, layer.rho, layer.temperature)
    assert layer != Attention(layer.query, layer.key, layer.value, layer.output, layer.rho, 0.1)
    assert layer != Attention(layer.query, layer.key + 1, layer.value, layer.output, layer.rho)
    assert example() != Transformer(example().layers)
    assert example() != example().layers


def test_a_layer_of_another_kind_is_refused():
    with pytest.raises(TypeError, match="Layer 0 must be FeedForward, Attention or ThirdOrderAttention, got str"):
        Transformer(["dense"])


def corrupted(path, how):
    data = path.read_bytes()
    if how == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif how == "text":
        path.write_text("not a file of weights")
    elif how == "flipped":
        path.write_bytes(data[:-200] + bytes(255 - b for b in data[-200:]))
    elif how == "foreign":
        with open(path, "wb") as file:
            np.savez(file, weights=np.zeros(3))
    elif how == "pickle":
        with open(path, "wb") as file:
            np.savez(file, format=np.array([object()]), names=1, kinds=1, sizes=1, entries=1)
    elif how == "other version":
        with np.load(path) as file:
            parts = {name: file[name] for name in file}
        with open(path, "wb") as file:
            np.savez(file, **{**parts, "format": np.array("sklearn_hardmax.Transformer/0")})
    elif how == "too few weights":
        with np.load(path) as file:
            parts = {name: file[name] for name in file}
        with open(path, "wb") as file:
            np.savez(file, **{**parts, "entries": parts["entries"][:-1]})
    elif how == "empty archive":
        with zipfile.ZipFile(path, "w"):
            pass


@pytest.mark.parametrize(
    "how", ["cut", "text", "flipped", "foreign", "pickle", "other version", "too few weights", "empty archive"]
)
def test_a_damaged_or_foreign_file_is_refused_by_name(tmp_path, how):
    path = tmp_path / "weights.npz"
    example().save(path)
    corrupted(path, how)
    with pytest.raises(ValueError, match=r"weights\.npz' holds no Transformer as written by save, or a damaged one"):
        Transformer.load(path)


def test_a_missing_file_is_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        Transformer.load(tmp_path / "none.npz")


def rewritten(path, **changed):
    """The file with some of its parts replaced."""
    with np.load(path) as file:
        parts = {name: file[name] for name in file}
    with open(path, "wb") as file:
        np.savez(file, **{**parts, **{name: change(parts[name]) for name, change in changed.items()}})


class Trap:
    """Says so when it is unpickled."""

    def __reduce__(self):
        return pytest.fail, ("a file was unpickled",)


def test_loading_unpickles_nothing(tmp_path):
    path = tmp_path / "weights.npz"
    example().save(path)
    with np.load(path) as file:
        names = list(file)
    for name in names:
        example().save(path)
        rewritten(path, **{name: lambda part: np.full(part.shape, Trap(), dtype=object)})
        with pytest.raises(
            ValueError, match=r"holds no Transformer as written by save.*Object arrays cannot be loaded"
        ):
            Transformer.load(path)
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ValueError, match=r"holds no Transformer as written by save.*pickled"):
        Transformer.load(path)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"entries": lambda e: e[:, None]}, r"its entries are float64 of shape \(37, 1\)"),
        ({"entries": lambda e: e.astype(complex)}, "its entries are complex128"),
        ({"entries": lambda e: e.astype(str)}, "its entries are <U"),
        ({"entries": lambda e: e * np.nan}, "FeedForward.U contains NaN"),
        ({"entries": lambda e: np.append(e, 0.0)}, "38 weights where the layers need 37"),
        ({"sizes": lambda s: -s}, "its sizes are negative"),
        ({"kinds": lambda k: k - 1}, "its kinds are negative"),
        ({"kinds": lambda k: k + 2}, "out of range"),
        ({"kinds": lambda k: k == 1}, "its kinds are bool"),
        ({"sizes": lambda s: s * 2**61}, "cannot reshape"),
        ({"sizes": lambda s: s.astype(float)}, r"its sizes are float64 of shape \(4, 2\)"),
        ({"sizes": lambda s: s.ravel()}, r"its sizes are int64 of shape \(8,\)"),
        ({"sizes": lambda s: s[:3]}, "shorter"),
        ({"sizes": lambda s: np.hstack([s, s])}, "positional arguments"),
        ({"names": lambda n: np.arange(2)}, "its names are int64"),
        ({"names": lambda n: n[None]}, r"its names are <U5 of shape \(1, 2\)"),
        ({"names": lambda n: np.append(n, "more")}, "cannot reshape"),
    ],
)
def test_a_file_of_other_shapes_or_dtypes_is_refused(tmp_path, changed, message):
    path = tmp_path / "weights.npz"
    example().save(path)
    rewritten(path, **changed)
    with pytest.raises(ValueError, match=rf"holds no Transformer as written by save, or a damaged one: .*{message}"):
        Transformer.load(path)
