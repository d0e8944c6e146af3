#!/usr/bin/env python3
"""Concordance on later time beside lifelines' Cox model, on the same rows.

    python3 benches/peers/cox.py --data FOLDER [--command target/release/flight-risk]

FOLDER holds HR tables. `flight-risk features` exports the training rows (an employee, a day, the facts known on it, and whether
the employee left voluntarily in the period it predicts); `flight-risk train` says from which day on rows judge (the latest
quarter of the exits). Everybody learns from the rows whose period had ended by that day and ranks the rows from it on:

- the engine: `flight-risk train` on the same folder with the records ending on that day, then `flight-risk score` on each
  later day, by the risk of its shortest horizon;
- lifelines' CoxTimeVaryingFitter, on two clocks. Tenure: rows enter and leave at the tenure of the period's ends, and a score
  is the partial hazard times the smoothed baseline hazard at that tenure. Calendar: the risk set is everyone employed in the
  period, and tenure is a feature. Unknown values become the median and an indicator, columns are standardised, constant ones
  and copies are dropped; effects are straight, or bend at the quartiles. Of several ridges the one that does best on the
  judged rows is shown, and of everything tried the best in each column, which favours Cox.

Concordance is the share of pairs in the right order: of all judged rows (AUC), of rows of the same day, and of employees at
risk at the tenure of an exit (Harrell's C).
"""

import argparse
import datetime
import json
import pathlib
import subprocess
import sys
import tempfile
import warnings

sys.dont_write_bytecode = True
from environment import ROOT, enter, print_table  # noqa: E402

DAYS_PER_YEAR = 365.25
RIDGES = [1e-4, 1e-3, 1e-2, 1e-1]
# Half of the window over which the baseline hazard is averaged, in days.
WINDOW = 60.0


def rows_of(command, data, folder):
    """The engine's training rows with their periods in days, and the metrics of a plain training."""
    import pandas as pd

    file = folder / "rows.parquet"
    subprocess.run([command, "--quiet", "features", "--data", data, "--out", file], check=True, stdout=subprocess.DEVNULL)
    rows = pd.read_parquet(file)
    begin, end = (pd.to_datetime(rows["period"].str.split("/").str[side]) for side in (0, 1))
    as_of = pd.to_datetime(rows["as_of"])
    rows["as_of"], rows["begin"], rows["until"] = as_of.dt.date, begin.dt.date, end.dt.date
    # The tenure at the period's ends, in days: the facts are those of `as_of`, some time before.
    tenure = rows["tenure_years"] * DAYS_PER_YEAR
    rows["start"], rows["stop"] = tenure + (begin - as_of).dt.days, tenure + (end - as_of).dt.days
    return rows


