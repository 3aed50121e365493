"""Images per second, latency and CPU of our server, beside what a user would pick instead.

Two models (the small one of 28 pixels, EfficientNet-Lite0 of 160), JPEG files of two sizes. For
each of the four cases every rival's settings are tried first and the fastest is kept; then all
servers, ours and the limit are measured in turn, round by round, with 32 clients and with one.
The limit is decode, resize and onnxruntime in a plain loop on both cores, without HTTP, with our
decoder, which also takes statistics of each image. Ours runs as it comes, its log and all.

Goals, with 32 clients: at least 0.9 of the limit on 100x100; at least 1.5 times the images per
second of the best rival, and its p99 at least 1.5 times ours.
Run: uv run --group bench python benchmarks/serving_speed.py (20 minutes; --quick takes 6)
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any

from measurement import ratios, show, store
from serving.contenders import (
    RIVALS,
    Contender,
    Launched,
    Rival,
    candidates,
    our_candidates,
    ours,
    running,
)
from serving.inputs import MODELS, SIZES, Jpegs, Served, model
from serving.limit import Loop, Workers, limit, loop
from serving.load import Load, LoadError, check, post
from serving.server import end_on_signals

CLIENTS = 32
OURS, OURS_BEST, LIMIT = "ours", "ours, best settings", "limit"


@dataclass
class Figures:
    """Of one server over the rounds; the limit has no client, and leaves some of them empty."""

    settings: str
    images_per_second: list[float] = field(default_factory=list)
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    one_client_p50_ms: list[float] = field(default_factory=list)
    cpu_ms_per_image: list[float] = field(default_factory=list)
    wrk_cpus: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)

    def add(self, load: Load, lone: Load, cpu_seconds: float, memory_mb: float) -> None:
        """One round of a server."""
        self.images_per_second.append(load.per_second)
        self.p50_ms.append(load.p50_ms)
        self.p99_ms.append(load.p99_ms)
        self.one_client_p50_ms.append(lone.p50_ms)
        self.cpu_ms_per_image.append(1000 * cpu_seconds / load.requests)
        self.wrk_cpus.append(load.wrk_cpus)
        self.memory_mb.append(memory_mb)
        self.refused.append(load.refused + lone.refused)

    def add_loops(self, all_cores: Loop, one_core: Loop) -> None:
        """One round of the limit."""
        self.images_per_second.append(all_cores.per_second)
        self.one_client_p50_ms.append(one_core.p50_ms)
        self.cpu_ms_per_image.append(all_cores.cpu_ms)


@dataclass(frozen=True)
class Plan:
    """How long everything takes.

    Attributes:
        rounds: in which each server has one turn.
        seconds: of a turn with 32 clients; whole ones.
        trial_seconds: for each setting that is tried.
    """

    rounds: int
    seconds: int
    trial_seconds: int


def fastest(launched: Sequence[Launched], jpegs: Jpegs, seconds: float) -> dict[str, Contender]:
    """By name, the settings that gave the most images per second; every answer is read.

    Settings of a rival with which an answer is wrong are left out.

    Raises:
        LoadError: if an answer of ours is wrong.
    """
    best: dict[str, tuple[float, Contender]] = {}
    for each in launched:
        name = each.contender.name
        try:
            with each.server.turn():
                found = check(each.target, jpegs, CLIENTS, seconds).per_second
        except LoadError as error:
            if each.contender.rival is None:
                raise
            print(f"  {name}, {each.contender.choice}: left out: {error}", flush=True)
            continue
        print(f"  {name}, {each.contender.choice}: {found:,.0f} images/s", flush=True)
        if name not in best or found > best[name][0]:
            best[name] = found, each.contender
    return {name: contender for name, (_, contender) in best.items()}


def with_our_decoder(contender: Contender) -> Contender:
    """The same rival, whose images are decoded by `prepare_image`."""
    return replace(contender, settings=replace(contender.settings, decoder="ours"))


def measure(
    launched: dict[str, Launched], served: Served, jpegs: Jpegs, plan: Plan
) -> dict[str, Figures]:
    """All of them in turn, and the limit."""
    figures = {name: Figures(each.contender.choice) for name, each in launched.items()}
    ways: tuple[Workers, ...] = ("processes", "threads")
    tried = {way: limit(served, jpegs, "ours", way, plan.trial_seconds).per_second for way in ways}
    way = max(ways, key=lambda each: tried[each])
    figures[LIMIT] = Figures(way)
    for number in range(plan.rounds):
        # Nobody always follows the same neighbour.
        order = list(launched)[:: 1 if number % 2 else -1]
        for name in order:
            server, target = launched[name].server, launched[name].target
            with server.turn():
                before = server.cpu_seconds()
                load = post(target, jpegs, CLIENTS, plan.seconds)
                used = server.cpu_seconds() - before
                lone = post(target, jpegs, 1, 1)
                if launched[name].contender.rival is None and load.refused + lone.refused:
                    raise LoadError(f"ours refused {load.refused + lone.refused} requests")
                figures[name].add(load, lone, used, server.memory_mb())
        figures[LIMIT].add_loops(
            limit(served, jpegs, "ours", way, plan.seconds), loop(served, jpegs, "ours", 1)
        )
    return figures


def compare(title: str, figures: dict[str, Figures]) -> dict[str, Any]:
    """The ratios of one case, printed."""
    found: dict[str, Any] = {}
    rivals = [name for name in figures if name not in {OURS, OURS_BEST, LIMIT}]
    quickest = max(rivals, key=lambda name: median(figures[name].images_per_second))
    calmest = min(rivals, key=lambda name: median(figures[name].p99_ms))
    for name in (OURS, OURS_BEST):
        if name not in figures:
            continue
        mine = figures[name]
        found[name] = {
            "images/s over the limit": ratios(
                mine.images_per_second, figures[LIMIT].images_per_second
            ),
            f"images/s over the best rival, {quickest}": ratios(
                mine.images_per_second, figures[quickest].images_per_second
            ),
            f"p99 of the best rival, {calmest}, over its own": ratios(
                figures[calmest].p99_ms, mine.p99_ms
            ),
            "latency of one client over the loop": ratios(
                mine.one_client_p50_ms, figures[LIMIT].one_client_p50_ms
            ),
        }
        goals = ("at least 0.9 on 100x100", "at least 1.5", "at least 1.5", "at most 1.3")
        for (what, ratio), goal in zip(found[name].items(), goals, strict=True):
            show(f"{title}: {name}, {what}", ratio, goal)
    return found


def show_table(figures: dict[str, Figures]) -> None:
    """Medians over the rounds, the fastest first."""
    print(
        f"  {'':32} {'images/s':>9} {'p50 ms':>8} {'p99 ms':>8} {'1 client':>8}"
        f" {'CPU ms':>7} {'wrk':>5} {'MB':>5}  settings"
    )
    by_speed = sorted(figures.items(), key=lambda item: -median(item[1].images_per_second))
    for name, each in by_speed:
        columns = (each.p50_ms, each.p99_ms, each.wrk_cpus, each.memory_mb)
        p50, p99, wrk, memory = (median(values) if values else float("nan") for values in columns)
        print(
            f"  {name:32} {median(each.images_per_second):9,.0f} {p50:8.1f} {p99:8.1f}"
            f" {median(each.one_client_p50_ms):8.2f} {median(each.cpu_ms_per_image):7.2f}"
            f" {wrk:5.2f} {memory:5.0f}  {each.settings}"
            + (f" REFUSED {sum(each.refused)}" if sum(each.refused) else ""),
            flush=True,
        )


def cases_of(
    served: Served, sizes: Sequence[Jpegs], rivals: Sequence[Rival], plan: Plan
) -> dict[str, Any]:
    """One model, and every size of images."""
    tried = our_candidates() + [each for rival in rivals for each in candidates(rival)]
    best: dict[str, dict[str, Contender]] = {}
    with running(tried, served) as launched:
        for jpegs in sizes:
            print(f"{served.name}, {jpegs.name}: settings", flush=True)
            found = fastest(launched, jpegs, plan.trial_seconds)
            best[jpegs.name] = {OURS_BEST: found.pop(OURS), **found}
    return {
        f"{served.name}, {jpegs.name}": case(served, jpegs, best[jpegs.name], plan)
        for jpegs in sizes
    }


def case(served: Served, jpegs: Jpegs, best: Mapping[str, Contender], plan: Plan) -> dict[str, Any]:
    """One model and one size of images: ours, the best of each rival, and the limit."""
    title = f"{served.name}, {jpegs.name}"
    contenders = {OURS: ours(), **best}
    if contenders[OURS_BEST] == contenders[OURS]:
        del contenders[OURS_BEST]
    decoding = [with_our_decoder(each) for each in best.values() if each.rival is not None]
    contenders |= {each.name: each for each in decoding}
    with running(list(contenders.values()), served) as launched:
        for each in launched:
            with each.server.turn():
                check(each.target, jpegs, CLIENTS, 1)
        figures = measure(dict(zip(contenders, launched, strict=True)), served, jpegs, plan)
    show_table(figures)
    return {
        "ratios": compare(title, figures),
        "measured": {name: vars(each) for name, each in figures.items()},
    }


def main() -> None:
    """Measure all four cases, or those that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round of each")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3, help="of a turn with 32 clients")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    parser.add_argument("--sizes", nargs="+", choices=[each.name for each in SIZES])
    parser.add_argument("--rivals", nargs="+", choices=RIVALS, default=RIVALS)
    arguments = parser.parse_args()
    end_on_signals()
    plan = Plan(arguments.rounds, arguments.seconds, 2)
    if arguments.quick:
        plan = Plan(1, 1, 1)
    sizes = [each for each in SIZES if arguments.sizes is None or each.name in arguments.sizes]
    cases: dict[str, Any] = {}
    for name in arguments.models:
        cases |= cases_of(model(name), sizes, arguments.rivals, plan)
    if arguments.quick or len(cases) < len(MODELS) * len(SIZES):
        print("not stored: this was a part only")
    else:
        store("serving_speed", {"clients": CLIENTS, "cases": cases})


if __name__ == "__main__":
    main()
