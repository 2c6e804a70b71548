"""Run every notebook in the cpu budget and store what it costs in book/_data/timings.json: `make timings`.

With names (`python -m tools.make_timings 06a_guidance`) only these are measured, and the others stay as stored.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import torch

from genlib.run import workload
from genlib.table import stored
from tools.results import DATA, ROOT, cpu_s_of_children, expect_names, facts, write


def measure(notebook: Path) -> dict[str, float]:
    """CPU-seconds (all processes and threads) and wall-clock seconds of one execution, start of the kernel included."""
    before, start = cpu_s_of_children(), time.perf_counter()
    command = [sys.executable, "-m", "jupyter", "execute", str(notebook), "--output", "/dev/null"]
    budget = {"GENLIB_BUDGET": "cpu", "GENLIB_STATIC": "1", "OMP_NUM_THREADS": "1"}
    subprocess.run(command, check=True, cwd=ROOT, env=os.environ | budget, capture_output=True)
    cpu_s = cpu_s_of_children() - before
    return {"cpu_s": round(cpu_s, 1), "wall_s": round(time.perf_counter() - start, 1)}


def main() -> None:
    torch.set_num_threads(1)
    paths = {path.stem: path for path in sorted((ROOT / "notebooks").glob("*.ipynb"))}
    names = sys.argv[1:]
    expect_names(names, list(paths))
    kept = stored("timings")["notebooks"] if names else {}
    found = kept | {name: measure(paths[name]) for name in names or paths}
    notebooks = {name: found[name] for name in paths if name in found}
    total = round(sum(n["cpu_s"] for n in notebooks.values()), 1)
    measured = {
        "total_cpu_s": total,
        "workload_s": round(min(workload() for _ in range(3)), 3),
        "notebooks": notebooks,
    }
    write({"command": "make timings"} | facts() | measured, DATA / "timings.json")
    print(f"timings.json: {total} CPU-seconds in all")


if __name__ == "__main__":
    main()