def train(command, data, out, *options):
    # Whether the model may be published is not the question here.
    train = [command, "--quiet", "train", "--allow-weak", "--data", data, "--out", out, *options]
    subprocess.run(train, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return json.loads((out / "metrics.json").read_text())


def engine_scores(command, data, folder, cut, later):
    """The engine's risks of the later rows, by a model of what was known on the day of the cut."""
    import pandas as pd

    config = folder / "early.toml"
    config.write_text(f'data_end = "{cut}"\n')
    train(command, data, folder / "early", "--config", config)
    parts = []
    for day in sorted(set(later["as_of"])):
        file = folder / f"scores-{day}.parquet"
        score = [command, "--quiet", "score", "--model", folder / "early", "--data", data, "--out", file, "--as-of", str(day)]
        subprocess.run(score, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        scored = pd.read_parquet(file)
        scored["as_of"] = day
        parts.append(scored)
    scored = pd.concat(parts)
    shortest = min((name for name in scored if name.startswith("risk_")), key=lambda name: int(name[5:-1]))
    joined = later[["employee_id", "as_of"]].merge(scored, on=["employee_id", "as_of"], how="left")
    unknown = int(joined[shortest].isna().sum())
    return joined[shortest].fillna(joined[shortest].median()).to_numpy(), shortest, unknown


def design(early, later, names, bent):
    """Median and indicator for the unknown, standardised, without what is constant or a copy among the early rows; where
    `bent`, effects may bend at the quartiles."""
    import numpy as np
    import pandas as pd

    columns = {}
    for name in names:
        known = early[name].notna()
        if not known.any():
            continue
        fill, spread = early[name].median(), early[name].fillna(early[name].median()).std()
        if spread > 0:
            columns[name] = [(part[name].fillna(fill) - fill) / spread for part in (early, later)]
            bends = early[name].quantile([0.25, 0.5, 0.75]) if bent and early[name].nunique() > 10 else []
            for knot in sorted(set(bends)):
                columns[f"{name} above {knot}"] = [(part[name].fillna(fill) - knot).clip(lower=0) / spread for part in (early, later)]
        if not known.all():
            columns[f"{name} unknown"] = [part[name].isna().astype(float) for part in (early, later)]
    kept, seen = {}, []
    for name, parts in columns.items():
        values = parts[0].to_numpy()
        if values.std() > 0 and not any(abs(np.corrcoef(values, other)[0, 1]) > 0.999 for other in seen):
            seen.append(values)
            kept[name] = parts
    return [pd.DataFrame({name: parts[side] for name, parts in kept.items()}) for side in (0, 1)]


def cox_scores(early, later, names, clock, bent, ridge):
    import numpy as np
    from lifelines import CoxTimeVaryingFitter

    if clock == "tenure":
        start, stop = early["start"], early["stop"]
        # Among those of the same tenure it tells nothing.
        names = [name for name in names if name != "tenure_years"]
    else:
        first = min(early["begin"])
        start, stop = (early[name].map(lambda day: (day - first).days) for name in ("begin", "until"))
    x, judged = design(early, later, names, bent)
    table = x.assign(id=early["employee_id"], start=start, stop=stop, event=early["label"])
    fitter = CoxTimeVaryingFitter(penalizer=ridge)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitter.fit(table, id_col="id", event_col="event", start_col="start", stop_col="stop")
        score = np.asarray(fitter.predict_log_partial_hazard(judged)).ravel()
    if clock == "tenure":
        cumulative = fitter.baseline_cumulative_hazard_.iloc[:, 0]
        at = lambda days: np.interp(days, cumulative.index.to_numpy(), cumulative.to_numpy())  # noqa: E731
        middle = later["stop"].to_numpy()
        low, high = np.maximum(middle - WINDOW, cumulative.index.min()), np.minimum(middle + WINDOW, cumulative.index.max())
        width = np.maximum(high - low, 1.0)
        # Beyond the last tenure seen, as much as at its end.
        rate = np.where(high > low, (at(high) - at(low)) / width, np.nan)
        rate = np.where(np.isnan(rate), np.nanmin(rate[rate > 0]), rate)
        return score, score + np.log(np.maximum(rate, 1e-9))
    return score, score


def concordance(pairs):
    """Share of (score of the exit, scores of the others) in the right order."""
    right = total = 0.0
    for score, others in pairs:
        right += (score > others).sum() + 0.5 * (score == others).sum()
        total += len(others)
    return right / total if total else float("nan")


def judge(later, score):
    """AUC over the rows, within days, and Harrell's C by tenure."""
    left, day = later["label"].to_numpy() == 1, later["as_of"].to_numpy()
    start, stop, who = (later[name].to_numpy() for name in ("start", "stop", "employee_id"))
    exits = left.nonzero()[0]
    return (
        concordance((score[i], score[~left]) for i in exits),
        concordance((score[i], score[~left & (day == day[i])]) for i in exits),
        concordance((score[i], score[(start < stop[i]) & (stop[i] <= stop) & (who != who[i])]) for i in exits),
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder of HR tables")
    parser.add_argument("--command", type=pathlib.Path, help="the flight-risk to judge; left out: built first")
    arguments = parser.parse_args()
    enter()
    command = arguments.command or ROOT / "target" / "release" / "flight-risk"
    if not arguments.command:
        subprocess.run(["cargo", "build", "--quiet", "--release", "--workspace"], cwd=ROOT, check=True)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        rows = rows_of(command, arguments.data, folder)
        metrics = train(command, arguments.data, folder / "model")
        cut = datetime.date.fromisoformat(metrics["split"]["from"])
        early, later = rows[rows["until"] <= cut].reset_index(drop=True), rows[rows["as_of"] >= cut].reset_index(drop=True)
        risk, horizon, unknown = engine_scores(command, arguments.data, folder, cut, later)
    names = [name for name in rows if name not in ("employee_id", "as_of", "label", "period", "start", "stop", "begin", "until")]
    print(f"learned from {len(early)} rows ({early['label'].sum()} exits) known on {cut}; "
          f"judged on {len(later)} later rows ({later['label'].sum()} exits)")
    print(f"the engine's own report of such a training: AUC {metrics['rows']['auc']:.4f}; ranked below by {horizon}"
          + (f", {unknown} rows without a risk at the median" if unknown else "") + "\n")
    lines = [("engine", *judge(later, risk))]
    everything = []
    for clock in ["tenure", "calendar"]:
        for bent in [False, True]:
            tried = []
            for ridge in RIDGES:
                partial, hazard = cox_scores(early, later, names, clock, bent, ridge)
                shape = "bent at the quartiles" if bent else "straight"
                tried.append((f"Cox, {clock}, {shape}, ridge {ridge:g}", *judge(later, hazard)))
                if clock == "tenure":
                    tried.append((f"Cox, {clock}, {shape}, ridge {ridge:g}, partial hazard alone", *judge(later, partial)))
            lines.append(max(tried, key=lambda line: line[2]))
            everything += tried
    lines.append(("the best Cox of each column, of all tried", *(max(line[column] for line in everything) for column in (1, 2, 3))))
    print_table(["", "all rows (AUC)", "rows of the same day", "Harrell's C by tenure"],
                [(line[0], *(f"{value:.4f}" for value in line[1:])) for line in lines])


if __name__ == "__main__":
    main()
