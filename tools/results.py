"""What the tools that measure stored results share: seeds, the facts of a run, a file that is never half-written."""

import datetime
import hashlib
import json
import os
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy
import sklearn
import torch
from safetensors.torch import save_file
from torch import Tensor

from genlib.run import Clock

ROOT = Path(__file__).parents[1]
DATA, ASSETS = ROOT / "book" / "_data", ROOT / "genlib" / "assets"


def over_seeds(measure: Callable[[int], dict], seeds: Sequence[int]) -> dict[str, list]:
    """Call `measure` with every seed and collect each of its numbers in a list."""
    runs = [measure(seed) for seed in seeds]
    return {name: [run[name] for run in runs] for name in runs[0]}


def facts() -> dict:
    """What a reader needs in order to measure the same again."""
    return {
        "date": datetime.date.today().isoformat(),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": numpy.__version__,
            "scikit-learn": sklearn.__version__,
        },
        "threads": int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1)),
    }


def write(content: dict, path: Path) -> None:
    """Write JSON whole or not at all."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(path)


def write_asset(tensors: Mapping[str, Tensor], target: Path, card: dict, cpu_s: float) -> None:
    """Write tensors as `target`.safetensors, and beside them their card: what they are, and how to make them again."""
    weights = target.with_suffix(".safetensors")
    save_file(dict(tensors), weights)
    made = {
        "cpu_s": round(cpu_s, 1),
        "device": "cpu",
        "threads": torch.get_num_threads(),
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "date": datetime.date.today().isoformat(),
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
    }
    write(card | made, target.with_suffix(".json"))
    print(f"wrote {weights.name}")


def measure_sections(
    sections: Mapping[str, Callable[[], dict]], names: Sequence[str], about: dict, target: Path
) -> None:
    """Measure the named sections, or all, write after each one, and keep the others as they are stored.

    Args:
        about: what to store beside `facts()`: the command, seeds, recipe.
    """
    if unknown := set(names) - set(sections):
        sys.exit(f"expected names among {', '.join(sections)}, got {', '.join(sorted(unknown))}")
    torch.set_num_threads(1)
    content = json.loads(target.read_text(encoding="utf-8")) if target.exists() else {}
    for name in names or sections:
        with Clock() as clock:
            found = sections[name]()
        date = datetime.date.today().isoformat()
        content[name] = {"date": date, "total_cpu_s": clock.cpu_s} | found
        print(f"{name}: {clock.cpu_s:.0f} CPU-seconds", flush=True)
        ordered = {name: content[name] for name in sections if name in content}
        write(facts() | about | ordered, target)
