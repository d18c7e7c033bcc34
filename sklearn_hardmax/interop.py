"""Containers of other libraries to the pair (tokens, offsets), and back; each library is imported where it is used.

All of them hold sequences in one of three layouts. *Nested*: a list of lists of tokens, flat values and offsets (Arrow,
Awkward, jagged tensors), which is ours, so that nothing is copied. *Columns*: one list a sequence and a feature, in a data
frame. *Long*: one row a token, and a column that names its sequence. Lists of plain numbers are series of one channel.
"""

import warnings

from sklearn_hardmax.converters import from_list

# -- torch -------------------------------------------------------------------------------------------------------------


def from_torch(nested):
    """A nested tensor (N, ragged, token_dim) of either layout, from any device."""
    import torch

    if not isinstance(nested, torch.Tensor) or not nested.is_nested or nested.dim() != 3:
        what = f"{type(nested).__name__}"
        if isinstance(nested, torch.Tensor):
            what = f"a {'nested ' * nested.is_nested}tensor of {nested.dim()} dimensions"
        raise ValueError(f"from_torch takes a nested tensor of shape (n_sequences, ragged, token_dim), got {what}.")
    nested = nested.detach()
    # the second dimension is what is ragged, and there are no holes
    if nested.layout == torch.jagged and isinstance(nested.shape[1], torch.SymInt) and nested.lengths() is None:
        return _numbers(nested.values()), nested.offsets().cpu().numpy()
    return from_list([_numbers(component) for component in nested.unbind()])


def _numbers(tensor):
    tensor = tensor.cpu()
    return (tensor if tensor.dtype.itemsize > 2 else tensor.float()).numpy()  # NumPy knows no bfloat16


def to_torch(tokens, offsets):
    """A jagged nested tensor on the memory of the tokens."""
    import torch

    with warnings.catch_warnings():  # that the memory is read-only; the docstring says so
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable", category=UserWarning)
        values, offsets = torch.from_numpy(tokens), torch.from_numpy(offsets)
    return torch.nested.nested_tensor_from_jagged(values, offsets)
