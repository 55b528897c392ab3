"""Run benchmarks one after the other: all of them, or those named, with what follows a name as its arguments.

    python bench/run.py [NAME [ARGUMENT …]]     # make bench ARGS="automl DATA --budget 5 --sets wine-red"

One that needs data or programs that are not there says so and fails; the others still run.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main(arguments: list[str]) -> int:
    """Give 1 if any of them failed."""
    known = sorted(path.stem for path in HERE.glob("*.py") if path.stem != "run")
    if arguments and arguments[0] not in known:
        print(f"`{arguments[0]}` is no benchmark. Allowed here: {', '.join(known)}.", file=sys.stderr)
        return 2
    failed = []
    for name in arguments[:1] or known:
        print(f"== {name}", flush=True)
        if subprocess.run([sys.executable, HERE / f"{name}.py", *arguments[1:]], check=False).returncode:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
