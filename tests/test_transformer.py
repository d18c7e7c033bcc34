"""Transformer: counts, its file, equality."""

import numpy as np
import pytest
from cases.files import file_of, section
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


def test_a_missing_file_is_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        Transformer.load(tmp_path / "none.npz")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"entries": lambda e: e[:, None]}, r"its entries are float64 of shape \(37, 1\)"),
        ({"entries": lambda e: e.astype(np.float32)}, r"its entries are float32 of shape \(37,\)"),
        ({"entries": lambda e: e * np.nan}, "its section 'entries' holds NaN or infinity"),
        ({"entries": lambda e: np.append(e, 0.0)}, "38 weights where the layers need 37"),
        ({"entries": lambda e: e[:-1]}, "cannot reshape"),
        ({"sizes": lambda s: -s}, "its sizes are negative"),
        ({"kinds": lambda k: k - 1}, "its kinds are negative"),
        ({"kinds": lambda k: k + 2}, "out of range"),
        ({"kinds": lambda k: k.astype(float)}, r"its kinds are float64 of shape \(4,\)"),
        ({"kinds": lambda k: k[:0], "sizes": lambda s: s[:0], "entries": lambda e: e[:0]}, "at least one layer"),
        ({"sizes": lambda s: s * 2**61}, "cannot reshape"),
        ({"sizes": lambda s: s.astype(float)}, r"its sizes are float64 of shape \(4, 2\)"),
        ({"sizes": lambda s: s.ravel()}, r"its sizes are int64 of shape \(8,\)"),
        ({"sizes": lambda s: s[:3]}, "shorter"),
        ({"sizes": lambda s: np.hstack([s, s])}, "positional arguments"),
        ({"names": lambda n: np.arange(2)}, r"its names are int64 of shape \(2,\)"),
        ({"names": lambda n: [*n, "more"]}, "cannot reshape"),
    ],
)
def test_a_file_of_other_shapes_or_dtypes_is_refused(tmp_path, changed, message):
    layers = example().layers
    parts = {
        "names": list(example().names),
        "kinds": np.array([0, 1, 1, 0]),
        "sizes": np.array([layer.sizes for layer in layers]),
        "entries": np.concatenate([np.ravel(getattr(f, n)) for f in layers for n in f.array_names + f.scalar_names]),
    }
    path = tmp_path / "weights"
    path.write_bytes(file_of("Transformer", *(section(*part) for part in parts.items())))
    assert Transformer.load(path) == example()
    for name, change in changed.items():
        parts[name] = change(parts[name])
    path.write_bytes(file_of("Transformer", *(section(*part) for part in parts.items())))
    with pytest.raises(ValueError, match=f"weights' is damaged: .*{message}"):
        Transformer.load(path)
