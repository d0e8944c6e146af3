#!/usr/bin/env python3
"""Training speed beside its peers', on the same rows, on the same machine, in one run.

    python3 benches/peers/train.py [--rows 1000000] [--columns 40] [--repeats 3] [--large] [--fits-only]

Makes its own Python environment under target/ the first time. Writes rows whose log-odds are known (seeded), then measures,
each in a process of its own and taking turns:

- fit only: the engine's solver (benches/solver.rs), linfa-logistic, scikit-learn's LogisticRegression with lbfgs and
  newton-cholesky, and glum, all on the same matrix in memory in the layout that each likes best, with the same penalty and the
  same tolerance (largest component of the gradient, per row);
- growth: the engine's fit of 100,000, of 1,000,000 and, with --large, of 10,000,000 rows (3.2 GB);
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

sys.dont_write_bytecode = True
from environment import PACKAGES, ROOT, enter, load, median, print_table, run, spread  # noqa: E402

PEERS = ["lbfgs", "newton-cholesky", "glum"]
PENALTY = 1.0
# What the engine's solver asks for; the peers' losses are means over the rows, so that their tolerance is the same number.
GRADIENT_PER_ROW = 1e-7
SEED = 20_260_101
BASE_LOG_ODDS = -2.2
GROWTH_ROWS = [100_000, 1_000_000]
LARGE_ROWS = 10_000_000


class Rows:
    """Doubles, a column after the other, then a byte for each row, 1 for an event: what benches/solver.rs reads."""

    def __init__(self, rows, columns):
        self.rows, self.columns = rows, columns
        folder = ROOT / "target" / "peers-data"
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"train-{rows}x{columns}-{SEED}.f64"
        if not self.path.exists():
            self.write()

    def truth(self):
        import numpy as np

        return np.linspace(-0.6, 0.6, self.columns)

    def write(self):
        """Independent normal columns, coefficients spread evenly from -0.6 to 0.6."""
        import numpy as np

        rng = np.random.default_rng(SEED)
        log_odds = np.full(self.rows, BASE_LOG_ODDS)
        partial = self.path.with_suffix(".partial")
        with open(partial, "wb") as out:
            for coefficient in self.truth():
                column = rng.standard_normal(self.rows)
                log_odds += coefficient * column
                column.tofile(out)
            (rng.random(self.rows) < 1 / (1 + np.exp(-log_odds))).astype("u1").tofile(out)
        partial.replace(self.path)

    def read(self, order):
        """The matrix, row by row ("C") or column by column ("F"), and the events; with no second copy of the matrix."""
        import numpy as np

        matrix = np.empty((self.rows, self.columns), order=order)
        with open(self.path, "rb") as file:
            for j in range(self.columns):
                matrix[:, j] = np.fromfile(file, count=self.rows)
            return matrix, np.fromfile(file, dtype="u1").astype(bool)

    def parquet(self):
        """The same as a flat table."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.path.with_suffix(".parquet")
        if not path.exists():
            matrix, left = self.read("F")
            data = {f"x{j:02}": matrix[:, j] for j in range(self.columns)}
            pq.write_table(pa.table({**data, "left": left.astype("int64")}), path)
        return path


def read_table(path):
    import numpy as np
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    left = table["left"].to_numpy().astype(bool)
    columns = [table[name].to_numpy() for name in table.column_names if name != "left"]
    return np.column_stack(columns), left


def peer(arguments):
    """In a process of its own: reads, fits once, prints what `solver.rs` prints."""
    import numpy as np

    if arguments.table:
        matrix, left = read_table(arguments.table)
    else:
        rows = Rows(arguments.rows, arguments.columns)
        matrix, left = rows.read("F" if arguments.peer == "glum" else "C")
    if arguments.peer == "glum":
        from glum import GeneralizedLinearRegressor

        model = GeneralizedLinearRegressor(
            family="binomial", alpha=PENALTY / len(left), l1_ratio=0, gradient_tol=GRADIENT_PER_ROW, copy_X=False)
        left = left.astype(float)
    else:
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(C=1 / PENALTY, solver=arguments.peer, tol=GRADIENT_PER_ROW, max_iter=1000)
    started = time.perf_counter()
    model.fit(matrix, left)
    seconds = time.perf_counter() - started
    # glum's intercept is a number, scikit-learn's a list.
    intercept, coefficients = np.ravel(model.intercept_), np.ravel(model.coef_)
    print(json.dumps({"seconds": [seconds], "intercept": float(intercept[0]), "coefficients": coefficients.tolist()}))


