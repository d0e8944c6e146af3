#!/usr/bin/env python3
"""The whole default training beside boosting: seconds, memory and accuracy on rows that nobody has seen.

    python3 benches/peers/full.py [--rows 100000] [--columns 42] [--ebm] [--growth] [--large] [--command BINARY]
    python3 benches/peers/full.py --table ROWS.csv --schema SCHEMA.toml [--ebm] [--command BINARY]

Writes a flat table (40 numbers with gaps, two categories; straight, bent and joint effects; seeded), lets `flight-risk train`
choose structure, penalties, rules and calibration, judge itself and write its report, and fits LightGBM the way analysts do:
early stopping on a fifth of the rows, then once more on all with a tenth more rounds. With --ebm an explainable boosting
machine too. --columns leaves out all but the first columns (what the others do is then noise). --table times the fits of a table
of your own, three rounds in turn. --growth trains on 10^5 and 10^6 rows, with --large on 10^7 (16 GB of memory, an hour).
"""

import argparse
import pathlib
import subprocess
import tempfile
import time
import tomllib

import environment

COLUMNS = 40
CHUNK = 1_000_000


def rows_of(count, seed, columns=COLUMNS + 2):
    """A frame of the first columns and whether each row left."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(seed)
    numbers = rng.standard_normal((count, COLUMNS))
    numbers[:, 5:12] = np.round(np.exp(numbers[:, 5:12]), 1)
    numbers[rng.random(numbers.shape) < 0.03] = np.nan
    known = np.nan_to_num(numbers)
    log_odds = -2.4 + known[:, :10] @ np.linspace(-0.5, 0.5, 10) + 0.6 * np.sin(2 * known[:, 12])
    log_odds += 0.5 * known[:, 13] * known[:, 14] - 0.4 * (known[:, 15] > 1)
    left = rng.random(count) < 1 / (1 + np.exp(-log_odds))
    frame = pd.DataFrame(numbers, columns=[f"x{i}" for i in range(COLUMNS)])
    frame["site"] = rng.choice(list("abcdefgh"), count)
    frame["team"] = rng.choice([f"team {i}" for i in range(60)], count)
    return frame.iloc[:, :columns].copy(), left


def write(folder, count, columns):
    """The training table, written in parts so that ten million rows need no second copy."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    path, writer, done = folder / "rows.parquet", None, 0
    while done < count:
        frame, left = rows_of(min(CHUNK, count - done), 7 + done, columns)
        frame.insert(0, "id", np.arange(done, done + len(frame)))
        frame["left"] = left.astype("int8")
        table = pa.Table.from_pandas(frame, preserve_index=False)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
        done += len(frame)
    writer.close()
    schema = folder / "schema.toml"
    schema.write_text('id = "id"\ntarget = "left"\npositive = "1"\n')
    return path, schema


def engine(command, folder, count, columns=COLUMNS + 2):
    path, schema = write(folder, count, columns)
    line = [command, "train", "--data", path, "--schema", schema, "--out", folder / "model", "--quiet"]
    _, seconds, megabytes = environment.run([str(part) for part in line])
    return seconds, megabytes


def lightgbm(frame, left):
    import lightgbm as lgb
    from sklearn.model_selection import train_test_split

    kept, held = train_test_split(range(len(left)), test_size=0.2, stratify=left, random_state=0)
    settings = dict(learning_rate=0.03, num_leaves=15, min_child_samples=20, subsample=0.8, subsample_freq=1,
                    colsample_bytree=0.7, reg_lambda=1.0, n_jobs=1, verbose=-1, random_state=0)
    probe = lgb.LGBMClassifier(n_estimators=3000, **settings)
    probe.fit(frame.iloc[kept], left[kept], eval_set=[(frame.iloc[held], left[held])], eval_metric="binary_logloss",
              callbacks=[lgb.early_stopping(100, verbose=False)])
    model = lgb.LGBMClassifier(n_estimators=max(20, int(probe.best_iteration_ * 1.1)), **settings).fit(frame, left)
    return model


def ebm(frame, left):
    from interpret.glassbox import ExplainableBoostingClassifier

    return ExplainableBoostingClassifier(random_state=0, n_jobs=2).fit(frame, left)


