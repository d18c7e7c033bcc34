"""Fixtures of this folder."""

import pytest


@pytest.fixture
def one_torch_thread():
    """As many workers run side by side as there are cores."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