def build():
    """The optimised command and the bench executable, as their users get them."""
    subprocess.run(["cargo", "build", "--quiet", "--release", "--workspace"], cwd=ROOT, check=True)
    command = ["cargo", "bench", "--quiet", "--workspace", "--bench", "solver", "--no-run", "--message-format=json"]
    lines = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    artifacts = [json.loads(line) for line in lines if line.startswith("{")]
    made = [a for a in artifacts if a.get("target", {}).get("name") == "solver" and a.get("executable")]
    return ROOT / "target" / "release" / "flight-risk", pathlib.Path(made[-1]["executable"])


class Quality:
    """Gradient per row and mean log-loss of a solution: one function for all."""

    def __init__(self, rows):
        self.matrix, self.left = rows.read("F")

    def of(self, intercept, coefficients):
        import numpy as np

        log_odds = self.matrix @ coefficients + intercept
        residual = 1 / (1 + np.exp(-log_odds)) - self.left
        gradient = np.append(self.matrix.T @ residual + PENALTY * coefficients, residual.sum())
        loss = np.mean(np.logaddexp(0, log_odds) - self.left * log_odds)
        return np.abs(gradient).max() / len(self.left), loss


def engine(bench, rows, *options):
    fit = ["--data", rows.path, "--rows", rows.rows, "--columns", rows.columns, "--penalty", PENALTY]
    return [bench, *fit, *options]


def fits(arguments, bench):
    """Fit only: everybody once a round, so that a busy minute hits all of them; the slowest in the first round only."""
    import numpy as np

    rows = Rows(arguments.rows, arguments.columns)
    cores = os.cpu_count()
    plural = lambda threads: f"{threads} thread{'s' * (threads > 1)}"  # noqa: E731
    commands = [(f"engine, {plural(threads)}", engine(bench, rows), threads, arguments.repeats)
                for threads in dict.fromkeys([cores, 1])]
    for layout in ["column", "row"]:
        linfa = engine(bench, rows, "--solver", "linfa", "--layout", layout)
        commands.append((f"linfa-logistic, {layout} by {layout}", linfa, None, 1))
    for name in PEERS:
        for threads in dict.fromkeys([1, cores]):
            command = [sys.executable, __file__, "--peer", name, "--rows", rows.rows, "--columns", rows.columns]
            title = name if name == "glum" else f"scikit-learn {name}"
            commands.append((f"{title}, {plural(threads)}", command, threads, arguments.repeats))
    results = {name: [] for name, *_ in commands}
    for turn in range(arguments.repeats):
        for name, command, threads, repeats in commands:
            if turn < repeats:
                text, _, peak = run(command, threads)
                results[name].append((json.loads(text.splitlines()[-1]), peak))
    # Only now is the matrix in this process too: a child's peak memory is never below what its parent had when it started.
    quality = Quality(rows)
    megabytes = rows.rows * rows.columns * 8 / 2**20
    lines, first = [], None
    for name, runs in results.items():
        seconds = [result["seconds"][0] for result, _ in runs]
        solution = np.array([runs[0][0]["intercept"], *runs[0][0]["coefficients"]])
        first = first or (median(seconds), solution)
        gradient, loss = quality.of(solution[0], solution[1:])
        apart = np.abs(solution - first[1]).max()
        peak = max(peak for _, peak in runs)
        lines.append([name, spread(seconds), f"{median(seconds) / first[0]:.2f}", f"{peak / megabytes:.2f}",
                      f"{apart:.0e}", f"{gradient:.0e}", f"{loss:.8f}"])
    print_table(["fit only", "seconds", "engine = 1", "peak memory, matrix = 1", "furthest coefficient from the engine's",
                 "gradient per row", "log-loss"], lines)


