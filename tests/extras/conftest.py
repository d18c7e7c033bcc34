"""Fixtures of this folder."""

import pytest
import torch

# with its first nested tensor torch loads its compiler, which changes the environment: here, not in a test
torch.nested.nested_tensor([torch.zeros(1, 1)], layout=torch.jagged)


@pytest.fixture
def one_torch_thread():
    """As many workers run side by side as there are cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
