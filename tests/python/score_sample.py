"""Scores the employees of a company over gRPC as a client's own program would.

Usage: score_sample.py CLIENT_FOLDER TABLES_FOLDER ADDRESS AS_OF

CLIENT_FOLDER holds the code that grpcio-tools generated from our .proto files; nothing else of ours is used. Team facts are
computed here by the comments of the .proto files. Prints one JSON object: what each of the three calls said of everybody.
"""

import csv
import json
import sys
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path

client_folder, tables_folder, address, as_of_text = sys.argv[1:]
sys.path.insert(0, client_folder)

import grpc  # noqa: E402
from flightrisk.v1 import employee_history_pb2 as facts  # noqa: E402
from flightrisk.v1 import employee_score_pb2 as replies  # noqa: E402
from flightrisk.v1 import scoring_service_pb2 as api  # noqa: E402
from flightrisk.v1 import scoring_service_pb2_grpc as rpc  # noqa: E402

TIMEOUT_SECONDS = 60
AS_OF = date.fromisoformat(as_of_text)


def table(name):
    with open(Path(tables_folder) / f"{name}.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def by_employee(rows):
    grouped = defaultdict(list)
    for row in rows:
        grouped[row["employee_id"]].append(row)
    return grouped


def day(text):
    return date.fromisoformat(text) if text else None


def mean(numbers):
    return sum(numbers) / len(numbers)


employees = {row["employee_id"]: row for row in table("employees")}
assignments = by_employee(table("assignments"))
surveys = by_employee(table("survey_responses"))
feedback = by_employee(table("feedback"))
for rows in assignments.values():
    rows.sort(key=lambda row: row["effective_date"])  # stable: of one day, the later row in the file stays last


def employed(employee_id, on):
    row = employees[employee_id]
    left = day(row["exit_date"])
    return day(row["hire_date"]) <= on and (left is None or left > on)


def position(employee_id, on):
    current = None
    for row in assignments[employee_id]:
        if day(row["effective_date"]) <= on:
            current = row
    return current


def manager(employee_id, on):
    current = position(employee_id, on)
    return current["manager_id"] or None if current else None


def unit(employee_id):
    current = position(employee_id, AS_OF)
    return (current["department"], current["location"]) if current and current["department"] else None


def engagement(employee_id):
    answered = defaultdict(list)
    for row in surveys[employee_id]:
        if row["score"] and row["driver"] != "intent_to_stay" and day(row["date"]) <= AS_OF:
            low, high = float(row["scale_min"]), float(row["scale_max"])
            answered[day(row["date"]), row["survey"]].append((float(row["score"]) - low) / (high - low))
    if not answered:
        return None
    latest = max(on for on, _ in answered)
    if AS_OF - latest > timedelta(days=365):
        return None
    return mean([mean(items) for (on, _), items in answered.items() if latest - on < timedelta(days=30)])


PRESENT = [employee_id for employee_id in employees if employed(employee_id, AS_OF)]
MANAGER = {employee_id: manager(employee_id, AS_OF) for employee_id in PRESENT}
UNIT = {employee_id: unit(employee_id) for employee_id in PRESENT}
ENGAGEMENT = {employee_id: engagement(employee_id) for employee_id in PRESENT}
VOLUNTARY_EXITS = [
    (row["employee_id"], day(row["exit_date"]))
    for row in employees.values()
    if row["exit_type"] == "voluntary" and day(row["exit_date"]) <= AS_OF
]


def manager_exits(employee_id):
    rows = assignments[employee_id]
    days = set()
    for row, following in zip(rows, rows[1:] + [None]):
        leader = employees.get(row["manager_id"])
        left = day(leader["exit_date"]) if leader else None
        if left is None or left > AS_OF or left < day(row["effective_date"]):
            continue
        if following is None or left <= day(following["effective_date"]) + timedelta(days=31):
            days.add(left.isoformat())
    return sorted(days)


def team(employee_id):
    context = facts.TeamContext()
    if UNIT[employee_id] is not None:
        context.team_size = sum(UNIT[other] == UNIT[employee_id] for other in PRESENT)
    leader = MANAGER[employee_id]
    if leader is None:
        return context
    context.manager_span = sum(MANAGER[other] == leader for other in PRESENT)
    exits = [on.isoformat() for who, on in VOLUNTARY_EXITS if who != employee_id and manager(who, on) == leader]
    context.teammate_exits.CopyFrom(facts.DateList(dates=exits))
    colleagues = [other for other in PRESENT if MANAGER[other] == leader and other != employee_id]
    answers = [ENGAGEMENT[other] for other in colleagues if ENGAGEMENT[other] is not None]
    if len(answers) >= 5:
        context.team_engagement = mean(answers)
    context.manager_exits.CopyFrom(facts.DateList(dates=manager_exits(employee_id)))
    return context


def coverage():
    kinds = {}
    for row in (row for rows in feedback.values() for row in rows):
        kinds[row["kind"]] = min(row["date"], kinds.get(row["kind"], row["date"]))
    return facts.RecordCoverage(
        assignments_since=min(row["effective_date"] for rows in assignments.values() for row in rows),
        surveys_since=min(row["date"] for rows in surveys.values() for row in rows),
        feedback=[facts.FeedbackCoverage(kind=kind, since=since) for kind, since in kinds.items()],
    )


COVERAGE = coverage()


def fill(message, row, texts=(), numbers=()):
    for name in texts:
        if row[name]:
            setattr(message, name, row[name])
    for name in numbers:
        if row[name]:
            setattr(message, name, float(row[name]))
    return message


def history(employee_id):
    message = facts.EmployeeHistory(
        hire_date=employees[employee_id]["hire_date"], as_of=as_of_text, team=team(employee_id), coverage=COVERAGE
    )
    texts = "effective_date manager_id department location job_title job_level employment_type".split()
    for row in assignments[employee_id]:
        assignment = fill(message.assignments.add(), row, texts, ["annual_pay", "pay_midpoint"])
        if row["critical_role"]:
            assignment.critical_role = row["critical_role"] == "true"
    for row in surveys[employee_id]:
        fill(message.survey_responses.add(), row, ["date", "survey", "driver"], ["score", "scale_min", "scale_max"])
    for row in feedback[employee_id]:
        fill(message.feedback.add(), row, ["date", "kind"], ["rating"])
    return message


def told(score):
    """What a score says, with every number as it came (Python writes floats so that they read back the same)."""
    result = {"employee_id": score.employee_id, "model_version": score.model_version}
    if score.WhichOneof("outcome") == "abstention":
        return result | {"band": "abstained", "reasons": [reason.text for reason in score.abstention.reasons]}
    answer = score.assessment
    return result | {
        "band": replies.RiskBand.Name(answer.band).removeprefix("RISK_BAND_").lower(),
        "risk": answer.risk,
        "low": answer.low,
        "high": answer.high,
        "horizons": [[horizon.months, horizon.risk] for horizon in answer.horizons],
        "factors": [
            # The part of a factor from confidential answers is not sent.
            [factor.feature, factor.contribution_log_odds if factor.HasField("contribution_log_odds") else None, factor.text]
            for factor in answer.factors
        ],
    }


requests = [api.ScoreEmployeeRequest(employee_id=who, history=history(who)) for who in PRESENT]
with grpc.insecure_channel(address) as channel:
    scoring = rpc.ScoringServiceStub(channel)
    single = [told(scoring.ScoreEmployee(request, timeout=TIMEOUT_SECONDS).score) for request in requests]
    batch = scoring.BatchScoreEmployees(api.BatchScoreEmployeesRequest(requests=requests), timeout=TIMEOUT_SECONDS)
    rows = (api.StreamScoresRequest(correlation_id=f"c-{row.employee_id}", request=row) for row in requests)
    stream = []
    for result in scoring.StreamScores(rows, timeout=TIMEOUT_SECONDS):
        stream.append(told(result.score) | {"correlation_id": result.correlation_id})
    refused = {}
    try:
        wrong = api.ScoreEmployeeRequest(employee_id="x", history=facts.EmployeeHistory(hire_date="soon", as_of="now"))
        scoring.ScoreEmployee(wrong, timeout=TIMEOUT_SECONDS)
    except grpc.RpcError as error:
        refused = {"code": error.code().name, "message": error.details()}
json.dump(
    {"single": single, "batch": [told(result.score) for result in batch.results], "stream": stream, "refused": refused},
    sys.stdout,
)
