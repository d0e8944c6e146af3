"""What the comparisons share: the pinned Python packages, processes that are measured, tables."""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / "target" / "peers-venv"
# The peers, and what their results depend on.
PACKAGES = [
    "numpy==2.4.6", "scipy==1.17.1", "pandas==2.3.3", "pyarrow==26.0.1", "threadpoolctl==3.8.0",
    "scikit-learn==1.9.1", "grpcio==1.85.1", "grpcio-tools==1.85.1", "shap==0.51.0", "glum==3.4.1", "tabmat==4.2.1", "lifelines==0.30.3", "lightgbm==4.7.0", "interpret==0.7.8",
]


def enter():
    """Runs this script again with the pinned packages, installing them where they are missing."""
    python = ENVIRONMENT / "bin" / "python"
    stamp = ENVIRONMENT / "packages.txt"
    wanted = "\n".join(PACKAGES)
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"installing {', '.join(PACKAGES)} into {ENVIRONMENT}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        stamp.write_text(wanted)
    if pathlib.Path(sys.prefix).resolve() != ENVIRONMENT.resolve():
        os.execv(python, [str(python), *sys.argv])


def run(command, threads=None):
    """Output, wall seconds and peak resident megabytes of a command."""
    variables = dict(os.environ)
    if threads:
        # rayon's pool, OpenBLAS and OpenMP each read their own.
        for name in ("RAYON_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
            variables[name] = str(threads)
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen([str(part) for part in command], stdout=out, env=variables, cwd=ROOT)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read()
    if process.returncode != 0:
        sys.exit(f"{command[0]} ended with {process.returncode}")
    return text, wall, usage.ru_maxrss / 1024


def median(values):
    values = sorted(values)
    return values[len(values) // 2] if len(values) % 2 else sum(values[len(values) // 2 - 1:][:2]) / 2


def spread(values):
    """Median and, where there are several, the smallest and the largest."""
    middle = median(values)
    digits = 3 if middle < 1 else 2
    text = f"{middle:.{digits}f}"
    return f"{text} ({min(values):.{digits}f} to {max(values):.{digits}f})" if len(values) > 1 else text


def print_table(head, rows):
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, ["-" * width for width in widths], *rows]:
        print("| " + " | ".join(str(cell).ljust(width) for cell, width in zip(row, widths)) + " |", flush=True)


def load():
    return " ".join(f"{value:.1f}" for value in os.getloadavg())
