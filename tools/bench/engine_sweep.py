"""Measures the whole engine over batch sizes and prompt lengths, and two experts a token against all eight.

Beside each rate stands the limit of the same run: the time that reading the weights or computing would take at least, at
the bandwidth and the rate of products that bench_engine measures when it starts.
"""

import argparse
import dataclasses
import json
import pathlib
import re

import page

LINE = re.compile(
    r"^(prefill|batch) (\d+) tokens_per_second ([\d.]+) megabytes_per_token ([\d.]+) megaoperations_per_token ([\d.]+)",
    re.MULTILINE,
)
MACHINE = re.compile(r"^machine threads (\d+) instruction_set (\S+) memory_gb ([\d.]+) arithmetic_gop ([\d.]+)", re.MULTILINE)
SAVED = page.MODELS / "engine_sweep.json"
IMAGE = "![Tokens per second over batch sizes and prompts, llama.cpp's, and the limits](performance/engine_sweep.svg)"


@dataclasses.dataclass
class Point:
    size: int
    rate: float  # tokens per second
    megabytes: float  # of weights, for each token
    megaoperations: float  # likewise
    memory_limit: float  # tokens per second
    arithmetic_limit: float  # likewise

    @property
    def limit(self) -> float:
        return min(self.memory_limit, self.arithmetic_limit)


@dataclasses.dataclass
class Sweep:
    machine: str
    batches: list[Point]
    prefills: list[Point]


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--formats", default="q4,q8")
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--batches", default="1,2,4,8,16,32,64")
    parser.add_argument("--prefills", default="128,512,1024,2048,4096")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="write docs/performance.md and the plot")
    parser.add_argument("--saved", action="store_true", help="what the last run measured, instead of measuring")
    return parser.parse_args()


def sweep(model: pathlib.Path, arguments: argparse.Namespace, *options: str) -> Sweep:
    output = page.run(page.BIN / "bench_engine", "--model", model, "--threads", arguments.threads,
                      "--runs", arguments.runs, *options)  # fmt: skip
    threads, instructions, memory, arithmetic = MACHINE.search(output).groups()
    points = {"batch": [], "prefill": []}
    for what, size, *numbers in LINE.findall(output):
        rate, megabytes, megaoperations = map(float, numbers)
        limits = float(memory) * 1e3 / megabytes, float(arithmetic) * 1e3 / megaoperations
        points[what].append(Point(int(size), rate, megabytes, megaoperations, *limits))
    machine = f"{instructions}, {threads} threads: memory {memory} GB/s, products {arithmetic} Gop/s"
    return Sweep(machine, points["batch"], points["prefill"])


def sweep_table(sweeps: dict[str, Sweep]) -> list[str]:
    head = ["format", "what", "tokens/s", "MB a token", "limit of memory", "limit of products", "of the lower limit"]
    rows = []
    for number_format, found in sweeps.items():
        for what, points in [("batch", found.batches), ("prefill", found.prefills)]:
            rows += [[number_format, f"{what} {p.size}", f"{p.rate:.1f}", f"{p.megabytes:.1f}", f"{p.memory_limit:.0f}",
                      f"{p.arithmetic_limit:.0f}", f"{p.rate / p.limit:.0%}"] for p in points]  # fmt: skip
    machines = [f"{number_format}: {found.machine}." for number_format, found in sweeps.items()]
    return [f"{page.processor()}. " + " ".join(machines), "", *page.table(head, rows)]


