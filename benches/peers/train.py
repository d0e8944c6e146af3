#!/usr/bin/env python3
"""Training speed beside scikit-learn's, on the same rows, on the same machine, in one run.

    python3 benches/peers/train.py [--rows 1000000] [--columns 40] [--repeats 3]

Makes its own Python environment under target/ the first time. Writes a flat table whose log-odds are known (seeded),
then measures, each in a process of its own and taking turns:

- fit only: the engine's solver (benches/solver.rs) and LogisticRegression with lbfgs and newton-cholesky, all on the same
  matrix in memory with the same penalty and the same tolerance (largest component of the gradient, per row);
- the whole job, from the file to the model: `flight-risk train`, and a script that reads the file and fits.

The gradient that each reached is computed here by one function, so that nobody is fast by stopping early.
"""

import argparse
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / "target" / "peers-venv"
PACKAGES = ["numpy==2.4.6", "scipy==1.17.1", "scikit-learn==1.9.1", "pyarrow==26.0.1", "threadpoolctl==3.8.0"]
PEERS = ["lbfgs", "newton-cholesky"]
PENALTY = 1.0
# What the engine's solver asks for; scikit-learn's losses are means over the rows, so that its tolerance is the same number.
GRADIENT_PER_ROW = 1e-7
SEED = 20_260_101
BASE_LOG_ODDS = -2.2


def enter_environment():
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


