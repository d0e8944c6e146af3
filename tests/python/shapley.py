"""Explains rows of a flat table with the package `shap`, by the numbers in a model's file.

Usage: shapley.py MODEL_JSON TABLE_CSV EVERY

Prints JSON: for every EVERY-th row of the table its position and each feature's Shapley value, exact over all coalitions, the
other features drawn from all rows of the table. The model is computed here from the description of the file's format.
"""

import csv
import json
import sys

import numpy as np
import shap

# A number that no table holds stands for what is unknown: shap compares values, and NaN differs from itself.
UNKNOWN = -1e300


def packed(features, path):
    """The rows of a table as numbers: levels by their position, UNKNOWN where blank."""

    def cell(feature, text):
        if text == "":
            return UNKNOWN
        if feature["kind"]["type"] == "numeric":
            return float(text)
        levels = feature["kind"]["levels"]
        return float(levels.index(text) if text in levels else len(levels))

    with open(path, newline="", encoding="utf-8") as file:
        return np.array([[cell(f, row[f["name"]]) for f in features] for row in csv.DictReader(file)])


def effect(encoding, weights, means, values):
    """What one feature adds to the log-odds, for each of its values."""
    known = values != UNKNOWN
    typical = float(np.dot(weights, means))
    unknown = weights[-1] if encoding["unknown"] else typical
    kind = encoding["type"]
    if kind == "spline":
        # Straight from knot to knot, and level beyond the outermost.
        knots = encoding["knots"]
        own = np.interp(values, knots, weights[: len(knots)])
    elif kind == "one_hot":
        count = encoding["levels"]
        other = weights[count] if encoding["pooled"] else typical
        by_level = np.append(weights[:count], other)
        own = by_level[np.clip(np.where(known, values, 0), 0, count).astype(int)]
    else:
        numbers = np.where(known, values, 0.0)
        if kind == "log_standardised":
            numbers = np.log1p(np.maximum(numbers, 0.0))
        own = (numbers - encoding["mean"]) / encoding["scale"] * weights[0]
    return np.where(known, own, unknown)


def width(encoding):
    """How many columns a feature has."""
    if encoding["type"] == "spline":
        own = len(encoding["knots"])
    elif encoding["type"] == "one_hot":
        own = encoding["levels"] + int(encoding["pooled"])
    else:
        own = 1
    return own + int(encoding["unknown"])


def bins(axis, values):
    """The bin of each value on one side of a pair, and how many bins there are."""
    known = values != UNKNOWN
    if axis["type"] == "cuts":
        count = len(axis["cuts"]) + 2
        own = np.searchsorted(axis["cuts"], values, side="right")
    else:
        count = max(axis["bins"]) + 2
        levels = np.clip(np.where(known, values, 0), 0, len(axis["bins"]) - 1).astype(int)
        own = np.array(axis["bins"])[levels]
    return np.where(known, own, count - 1), count


def log_odds(content, rows):
    """Log-odds of rows."""
    if content["recurring"] is not None or content["rules"] is not None:
        raise SystemExit("this script knows neither recurring values nor rules")
    total = np.full(len(rows), content["intercept"])
    start = 0
    for position, encoding in enumerate(content["encodings"]):
        columns = slice(start, start + width(encoding))
        start = columns.stop
        weights = np.array(content["coefficients"][columns])
        means = np.array(content["reference"]["column_means"][columns])
        total = total + effect(encoding, weights, means, rows[:, position])
    for pair in content["pairs"]:
        first, second = pair["features"]
        row, _ = bins(pair["axes"][0], rows[:, first])
        column, count = bins(pair["axes"][1], rows[:, second])
        total = total + np.array(pair["effects"])[row * count + column]
    return content["calibration"]["slope"] * total + content["calibration"]["intercept"]


def main():
    model, table, every = sys.argv[1:]
    with open(model, encoding="utf-8") as file:
        content = json.load(file)["content"]
    rows = packed(content["features"], table)
    explained = np.arange(0, len(rows), int(every))
    masker = shap.maskers.Independent(rows, max_samples=len(rows))
    explainer = shap.explainers.Exact(lambda mixed: log_odds(content, mixed), masker)
    values = explainer(rows[explained]).values
    names = [feature["name"] for feature in content["features"]]
    found = [{"row": int(row), "values": dict(zip(names, map(float, own)))} for row, own in zip(explained, values)]
    print(json.dumps({"pairs": len(content["pairs"]), "explained": found}))


if __name__ == "__main__":
    main()