def growth(arguments, bench):
    """The engine's fit alone as the rows grow."""
    sizes = [Rows(rows, arguments.columns) for rows in GROWTH_ROWS + [LARGE_ROWS] * arguments.large]
    results = [[] for _ in sizes]
    for _ in range(arguments.repeats):
        for rows, runs in zip(sizes, results):
            text, _, peak = run(engine(bench, rows))
            runs.append((json.loads(text.splitlines()[-1])["seconds"][0], peak))
    lines = []
    for rows, runs in zip(sizes, results):
        seconds = [seconds for seconds, _ in runs]
        matrix = rows.rows * rows.columns * 8 / 2**20
        peak = max(peak for _, peak in runs)
        each = median(seconds) / rows.rows * 1e9
        lines.append([f"{rows.rows:,}", spread(seconds), f"{each:.0f}", f"{peak:.0f}", f"{peak / matrix:.2f}"])
    print_table(["rows of the engine's fit", "seconds", "nanoseconds a row", "peak MB", "matrix = 1"], lines)


def whole_jobs(arguments, command):
    """From the file to the model."""
    table = Rows(arguments.rows, arguments.columns).parquet()
    with tempfile.TemporaryDirectory() as folder:
        schema = pathlib.Path(folder, "schema.toml")
        schema.write_text('target = "left"\npositive = 1\n')
        train = [command, "--quiet", "train", "--data", table, "--schema", schema, "--out", f"{folder}/model"]
        commands = [("flight-risk train: penalties chosen, judged, report", train)]
        for name in PEERS[:2]:
            commands.append((f"scikit-learn {name}: read, fit once", [sys.executable, __file__, "--peer", name, "--table", table]))
        results = {name: [run(command)[1:] for _ in range(arguments.whole_repeats)] for name, command in commands}
    lines, first = [], None
    for name, runs in results.items():
        middle = median([wall for wall, _ in runs])
        first = first or middle
        peak = max(peak for _, peak in runs)
        lines.append([name, spread([wall for wall, _ in runs]), f"{middle / first:.2f}", f"{peak:.0f}"])
    print_table(["whole job", "wall seconds", "engine = 1", "peak MB"], lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=3, help="rounds of the fits")
    parser.add_argument("--whole-repeats", type=int, default=1, help="rounds of the whole jobs")
    parser.add_argument("--large", action="store_true", help=f"growth up to {LARGE_ROWS:,} rows")
    parser.add_argument("--fits-only", action="store_true", help="no whole jobs")
    parser.add_argument("--peer", choices=PEERS, help=argparse.SUPPRESS)
    parser.add_argument("--table", type=pathlib.Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    enter()
    if arguments.peer:
        return peer(arguments)
    command, bench = build()
    # In a process of their own, so that this one stays small.
    sizes = {arguments.rows, *GROWTH_ROWS, *[LARGE_ROWS] * arguments.large}
    for rows in sorted(sizes):
        write = f"import sys; sys.path.insert(0, {str(pathlib.Path(__file__).parent)!r}); sys.dont_write_bytecode = True; " \
                f"import train; train.Rows({rows}, {arguments.columns})" + (".parquet()" if rows == arguments.rows else "")
        subprocess.run([sys.executable, "-c", write], check=True)
    print(f"{arguments.rows} rows x {arguments.columns} columns, penalty {PENALTY}, tolerance {GRADIENT_PER_ROW} a row; "
          f"{os.cpu_count()} cores, Python {platform.python_version()}, {', '.join(PACKAGES)}")
    print(f"load at the start: {load()}\n", flush=True)
    growth(arguments, bench)
    print()
    fits(arguments, bench)
    if not arguments.fits_only:
        print()
        whole_jobs(arguments, command)
    print(f"\nload at the end: {load()}")


if __name__ == "__main__":
    main()
