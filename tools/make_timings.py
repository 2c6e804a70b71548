"""Run every notebook in the cpu budget and store what it costs in book/_data/timings.json.

make timings
"""

import json
import os
import platform
import resource
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import torch

from genlib.run import workload

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "book" / "_data" / "timings.json"


def measure(notebook: Path) -> dict[str, float]:
    """CPU-seconds (all processes and threads) and wall-clock seconds of one execution, start of the kernel included."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-m", "jupyter", "execute", str(notebook), "--output", "/dev/null"]
    environment = os.environ | {
        "GENLIB_BUDGET": "cpu",
        "GENLIB_STATIC": "1",
        "OMP_NUM_THREADS": "1",
    }
    subprocess.run(command, check=True, cwd=ROOT, env=environment, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu_s": round(cpu_s, 1), "wall_s": round(time.perf_counter() - start, 1)}


def main() -> None:
    notebooks = {p.stem: measure(p) for p in sorted((ROOT / "notebooks").glob("*.ipynb"))}
    result = {
        "command": "make timings",
        "date": date.today().isoformat(),
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "threads": 1,
        "workload_s": round(min(workload() for _ in range(3)), 3),
        "notebooks": notebooks,
        "total_cpu_s": round(sum(n["cpu_s"] for n in notebooks.values()), 1),
    }
    OUT.write_text(json.dumps(result, indent=1) + "\n")
    print(f"{OUT.relative_to(ROOT)}: {result['total_cpu_s']} CPU-seconds in all")


if __name__ == "__main__":
    main()
