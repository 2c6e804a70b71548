import pytest
import torch

pytest.register_assert_rewrite("checking")


@pytest.fixture(autouse=True)
def seeded():
    """Every test starts from the same seed and leaves the global random state as it was."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield
