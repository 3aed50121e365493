"""What the prediction log costs: images per second with it, over those without, with 32 clients.

Both servers are ours as it comes, in turn; an answer with the log has been fsynced before it
leaves. Goal: at least 0.95. Run: uv run --group bench python benchmarks/serving_log.py
"""

import argparse
from typing import Any

from measurement import ratios, show, store
from serving.contenders import ours, running
from serving.inputs import MODELS, SIZES, model
from serving.load import LoadError, check, post
from serving.server import end_on_signals

CLIENTS = 32


def main() -> None:
    """Measure both models with the smaller images."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=8)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--workers", help="processes of both; as it comes unless given")
    arguments = parser.parse_args()
    end_on_signals()
    workers = {} if arguments.workers is None else {"workers": arguments.workers}
    jpegs = SIZES[0]
    figures: dict[str, Any] = {}
    for name in MODELS:
        rates: dict[str, list[float]] = {"on": [], "off": []}
        cpu: dict[str, list[float]] = {"on": [], "off": []}
        contenders = [ours(log="1", **workers), ours(log="0", **workers)]
        with running(contenders, model(name)) as launched:
            pair = dict(zip(("on", "off"), launched, strict=True))
            for each in launched:
                check(each.target, jpegs, CLIENTS, 2)
            for number in range(arguments.pairs):
                # Whoever is measured second finds the machine warmer.
                for way in ("on", "off") if number % 2 else ("off", "on"):
                    before = pair[way].server.cpu_seconds()
                    load = post(pair[way].target, jpegs, CLIENTS, arguments.seconds)
                    if load.refused:
                        raise LoadError(f"{load.refused} requests were refused, log {way}")
                    used = pair[way].server.cpu_seconds() - before
                    rates[way].append(load.per_second)
                    cpu[way].append(1000 * used / load.requests)
        ratio = ratios(rates["on"], rates["off"])
        show(f"{name}, {jpegs.name}: images/s with the log over without", ratio, "at least 0.95")
        show(f"{name}, {jpegs.name}: CPU of an image", ratios(cpu["on"], cpu["off"]), "none")
        figures[f"{name}, {jpegs.name}"] = {
            "ratio": ratio,
            "images_per_second": rates,
            "cpu_ms_per_image": cpu,
        }
    store("serving_log", {"clients": CLIENTS, "cases": figures})


if __name__ == "__main__":
    main()
