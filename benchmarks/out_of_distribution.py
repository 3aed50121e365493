"""Whether the out-of-distribution score finds strange images, and what it costs the service.

`train`'s default network for small images learns all ten classes of Fashion-MNIST: handwritten
digits and spoilt test images are strange to it. Then it learns eight of them, three times, each
time without another pair: images of these two are strange to it, and like what it knows. The score
stands beside the largest probability and the energy, on the same images of the same networks.
Last, graphs and the service are timed with the score and without, in turn.

Goals: an area under the curve of 0.95 for digits (0.66 was measured for the largest probability of
a plain network); at most 2 % of the service's throughput.
Run: uv run --group bench python benchmarks/out_of_distribution.py (trains four networks on 20,000
images each, which are kept in .cache; --quick trains on fewer and times less)
"""

import argparse
from dataclasses import asdict
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from measurement import store
from ood.cost import GRAPHS, time_graph, time_service
from ood.detection import ENERGY, OURS, SOFTMAX, Area, areas, corrupted, digits, scores
from ood.networks import Training, fashion, trained
from serving.server import end_on_signals

CACHE = Path(__file__).parents[1] / ".cache"
PAIRS = ((0, 1), (4, 5), (8, 9))
"""Every other pair in the order of the classes; none was chosen by its figures."""

SPOILT = 500
NAMES = (OURS, SOFTMAX, ENERGY)


def show(title: str, found: dict[str, Area]) -> None:
    """One row of the table."""
    cells = (
        f"{found[name].value:.3f} ({found[name].low:.3f} to {found[name].high:.3f})"
        for name in NAMES
    )
    print(f"  {title:28} " + "  ".join(f"{cell:24}" for cell in cells), flush=True)


def plain(found: dict[str, Area]) -> dict[str, Any]:
    """As JSON holds it."""
    return {name: asdict(each) for name, each in found.items()}


def show_means(title: str, rows: list[dict[str, Area]]) -> dict[str, Any]:
    """The mean over several rows, with the least and the largest of them."""
    found = {}
    for name in NAMES:
        values = [row[name].value for row in rows]
        found[name] = {"mean": mean(values), "least": min(values), "largest": max(values)}
    cells = (
        f"{each['mean']:.3f} ({each['least']:.3f} to {each['largest']:.3f})"
        for each in found.values()
    )
    print(f"  {title:28} " + "  ".join(f"{cell:24}" for cell in cells), flush=True)
    return found


def detect(work: Path, training: Training, seeds: int) -> dict[str, Any]:
    """Train what is lacking, and judge every task."""
    print(f"{'area under the curve':30} " + "  ".join(f"{name:24}" for name in NAMES))
    test = fashion(work).labelled("test")
    tasks: dict[str, Any] = {}
    far: list[dict[str, Area]] = []
    near: list[dict[str, Area]] = []
    spoilt: list[dict[str, Area]] = []
    for seed in range(seeds):
        whole = trained(work, (), seed, training)
        strange = digits(fashion(work).spec)
        known = scores(whole.graph, test.images)
        far.append(areas(known, scores(whole.graph, strange)))
        show(f"digits, seed {seed}", far[-1])
        tasks[f"digits, seed {seed}"] = plain(far[-1])
        found = corrupted(whole.graph, test.images[:SPOILT])
        spoilt += found.values()
        tasks[f"spoilt, seed {seed}"] = {name: plain(each) for name, each in found.items()}
    for seed in range(seeds):
        for pair in PAIRS:
            part = trained(work, pair, seed, training)
            is_known = torch.isin(torch.tensor(test.labels), torch.tensor(part.kept)).numpy()
            found_scores = scores(part.graph, test.images)
            near.append(
                areas(
                    {name: values[is_known] for name, values in found_scores.items()},
                    {name: values[~is_known] for name, values in found_scores.items()},
                )
            )
            title = f"{' and '.join(test.classes[label] for label in pair)}, seed {seed}"
            show(title, near[-1])
            tasks[title] = plain(near[-1])
    return {
        "tasks": tasks,
        "digits": show_means("digits, mean", far),
        "held out": show_means("pairs held out, mean", near),
        "spoilt": show_means("spoilt, mean", spoilt),
    }


def cost(work: Path, rounds: int, seconds: int) -> dict[str, Any]:
    """Time graphs, then the service."""
    found: dict[str, Any] = {"graph": {}, "service": {}}
    for name in GRAPHS:
        found["graph"][name] = time_graph(name, work, rounds * 5)
        for batch, each in found["graph"][name].items():
            timed = each["time_ratio"]
            print(
                f"  graph, {name}, {batch}: time with / without {timed['median']:.3f}"
                f" ({timed['low']:.3f} to {timed['high']:.3f}, {timed['rounds']} rounds)"
            )
    for name in GRAPHS:
        found["service"][name] = time_service(name, work, rounds, seconds)
        timed = found["service"][name]["throughput_ratio"]
        print(
            f"  service, {name}: images/s with / without {timed['median']:.3f}"
            f" ({timed['low']:.3f} to {timed['high']:.3f}, {timed['rounds']} rounds; goal: at"
            " least 0.98)"
        )
    return found


def main() -> None:
    """Measure what is asked for, and store it if that was all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="6,000 images, 3 epochs, few rounds")
    parser.add_argument("--seeds", type=int, default=1, help="networks for each task")
    parser.add_argument("--only", choices=("detection", "cost"))
    arguments = parser.parse_args()
    end_on_signals()
    CACHE.mkdir(exist_ok=True)
    (CACHE / ".gitignore").write_text("*\n", encoding="utf-8")
    work = CACHE / "out_of_distribution"
    training = Training(6_000, 3) if arguments.quick else Training(20_000, 3)
    rounds, seconds = (7, 1) if arguments.quick else (30, 2)
    if arguments.only != "detection":
        keep("out_of_distribution_cost", cost(work, rounds, seconds), quick=arguments.quick)
    if arguments.only != "cost":
        found = {"training": asdict(training), **detect(work, training, arguments.seeds)}
        keep("out_of_distribution", found, quick=arguments.quick)


def keep(name: str, found: dict[str, Any], *, quick: bool) -> None:
    """Store figures, unless they are of a trial."""
    if quick:
        print("not stored: this was a trial")
    else:
        store(name, found)


if __name__ == "__main__":
    main()
