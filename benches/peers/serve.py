"""What one would write instead: a grpcio server with a scikit-learn model that answers ScoreEmployee with every factor.

Started by `cargo bench --workspace --bench load -- --python`; it prints where it listens.

Reasons are the coefficients times the distance from the mean (`--reasons coefficients`), or what the shap package's
explainer for linear models says (`--reasons shap`). Both name the same facts as the engine: risk, horizons, and for each
feature its value, what is typical, its part in log-odds, and a text.
"""

import argparse
import importlib
import pathlib
import subprocess
import sys
import tempfile
from concurrent import futures

import environment

environment.enter()

import grpc  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from sklearn.impute import SimpleImputer  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402


def generated():
    """The messages and services generated from the .proto files."""
    folder = pathlib.Path(tempfile.mkdtemp())
    proto = environment.ROOT / "proto"
    files = sorted(str(path) for path in (proto / "flightrisk/v1").glob("*.proto"))
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", "-I", str(proto), f"--python_out={folder}",
                    f"--grpc_python_out={folder}", *files], check=True)
    sys.path.insert(0, str(folder))
    return (importlib.import_module("flightrisk.v1.scoring_service_pb2_grpc"),
            importlib.import_module("flightrisk.v1.scoring_service_pb2"),
            importlib.import_module("flightrisk.v1.employee_score_pb2"),
            importlib.import_module("flightrisk.v1.feature_pb2"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", required=True)
    parser.add_argument("--features", required=True, help="names in the order of packed values, with commas between")
    parser.add_argument("--reasons", choices=["coefficients", "shap"], required=True)
    options = parser.parse_args()
    services, messages, scores, values = generated()

    names = options.features.split(",")
    table = pd.read_parquet(options.rows)
    x, y = table[names].to_numpy(float), table["label"].to_numpy()
    prepare = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    prepared = prepare.fit_transform(x)
    model = LogisticRegression(max_iter=1000).fit(prepared, y)
    typical = np.nanmedian(x, axis=0)
    base_rate = 1 - (1 - y.mean()) ** 12
    reference = float(model.intercept_[0])
    explainer = None
    if options.reasons == "shap":
        import shap
        background = prepared[np.random.default_rng(1).choice(len(prepared), 100)]
        explainer = shap.LinearExplainer(model, background)
        reference = float(explainer.expected_value)

    class Scoring(services.ScoringServiceServicer):
        def ScoreEmployee(self, request, context):
            raw = np.array(request.features.packed.values)
            row = prepare.transform(raw.reshape(1, -1))
            hazard = float(model.predict_proba(row)[0, 1])
            parts = explainer.shap_values(row)[0] if explainer else model.coef_[0] * row[0]
            risk = {months: 1 - (1 - hazard) ** months for months in (3, 6, 12)}
            factors = []
            for position in np.argsort(-np.abs(parts)):
                name, value, part = names[position], float(raw[position]), float(parts[position])
                known = value == value
                factors.append(scores.Factor(
                    feature=name, label=name.replace("_", " "),
                    value=values.FeatureValue(number=value) if known else None,
                    typical=values.FeatureValue(number=float(typical[position])),
                    contribution_log_odds=part,
                    direction=scores.FACTOR_DIRECTION_RAISES if part > 0 else scores.FACTOR_DIRECTION_LOWERS,
                    text=f"{name.replace('_', ' ')} {value:.2f}; typical {typical[position]:.2f}" if known else "not known",
                ))
            assessment = scores.Assessment(
                risk=risk[12], base_rate=base_rate, multiple_of_base_rate=risk[12] / base_rate,
                horizons=[scores.HorizonRisk(months=months, risk=value) for months, value in risk.items()],
                log_odds=float(np.log(hazard / (1 - hazard))), reference_log_odds=reference, factors=factors)
            return messages.ScoreEmployeeResponse(score=scores.EmployeeScore(
                employee_id=request.employee_id, request_id=request.request_id, assessment=assessment))

    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    services.add_ScoringServiceServicer_to_server(Scoring(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(f"listening on 127.0.0.1:{port}", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
