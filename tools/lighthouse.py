"""Measure the built book by Lighthouse and store the medians: `make lighthouse` (needs npm and Chromium).

The site is served as a server in the world does it, compressed and kept by the browser; five pages, on a pretended
phone with a slow line and on a desktop, three runs each. `python -m tools.lighthouse --site DIR book/glossary` measures
some pages of another folder and stores nothing. The performance score counts how busy the page keeps the machine:
`benchmark`, which says how fast the machine was, stands beside it, and only a machine without other work is fair.
"""

import argparse
import gzip
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
from datetime import date
from functools import cache
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
STORED = ROOT / "book" / "_data" / "lighthouse.json"
PROGRAM = ROOT / "_build" / "lighthouse"
VERSION = "12.2.3"  # later ones need Node 22
PAGES = (
    "book/index",
    "book/05_denoising_diffusion",
    "notebooks/05b_ddpm_on_digits",
    "notebooks/01b_digits_by_statistics",
    "book/glossary",
)
PRESETS = {"mobile": [], "desktop": ["--preset=desktop"]}
CATEGORIES = {
    "performance": "performance",
    "accessibility": "accessibility",
    "best_practices": "best-practices",
    "seo": "seo",
}
AUDITS = {  # name in the file, name of the audit, what one unit of ours holds of the audit's
    "first_paint_s": ("first-contentful-paint", 1000),
    "largest_paint_s": ("largest-contentful-paint", 1000),
    "blocked_ms": ("total-blocking-time", 1),
    "shift": ("cumulative-layout-shift", 1),
    "kb": ("total-byte-weight", 1000),
}
COMPRESSED = {".html", ".css", ".js", ".svg", ".json", ".txt"}


class Server(http.server.SimpleHTTPRequestHandler):
    """Files of a folder, text among them compressed, over connections that stay open."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        body = compressed(path)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "max-age=600")
        if path.suffix in COMPRESSED:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_) -> None:
        """Say nothing."""


@cache
def compressed(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.compress(data, 6, mtime=0) if path.suffix in COMPRESSED else data


def serve(site: Path) -> http.server.ThreadingHTTPServer:
    """A running server of this folder; end it by `shutdown`."""

    def handler(*arguments):
        return Server(*arguments, directory=str(site))

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def install() -> Path:
    """Lighthouse's program; npm brings it the first time."""
    program = PROGRAM / "node_modules" / "lighthouse" / "cli" / "index.js"
    if not program.exists():
        if shutil.which("npm") is None:
            sys.exit("make lighthouse: expected npm on the PATH, got none (it comes with Node.js)")
        PROGRAM.mkdir(parents=True, exist_ok=True)
        what = ["--no-save", "--no-audit", "--no-fund", f"lighthouse@{VERSION}"]
        subprocess.run(["npm", "install", "--prefix", PROGRAM, *what], check=True, cwd=PROGRAM)
    return program


def run(address: str, preset: str, program: Path) -> dict:
    """One run: scores in percent, times, bytes, requests."""
    flags = "--chrome-flags=--headless=new --no-sandbox --disable-gpu"
    command = ["node", program, address, "--output=json", "--quiet", flags, *PRESETS[preset]]
    chrome = os.environ.get("CHROMIUM") or shutil.which("chromium") or ""
    done = subprocess.run(
        command, env=os.environ | {"CHROME_PATH": chrome}, capture_output=True, encoding="utf-8"
    )
    if done.returncode:
        sys.exit(f"make lighthouse: {address}: {done.stderr.strip()[-500:]}")
    return numbers(json.loads(done.stdout))


def numbers(report: dict) -> dict:
    """What is kept of a report; a score that could not be computed is 0."""
    audits = report["audits"]
    found = {
        name: round(100 * (report["categories"][category]["score"] or 0))
        for name, category in CATEGORIES.items()
    }
    for name, (audit, unit) in AUDITS.items():
        found[name] = round(audits[audit]["numericValue"] / unit, 3)
    requests = audits["network-requests"]["details"]["items"]
    found["requests"] = sum(not item["url"].startswith("data:") for item in requests)
    found["benchmark"] = round(report["environment"]["benchmarkIndex"])
    return found


def middle(runs: list[dict]) -> dict:
    """The median of every number."""
    return {name: median(run[name] for run in runs) for name in runs[0]}


def table(measured: dict) -> str:
    names = (
        "performance",
        "accessibility",
        "best_practices",
        "seo",
        *AUDITS,
        "requests",
        "benchmark",
    )
    lines = [" | ".join(["page", "preset", *names])]
    for page, presets in measured.items():
        for preset, found in presets.items():
            lines.append(" | ".join([page, preset, *(f"{found[name]:g}" for name in names)]))
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    asked = argparse.ArgumentParser("python -m tools.lighthouse", description=__doc__)
    asked.add_argument("pages", nargs="*", default=PAGES)
    asked.add_argument("--site", type=Path, default=ROOT / "_build" / "html")
    asked.add_argument("--runs", type=int, default=3)
    asked = asked.parse_args(arguments)
    if not (asked.site / "index.html").exists():
        sys.exit(f"make lighthouse: expected a built book in {asked.site}, got none (`make book`)")
    program, server = install(), serve(asked.site)
    measured: dict = {}
    for page in asked.pages:
        address = f"http://127.0.0.1:{server.server_port}/{page}.html"
        measured[page] = {
            preset: middle([run(address, preset, program) for _ in range(asked.runs)])
            for preset in PRESETS
        }
        print(table({page: measured[page]}), flush=True)
    server.shutdown()
    if asked.site == ROOT / "_build" / "html" and tuple(asked.pages) == PAGES:
        chromium = subprocess.run(
            [os.environ.get("CHROMIUM") or "chromium", "--version"],
            capture_output=True,
            encoding="utf-8",
        )
        node = subprocess.run(["node", "--version"], capture_output=True, encoding="utf-8")
        versions = {
            "lighthouse": VERSION,
            "chromium": chromium.stdout.strip(),
            "node": node.stdout.strip(),
        }
        about = {"command": "make lighthouse", "date": str(date.today()), "versions": versions}
        stored = about | {"runs": asked.runs, "pages": measured}
        STORED.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