def own_table(command, table, schema, peers):
    """Seconds of the fits of a CSV with a schema, in turn."""
    import pandas as pd

    named = tomllib.loads(schema.read_text())
    frame = pd.read_csv(table, dtype={column: str for column in named.get("categorical", [])})
    left = (frame[named["target"]].astype(str) == named["positive"]).to_numpy()
    unused = [named.get(key) for key in ("id", "group", "time", "target")] + named.get("drop", []) + named.get("protected", [])
    frame = frame.drop(columns=[column for column in unused if column in frame])
    texts = frame.select_dtypes(exclude="number").columns
    frame[texts] = frame[texts].astype("category")
    seconds = {name: [] for name, _ in [("flight-risk train", None), *peers]}
    for _ in range(3):
        with tempfile.TemporaryDirectory(dir=environment.ROOT / "target") as folder:
            line = [command, "train", "--data", table, "--schema", schema, "--out", f"{folder}/model", "--quiet"]
            seconds["flight-risk train"].append(environment.run(line)[1])
        for name, fit in peers:
            started = time.perf_counter()
            fit(frame, left)
            seconds[name].append(time.perf_counter() - started)
    print(f"{len(frame):,} rows of {frame.shape[1]} columns")
    base = environment.median(seconds["flight-risk train"])
    rows = [(name, environment.spread(of), f"{environment.median(of) / base:.1f}") for name, of in seconds.items()]
    environment.print_table(["", "seconds", "engine = 1"], rows)


def main():
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("--rows", type=int, default=100_000)
    cli.add_argument("--columns", type=int, default=COLUMNS + 2)
    cli.add_argument("--ebm", action="store_true")
    cli.add_argument("--growth", action="store_true")
    cli.add_argument("--large", action="store_true")
    cli.add_argument("--command")
    cli.add_argument("--table", type=pathlib.Path)
    cli.add_argument("--schema", type=pathlib.Path)
    arg = cli.parse_args()
    if bool(arg.table) != bool(arg.schema):
        cli.error("--table and --schema belong together")
    environment.enter()
    import pandas as pd
    from sklearn.metrics import log_loss, roc_auc_score

    command = arg.command
    if not command:
        subprocess.run(["cargo", "build", "--release", "--workspace"], cwd=environment.ROOT, check=True)
        command = environment.ROOT / "target" / "release" / "flight-risk"
    peers = [("LightGBM, tuned", lightgbm)] + ([("EBM", ebm)] if arg.ebm else [])
    if arg.table:
        own_table(command, arg.table.resolve(), arg.schema.resolve(), peers)
        return
    if arg.growth or arg.large:
        print(f"{'rows':>12} {'seconds':>9} {'peak MB':>9}")
        for count in [100_000, 1_000_000] + ([10_000_000] if arg.large else []):
            with tempfile.TemporaryDirectory(dir=environment.ROOT / "target") as folder:
                seconds, megabytes = engine(command, pathlib.Path(folder), count, arg.columns)
                print(f"{count:12,} {seconds:9.1f} {megabytes:9.0f}", flush=True)
        return
    judged, happened = rows_of(100_000, 3, arg.columns)
    print(f"{arg.rows:,} rows to learn from, 100,000 to judge\n{'':20} {'seconds':>9} {'engine = 1':>11} {'AUC':>7} {'log-loss':>9}")
    with tempfile.TemporaryDirectory(dir=environment.ROOT / "target") as folder:
        folder = pathlib.Path(folder)
        base, _ = engine(command, folder, arg.rows, arg.columns)
        judged.assign(id=range(len(judged))).to_parquet(folder / "judged.parquet")
        subprocess.run([command, "score", "--model", folder / "model", "--data", folder / "judged.parquet",
                        "--out", folder / "scores.parquet", "--quiet"], check=True, stdout=subprocess.DEVNULL)
        scores = pd.read_parquet(folder / "scores.parquet")
        risk = scores.set_index(scores["employee_id"].astype(int))["risk"].loc[range(len(judged))]
        print(f"{'flight-risk train':20} {base:9.2f} {1:11.2f} {roc_auc_score(happened, risk):7.4f} {log_loss(happened, risk):9.5f}", flush=True)
    frame, left = rows_of(arg.rows, 7, arg.columns)
    for column in {"site", "team"} & set(frame):
        frame[column], judged[column] = frame[column].astype("category"), judged[column].astype("category")
    for name, fit in peers:
        started = time.perf_counter()
        model = fit(frame, left)
        seconds = time.perf_counter() - started
        risk = model.predict_proba(judged)[:, 1]
        print(f"{name:20} {seconds:9.2f} {seconds / base:11.2f} {roc_auc_score(happened, risk):7.4f} {log_loss(happened, risk):9.5f}", flush=True)


if __name__ == "__main__":
    main()
