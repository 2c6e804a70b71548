import shutil
from pathlib import Path

import pytest
import torch

pytest.register_assert_rewrite("checking")


@pytest.fixture(autouse=True)
def seeded():
    """Every test starts from the same seed and leaves the global random state as it was."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the repository without anything built."""
    from test_repository import ROOT, house_files

    for path in house_files():
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    return tmp_path