def mixture_table(two: Sweep, eight: Sweep) -> list[str]:
    head = ["", "2 experts", "8 experts", "speed", "MB a token", "fewer bytes", "Mop a token", "fewer operations"]
    rows = []
    for what in ["batches", "prefills"]:
        for few, all_of_them in zip(getattr(two, what), getattr(eight, what)):
            name = f"{'batch' if what == 'batches' else 'prefill'} {few.size}"
            rows.append([name, f"{few.rate:.1f}", f"{all_of_them.rate:.1f}", f"x {few.rate / all_of_them.rate:.2f}",
                         f"{few.megabytes:.0f} / {all_of_them.megabytes:.0f}", f"x {all_of_them.megabytes / few.megabytes:.2f}",
                         f"{few.megaoperations:.0f} / {all_of_them.megaoperations:.0f}",
                         f"x {all_of_them.megaoperations / few.megaoperations:.2f}"])  # fmt: skip
    return [f"{page.processor()}. {two.machine}.", "", *page.table(head, rows)]


def beside(number_format: str, what: str) -> tuple[list[int], list[float]]:
    """llama.cpp's rates, where side_by_side.py has measured them."""
    path = page.MODELS / "side_by_side.json"
    found = json.loads(path.read_text()).get(number_format, {}).get("llama.cpp", {}) if path.exists() else {}
    rates = {int(name.split()[1]): sorted(values)[len(values) // 2] for name, values in found.items() if name.startswith(what)}
    return sorted(rates), [rates[size] for size in sorted(rates)]


def plot(sweeps: dict[str, Sweep]) -> None:
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, 2, figsize=(10, 4.2))
    for axes, what, points_of in [(panels[0], "batch", "batches"), (panels[1], "prefill", "prefills")]:
        for color, (number_format, found) in zip(["C0", "C1", "C2"], sweeps.items()):
            points = getattr(found, points_of)
            sizes = [point.size for point in points]
            axes.plot(sizes, [point.rate for point in points], "o-", color=color, label=f"Windrose {number_format}")
            axes.plot(sizes, [point.limit for point in points], "--", color=color, alpha=0.5, label=f"limit {number_format}")
            axes.plot(*beside(number_format, what), "s:", color=color, alpha=0.8, label=f"llama.cpp {number_format}")
        axes.set_xscale("log", base=2)
        axes.set_yscale("log", base=2)
        axes.set_xticks(sizes, [str(size) for size in sizes])
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.set_xlabel("sequences decoded at once" if what == "batch" else "tokens of the prompt")
        axes.set_ylabel("tokens per second")
        axes.grid(alpha=0.3)
    panels[0].legend(fontsize=8)
    page.save_plot(figure, "engine_sweep")


def measure(arguments: argparse.Namespace) -> dict[str, Sweep]:
    """By format, and two experts of the first format's as `two` against all, `eight`."""
    shape = ["--batches", arguments.batches, "--prefills", arguments.prefills]
    formats = arguments.formats.split(",")
    found = {name: sweep(page.ensure_model(name, arguments.layers), arguments, *shape) for name in formats}
    first = page.ensure_model(formats[0], arguments.layers)
    few = ["--batches", "1,8,32", "--prefills", "512"]
    for name, count in [("two", "2"), ("eight", "8")]:
        found[name] = sweep(first, arguments, *few, "--experts-per-token", count)
    SAVED.write_text(json.dumps({name: dataclasses.asdict(each) for name, each in found.items()}, indent=1))
    return found


def saved() -> dict[str, Sweep]:
    found = json.loads(SAVED.read_text())
    return {name: Sweep(each["machine"], *([Point(**point) for point in each[what]] for what in ["batches", "prefills"]))
            for name, each in found.items()}  # fmt: skip


def main() -> None:
    arguments = parse_arguments()
    if arguments.write:
        page.require_regions("engine sweep", "mixture")
    sweeps = saved() if arguments.saved else measure(arguments)
    mixture = mixture_table(sweeps.pop("two"), sweeps.pop("eight"))
    lines = sweep_table(sweeps)
    print("\n".join([*lines, "", *mixture]))
    if arguments.write:
        page.write_region("engine sweep", [*lines, "", IMAGE])
        page.write_region("mixture", mixture)
        plot(sweeps)


if __name__ == "__main__":
    main()