def write_table(path, rows, columns):
    """Independent normal columns, coefficients spread evenly from -0.6 to 0.6."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(SEED)
    truth = np.linspace(-0.6, 0.6, columns)
    matrix = rng.standard_normal((rows, columns))
    left = rng.random(rows) < 1 / (1 + np.exp(-(matrix @ truth + BASE_LOG_ODDS)))
    data = {f"x{i:02}": matrix[:, i] for i in range(columns)}
    partial = path.with_suffix(".partial")
    pq.write_table(pa.table({**data, "left": left.astype("int64")}), partial)
    partial.replace(path)


def read_table(path):
    import numpy as np
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    left = table["left"].to_numpy().astype(bool)
    columns = [table[name].to_numpy() for name in table.column_names if name != "left"]
    return np.column_stack(columns), left


def peer(arguments):
    """In a process of its own: reads, fits as often as asked, prints what `solver.rs` prints."""
    from sklearn.linear_model import LogisticRegression

    matrix, left = read_table(arguments.data)
    seconds = []
    for _ in range(arguments.repeats):
        model = LogisticRegression(C=1 / PENALTY, solver=arguments.peer, tol=GRADIENT_PER_ROW, max_iter=1000)
        started = time.perf_counter()
        model.fit(matrix, left)
        seconds.append(time.perf_counter() - started)
    print(json.dumps({
        "seconds": seconds, "intercept": float(model.intercept_[0]), "coefficients": model.coef_[0].tolist(),
    }))


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


def build():
    """The optimised command and the bench executable, as their users get them."""
    subprocess.run(["cargo", "build", "--quiet", "--release", "--workspace"], cwd=ROOT, check=True)
    command = ["cargo", "bench", "--quiet", "--workspace", "--bench", "solver", "--no-run", "--message-format=json"]
    lines = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    artifacts = [json.loads(line) for line in lines if line.startswith("{")]
    made = [a for a in artifacts if a.get("target", {}).get("name") == "solver" and a.get("executable")]
    return ROOT / "target" / "release" / "flight-risk", pathlib.Path(made[-1]["executable"])


class Quality:
    """Gradient per row, mean log-loss and distance from the truth of a solution: one function for all."""

    def __init__(self, path):
        self.matrix, self.left = read_table(path)

    def of(self, intercept, coefficients):
        import numpy as np

        coefficients = np.asarray(coefficients)
        log_odds = self.matrix @ coefficients + intercept
        residual = 1 / (1 + np.exp(-log_odds)) - self.left
        gradient = np.append(self.matrix.T @ residual + PENALTY * coefficients, residual.sum())
        loss = np.mean(np.logaddexp(0, log_odds) - self.left * log_odds)
        truth = np.linspace(-0.6, 0.6, len(coefficients))
        return np.abs(gradient).max() / len(self.left), loss, np.abs(coefficients - truth).max()


def spread(values):
    """Median and, where there are several, the smallest and the largest."""
    values = sorted(values)
    middle = values[len(values) // 2] if len(values) % 2 else sum(values[len(values) // 2 - 1:][:2]) / 2
    return middle, f"{middle:.2f} ({values[0]:.2f} to {values[-1]:.2f})" if len(values) > 1 else f"{middle:.2f}"


def print_table(head, rows):
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, ["-" * width for width in widths], *rows]:
        print("| " + " | ".join(str(cell).ljust(width) for cell, width in zip(row, widths)) + " |", flush=True)


def load():
    return " ".join(f"{value:.1f}" for value in os.getloadavg())


def fits(arguments, solver_bench):
    """Fit only: everybody once a round, so that a busy minute hits all of them."""
    fit = ["--data", arguments.data, "--repeats", 1]
    engine = [solver_bench, *fit, "--penalty", PENALTY]
    commands = [("engine, linfa-logistic", engine, None)]
    for solver in PEERS:
        for threads in dict.fromkeys([1, os.cpu_count()]):
            command = [sys.executable, __file__, "--peer", solver, *fit]
            commands.append((f"scikit-learn {solver}, {threads} thread{'s' * (threads > 1)}", command, threads))
    results = {name: [] for name, _, _ in commands}
    for _ in range(arguments.repeats):
        for name, command, threads in commands:
            text, _, peak = run(command, threads)
            results[name].append((json.loads(text.splitlines()[-1]), peak))
    quality = Quality(arguments.data)
    rows, first = [], None
    for name, runs in results.items():
        median, text = spread([result["seconds"][0] for result, _ in runs])
        first = first or median
        gradient, loss, distance = quality.of(runs[0][0]["intercept"], runs[0][0]["coefficients"])
        peak = max(peak for _, peak in runs)
        rows.append([name, text, f"{median / first:.2f}", f"{gradient:.0e}", f"{loss:.8f}", f"{distance:.4f}", f"{peak:.0f}"])
    print_table(["fit only", "seconds", "engine = 1", "gradient per row", "log-loss", "furthest from truth", "peak MB"], rows)


def whole_jobs(arguments, command):
    """From the file to the model."""
    with tempfile.TemporaryDirectory() as folder:
        schema = pathlib.Path(folder, "schema.toml")
        schema.write_text('target = "left"\npositive = 1\n')
        one_penalty = pathlib.Path(folder, "one-penalty.toml")
        one_penalty.write_text(f"penalties = [{PENALTY}]\n")
        train = [command, "--quiet", "train", "--data", arguments.data, "--schema", schema, "--out"]
        commands = [
            ("flight-risk train: 8 penalties, judged, report", [*train, f"{folder}/model"]),
            ("flight-risk train: 1 penalty, judged, report", [*train, f"{folder}/model-1", "--config", one_penalty]),
        ]
        for solver in PEERS:
            peer = [sys.executable, __file__, "--peer", solver, "--data", arguments.data, "--repeats", 1]
            commands.append((f"scikit-learn {solver}: read, fit once", peer))
        results = {name: [run(command)[1:] for _ in range(arguments.whole_repeats)] for name, command in commands}
    rows, first = [], None
    for name, runs in results.items():
        median, text = spread([wall for wall, _ in runs])
        first = first or median
        rows.append([name, text, f"{median / first:.2f}", f"{max(peak for _, peak in runs):.0f}"])
    print_table(["whole job", "wall seconds", "engine = 1", "peak MB"], rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=3, help="rounds of the fits")
    parser.add_argument("--whole-repeats", type=int, default=1, help="rounds of the whole jobs")
    parser.add_argument("--data", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--peer", choices=PEERS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    enter_environment()
    if arguments.peer:
        return peer(arguments)
    command, solver_bench = build()
    folder = ROOT / "target" / "peers-data"
    folder.mkdir(parents=True, exist_ok=True)
    arguments.data = folder / f"train-{arguments.rows}x{arguments.columns}-{SEED}.parquet"
    if not arguments.data.exists():
        write_table(arguments.data, arguments.rows, arguments.columns)
    print(f"{arguments.rows} rows x {arguments.columns} columns, penalty {PENALTY}, tolerance {GRADIENT_PER_ROW} a row; "
          f"{os.cpu_count()} cores, Python {platform.python_version()}, {', '.join(PACKAGES)}")
    print(f"load at the start: {load()}\n", flush=True)
    fits(arguments, solver_bench)
    print()
    whole_jobs(arguments, command)
    print(f"\nload at the end: {load()}")


if __name__ == "__main__":
    main()
