"""What the tools here share: where things are, what the machine is, and the regions of docs/performance.md they write."""

import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = ROOT / "build/release/bin"
MODELS = ROOT / "build/bench"
PAGE = ROOT / "docs/performance.md"
PLOTS = ROOT / "docs/performance"
TOKENIZER = ROOT / "tests/unit/coordinator/text/data/mixtral_tokenizer.model"
RATE = re.compile(r"^(prefill|batch) (\d+) tokens_per_second ([\d.]+)", re.MULTILINE)


def run(*command: str | pathlib.Path | int, stderr: int | None = subprocess.DEVNULL) -> str:
    words = [str(word) for word in command]
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, stderr=stderr, text=True).stdout


def rates(output: str) -> dict[str, float]:
    """What bench_engine, bench_cluster and llama_rates.py print, by measurement."""
    return {f"{what} {size}": float(rate) for what, size, rate in RATE.findall(output)}


def is_readable(model: pathlib.Path) -> bool:
    return subprocess.run([BIN / "windrose", "inspect", model], capture_output=True).returncode == 0


def ensure_model(number_format: str, layers: int) -> pathlib.Path:
    """Layers of Mixtral dimensions with random weights, packed; written once for each version of the formats."""
    model = MODELS / f"mixtral-{layers}-{number_format}"
    if not is_readable(model):
        shutil.rmtree(model, ignore_errors=True)
        MODELS.mkdir(parents=True, exist_ok=True)
        dtype = "pbf16" if number_format == "bf16" else number_format
        run(BIN / "windrose", "synth", model, "--like", "mixtral-8x7b", "--layers", layers, "--dtype", dtype,
            "--tokenizer", TOKENIZER)  # fmt: skip
    return model


def evict(*places: pathlib.Path) -> None:
    """Takes files, or those of folders, out of the page cache."""
    for path in (file for place in places for file in (place.iterdir() if place.is_dir() else [place])):
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def processor() -> str:
    found = re.search(r"model name\s*: (.+)", pathlib.Path("/proc/cpuinfo").read_text())
    return found.group(1) if found else platform.processor()


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(cells) + " |" for cells in lines]


def require_regions(*names: str) -> None:
    """Ends the program before anything is measured in vain."""
    page = PAGE.read_text()
    for name in names:
        if f"<!-- {name} -->" not in page or f"<!-- end of {name} -->" not in page:
            sys.exit(f"{PAGE} has no region called {name}: it stands between <!-- {name} --> and <!-- end of {name} -->.")


def write_region(name: str, lines: list[str]) -> None:
    """Replaces what stands between the region's two comments."""
    require_regions(name)
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    page = PAGE.read_text()
    before, after = page.index(begin) + len(begin), page.index(end)
    PAGE.write_text(page[:before] + "\n" + "\n".join(lines) + "\n" + page[after:])


def file_name(region: str) -> str:
    return region.replace(",", "").replace(" ", "_").lower()


def save_plot(figure, name: str) -> None:
    """As SVG; the same figures give the same file."""
    import matplotlib

    matplotlib.rcParams["svg.hashsalt"] = "windrose"
    PLOTS.mkdir(exist_ok=True)
    figure.tight_layout()
    figure.savefig(PLOTS / f"{name}.svg", metadata={"Date": None})
