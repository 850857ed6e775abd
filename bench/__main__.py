"""`python -m bench [NAME ...] [--quick] [--json]`."""

import argparse
import json
import os
import platform
import sys

from bench import profile
from bench.benchmarks import BENCHMARKS, BenchmarkPace, BenchmarkResult, server_version
from bench.server import CLIENTS, SCALE, run_bench_server

QUICK = BenchmarkPace(rounds=2, seconds=3)
FULL = BenchmarkPace(rounds=5, seconds=20)


def main() -> None:
    """Run the named benchmarks, or list all."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[[], *BENCHMARKS, "profile"])
    parser.add_argument("--quick", action="store_true", help="under a minute each")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    arguments = parser.parse_args()
    if not arguments.names:
        for name, measure in BENCHMARKS.items():
            print(f"{name:10} {measure.__doc__}")
        summary = (profile.profile_order_path.__doc__ or "").partition(".")[0]
        print(f"{'profile':10} {summary}: a report.")
        return
    pace = QUICK if arguments.quick else FULL
    for name in arguments.names:
        with run_bench_server(_progress) as bench:
            if name == "profile":
                print(profile.profile_order_path(bench))
                continue
            result = BenchmarkResult()
            result.settings |= {
                "postgresql": server_version(bench),
                "python": platform.python_version(),
                "cores": os.cpu_count(),
                "clients": CLIENTS,
                "yardstick_scale": SCALE,
                "rounds": pace.rounds,
                "seconds": pace.seconds,
                "shared_buffers": os.environ["PBCEX_PG_SHARED_BUFFERS"],
            }
            _progress(f"measuring {name}")
            BENCHMARKS[name](bench, pace, result)
        document = {"benchmark": name, **result.__dict__}
        print(json.dumps(document) if arguments.json else json.dumps(document, indent=2))


def _progress(text: str) -> None:
    print(f"… {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
