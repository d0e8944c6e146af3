//! Scores in one, in batches and in streams, and every way to send a wrong request.

use flight_risk_proto::v1;
use flight_risk_scoring::EmployeeId;
use tokio_stream::StreamExt;
use tonic::Code;
use tonic_types::StatusExt;

use super::fixture::{
    NATIVE, Served, assessment, defaults, flat, history, level, named, native, number, of_history, packed, score,
};
use crate::grpc::convert_history;
use crate::grpc::status::ApiError;
use crate::grpc::violations::Violations;
use crate::limits::{MAX_BATCH_ROWS, MAX_FIELD_VIOLATIONS, MAX_STATUS_DETAIL_BYTES};

/// The features of [`history`] by hand: 1,582 days of tenure, two of three talks within 90 days, an answer of 4 from 1 to 5.
const BY_HAND: [f64; 3] = [1_582.0 / 365.25, 2.0, 0.75];

#[tokio::test]
async fn history_named_and_packed_rows_give_the_same_score_as_the_scorer() {
    let scorer = native();
    let expected = scorer.score(&scorer.schema().packed_row(BY_HAND.to_vec()).unwrap());
    let server = Served::start(native()).await;
    let mut client = server.scoring().await;
    let requests = [
        of_history(history()),
        named(NATIVE.iter().zip(BY_HAND).map(|(name, x)| number(name, x)).collect::<Vec<_>>()),
        packed(BY_HAND, scorer.schema().digest()),
    ];
    for request in requests {
        let score = client.score_employee(request).await.unwrap().into_inner().score.unwrap();
        assert_eq!(score.employee_id, "e-1");
        assert_eq!(score.model_version, scorer.artifact().model_version());
        assert!(!score.request_id.is_empty());
        let got = assessment(score);
        let same = |a: f64, b: f64| assert_eq!(a.to_bits(), b.to_bits(), "{a} {b}");
        same(got.risk, expected.risk.get());
        same(got.low, expected.low.get());
        same(got.high, expected.high.get());
        same(got.log_odds, expected.log_odds.0);
        same(got.multiple_of_base_rate, expected.multiple_of_base_rate);
        assert_eq!(got.horizons.iter().map(|h| h.months).collect::<Vec<_>>(), [3, 6, 12]);
        same(got.horizons[0].high, expected.horizons[0].high.get());
        let factors: Vec<(&str, Option<u64>)> =
            got.factors.iter().map(|f| (f.feature.as_str(), f.contribution_log_odds.map(f64::to_bits))).collect();
        // The third comes from confidential answers: its exact part would tell the answer.
        let wanted: Vec<(&str, Option<u64>)> = expected
            .factors()
            .iter()
            .map(|f| (NATIVE[f.feature], (f.feature != 2).then_some(f.contribution_log_odds.to_bits())))
            .collect();
        assert_eq!(factors, wanted);
    }
}

#[test]
fn cut_factors_still_add_up() {
    for max_factors in 0..=4 {
        let mut request = of_history(history());
        request.max_factors = Some(max_factors);
        let got = assessment(score(&native(), request, &defaults()).unwrap());
        assert_eq!(got.factors.len(), if max_factors == 0 { 3 } else { max_factors.min(3) as usize });
        let sum: f64 = got.factors.iter().filter_map(|f| f.contribution_log_odds).sum();
        let total = got.reference_log_odds + sum + got.remaining_contribution_log_odds;
        assert!((total - got.log_odds).abs() < 1e-12, "{max_factors}");
    }
}

#[test]
fn confidential_values_are_never_sent() {
    let reply = |answer: f64| {
        let got = score(&native(), named([number("tenure_years", 4.0), number(NATIVE[2], answer)]), &defaults());
        let got = assessment(got.unwrap());
        let factor = got.factors.into_iter().find(|f| f.feature == NATIVE[2]).unwrap();
        (factor.confidential, factor.value, factor.typical, factor.text)
    };
    let (confidential, value, typical, text) = reply(0.75);
    assert!(confidential && value.is_none() && typical.is_none() && !text.contains("75"), "{text}");
    assert_eq!(text, reply(0.25).3);
    // Far outside the range: named as a reason, but without the value.
    let got = score(&native(), named([number(NATIVE[2], 777.0)]), &defaults()).unwrap();
    let Some(v1::employee_score::Outcome::Abstention(abstention)) = got.outcome else { panic!("{got:?}") };
    assert!(!format!("{abstention:?}").contains("777"), "{abstention:?}");
    assert_eq!(abstention.reasons[0].outside_values[0].feature, NATIVE[2]);
}

#[test]
fn doubts_are_told_with_their_facts_and_without_a_probability() {
    let got = score(&native(), named([]), &defaults()).unwrap();
    let Some(v1::employee_score::Outcome::Abstention(abstention)) = got.outcome else { panic!("{got:?}") };
    assert_eq!(abstention.reasons[0].kind(), v1::AbstentionKind::TooLittleKnown);
    assert_eq!((abstention.reasons[0].known_features, abstention.reasons[0].total_features), (Some(0), Some(3)));
    let got = score(&native(), named([number("tenure_years", 500.0)]), &defaults()).unwrap();
    let Some(v1::employee_score::Outcome::Abstention(abstention)) = got.outcome else { panic!("{got:?}") };
    let value = &abstention.reasons[0].outside_values[0];
    assert_eq!((value.value, value.trained_min, value.trained_max), (Some(500.0), Some(0.0), Some(40.0)));
    assert!(abstention.reasons[0].text.contains("500 years"), "{}", abstention.reasons[0].text);
}

#[test]
fn facts_after_the_day_change_nothing() {
    let before = score(&native(), of_history(history()), &defaults()).unwrap();
    let mut later = history();
    later.feedback.push(v1::FeedbackEvent { date: "2024-07-01".into(), kind: "one_on_one".into(), rating: None });
    later.survey_responses.push(v1::SurveyResponse { date: "2024-07-01".into(), ..later.survey_responses[0].clone() });
    assert_eq!(score(&native(), of_history(later), &defaults()).unwrap(), before);
}

#[test]
fn a_history_is_read_as_the_tables_are() {
    let read = |history: v1::EmployeeHistory| {
        let mut problems = Violations::default();
        convert_history::subject(EmployeeId::new("e-1"), history, &mut problems).unwrap().history
    };
    let mut other = history();
    other.feedback.reverse();
    other.feedback.iter_mut().for_each(|event| event.kind = " One-on-one ".into());
    other.survey_responses[0].survey = " spring ".into();
    // Two of one day: the later one stands.
    let first = other.assignments[0].clone();
    other.assignments.insert(0, v1::Assignment { annual_pay: Some(1.0), ..first });
    assert_eq!(read(other), read(history()));
}

#[test]
fn what_is_not_recorded_is_unknown_and_not_zero() {
    let factor = |coverage: Option<v1::RecordCoverage>| {
        let request = of_history(v1::EmployeeHistory { feedback: Vec::new(), coverage, ..history() });
        let got = assessment(score(&native(), request, &defaults()).unwrap());
        got.factors.into_iter().find(|f| f.feature == NATIVE[1]).unwrap().value
    };
    let zero = v1::FeatureValue { value: Some(v1::feature_value::Value::Number(0.0)) };
    assert_eq!(factor(None), Some(zero.clone()));
    assert_eq!(factor(Some(v1::RecordCoverage::default())), None);
    let since = |since: &str| v1::RecordCoverage {
        feedback: vec![v1::FeedbackCoverage { kind: "one_on_one".into(), since: since.into() }],
        ..Default::default()
    };
    assert_eq!(factor(Some(since("2024-06-01"))), None);
    assert_eq!(factor(Some(since("2024-01-01"))), Some(zero));
}

#[test]
fn every_wrong_field_of_a_history_is_named_by_its_path() {
    let mut wrong = history();
    wrong.hire_date = "01.03.2020".into();
    wrong.assignments.push(v1::Assignment { effective_date: String::new(), ..Default::default() });
    wrong.assignments[0].annual_pay = Some(f64::NAN);
    wrong.assignments[0].pay_midpoint = Some(-1.0);
    wrong.survey_responses[0].score = Some(6.0);
    wrong.survey_responses.push(v1::SurveyResponse {
        date: "2024-02-30".into(),
        score: Some(1.0),
        ..Default::default()
    });
    wrong.feedback[2] = v1::FeedbackEvent { date: "2024-01-01".into(), kind: " ".into(), rating: Some(f64::INFINITY) };
    let exits = |date: &str| Some(v1::DateList { dates: vec!["2024-01-01".into(), date.into()] });
    wrong.team = Some(v1::TeamContext {
        team_engagement: Some(1.5),
        teammate_exits: exits("soon"),
        manager_exits: exits("2024-01-02"),
        ..Default::default()
    });
    wrong.coverage = Some(v1::RecordCoverage { surveys_since: Some("x".into()), ..Default::default() });
    let mut request = of_history(wrong);
    request.employee_id = "  ".into();
    let error = score(&native(), request, &defaults()).unwrap_err();
    let mut fields: Vec<String> = error.row_error().field_violations.into_iter().map(|v| v.field).collect();
    fields.sort();
    assert_eq!(
        fields,
        [
            "employee_id",
            "history.assignments[0].annual_pay",
            "history.assignments[0].pay_midpoint",
            "history.assignments[1].effective_date",
            "history.coverage.surveys_since",
            "history.feedback[2].kind",
            "history.feedback[2].rating",
            "history.hire_date",
            "history.survey_responses[0].score",
            "history.survey_responses[1].date",
            "history.survey_responses[1].scale_max",
            "history.survey_responses[1].scale_min",
            "history.team.team_engagement",
            "history.team.teammate_exits.dates[1]",
        ]
    );
}

#[test]
fn wrong_rows_are_refused_with_the_path_of_the_value() {
    let digest = flat().schema().digest().to_owned();
    let long = "x".repeat(300);
    for (request, field, said) in [
        (named([number("Height", 1.0)]), "features.named.values[0].name", "no feature `Height`"),
        (named([number("Age", 1.0), number("Age", 1.0)]), "features.named.values[1].name", "given twice"),
        (named([level("Age", "old")]), "features.named.values[0].level", "got the text `old`"),
        (named([number("Department", 1.0)]), "features.named.values[0].number", "send its level as text"),
        (named([number("Age", f64::NAN)]), "features.named.values[0].number", "finite"),
        (named([number("Age", 1e300)]), "features.named.values[0].number", "from -1"),
        (named([level("Department", &long)]), "features.named.values[0].level", "300 bytes"),
        (named([level("Department", "a\0b")]), "features.named.values[0].level", "NUL"),
        (packed([30.0], &digest), "features.packed.values", "1 packed values, but the model has 2"),
        (packed([f64::INFINITY, 0.0], &digest), "features.packed.values[0]", "finite"),
        (packed([30.0, 7.0], &digest), "features.packed.values[1]", "levels 0 to 2"),
        (packed([30.0, 1.0], ""), "features.packed.schema_digest", "required"),
        (v1::ScoreEmployeeRequest { employee_id: "e".into(), ..Default::default() }, "subject", "required"),
        (
            v1::ScoreEmployeeRequest {
                employee_id: "e".into(),
                subject: Some(v1::score_employee_request::Subject::Features(v1::FeatureRow::default())),
                ..Default::default()
            },
            "features.values",
            "required",
        ),
    ] {
        let ApiError::Invalid(problems) = score(&flat(), request, &defaults()).unwrap_err() else { panic!("{field}") };
        assert_eq!(problems.first()[0].field, field);
        assert!(problems.first()[0].description.contains(said), "{:?}", problems.first());
    }
}

#[tokio::test]
async fn an_unseen_level_is_pooled_and_a_missing_value_unknown() {
    let pooled = |department: &str| {
        assessment(score(&flat(), named([number("Age", 40.0), level("Department", department)]), &defaults()).unwrap())
    };
    assert_eq!(pooled("Catering").log_odds.to_bits(), pooled("Gardening").log_odds.to_bits());
    assert!(pooled("Sales").log_odds > pooled("Gardening").log_odds);
    assert!(pooled("Sales").horizons.is_empty());
}

#[tokio::test]
async fn errors_carry_code_reason_and_fields() {
    let server = Served::start(flat()).await;
    let mut client = server.scoring().await;
    for (request, code, reason) in [
        (of_history(history()), Code::FailedPrecondition, "HISTORY_NOT_SUPPORTED"),
        (packed([1.0, 1.0], "0123"), Code::FailedPrecondition, "SCHEMA_MISMATCH"),
        (named([number("Height", 1.0)]), Code::InvalidArgument, "INVALID_FIELDS"),
    ] {
        let status = client.score_employee(request).await.unwrap_err();
        assert_eq!(status.code(), code, "{status:?}");
        let info = status.get_details_error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.domain.as_str()), (reason, "flightrisk"));
        assert_eq!(info.metadata["model_version"], flat().artifact().model_version());
        assert_eq!(status.get_details_bad_request().is_some(), code == Code::InvalidArgument);
    }
}

#[tokio::test]
async fn many_violations_fit_into_the_header_that_clients_accept() {
    let server = Served::start(native()).await;
    let wrong = v1::Assignment { effective_date: "ü".repeat(100), ..Default::default() };
    let request = of_history(v1::EmployeeHistory { assignments: vec![wrong; 1500], ..history() });
    let status = server.scoring().await.score_employee(request.clone()).await.unwrap_err();
    let bad = status.get_details_bad_request().unwrap();
    assert!(!bad.field_violations.is_empty() && bad.field_violations.len() <= MAX_FIELD_VIOLATIONS);
    assert_eq!(bad.field_violations[0].field, "history.assignments[0].effective_date");
    assert!(status.details().len() < MAX_STATUS_DETAIL_BYTES + 1024, "{}", status.details().len());
    assert!(status.message().contains("1500 fields"), "{}", status.message());
}

#[tokio::test]
async fn a_batch_keeps_the_order_and_a_wrong_row_does_not_stop_the_others() {
    let server = Served::start(native()).await;
    let mut rows: Vec<_> = (0..20).map(|i| named([number("tenure_years", f64::from(i))])).collect();
    for (index, row) in rows.iter_mut().enumerate() {
        row.employee_id = format!("e-{index}");
    }
    rows[7].employee_id = String::new();
    rows[8].max_factors = Some(2);
    rows[8].request_id = Some("mine".into());
    let request = v1::BatchScoreEmployeesRequest {
        requests: rows.clone(),
        max_factors: Some(1),
        request_id: Some("b".into()),
        ..Default::default()
    };
    let reply = server.scoring().await.batch_score_employees(request).await.unwrap().into_inner();
    assert_eq!((reply.request_id.as_str(), reply.results.len()), ("b", 20));
    for (index, result) in reply.results.into_iter().enumerate() {
        match result.result.unwrap() {
            v1::score_result::Result::Error(error) => {
                assert_eq!((index, error.code, error.field_violations[0].field.as_str()), (7, 3, "employee_id"));
            }
            v1::score_result::Result::Score(got) => {
                assert_eq!(got.employee_id, format!("e-{index}"));
                assert_eq!(got.request_id, if index == 8 { "mine" } else { "b" });
                let alone = score(&native(), rows[index].clone(), &defaults()).unwrap();
                let got = assessment(got);
                assert_eq!(got.risk.to_bits(), assessment(alone).risk.to_bits());
                assert_eq!(got.factors.len(), if index == 8 { 2 } else { 1 });
            }
        }
    }
}

#[tokio::test]
async fn batches_have_limits_of_rows_and_of_the_reply() {
    let server = Served::start(native()).await;
    let mut client = server.scoring().await;
    let mut batch = async |rows: usize, id_bytes: usize| {
        let mut row = named([number("tenure_years", 1.0)]);
        row.employee_id = "x".repeat(id_bytes);
        let requests = vec![row; rows];
        client.batch_score_employees(v1::BatchScoreEmployeesRequest { requests, ..Default::default() }).await
    };
    assert_eq!(batch(MAX_BATCH_ROWS, 10).await.unwrap().into_inner().results.len(), MAX_BATCH_ROWS);
    for rows in [0, MAX_BATCH_ROWS + 1] {
        let status = batch(rows, 10).await.unwrap_err();
        assert_eq!(status.get_details_bad_request().unwrap().field_violations[0].field, "requests");
    }
}

#[tokio::test]
async fn a_reply_beyond_the_message_limit_is_refused_with_advice() {
    // A model of a hundred features with long names makes large replies.
    let server = Served::start(super::fixture::wide(100)).await;
    let row = named([number("feature 0", 1.0)]);
    let mut request = v1::BatchScoreEmployeesRequest { requests: vec![row; MAX_BATCH_ROWS], ..Default::default() };
    let mut client = server.scoring().await;
    let status = client.batch_score_employees(request.clone()).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(status.get_details_error_info().unwrap().reason, "REPLY_TOO_LARGE");
    request.max_factors = Some(5);
    assert_eq!(client.batch_score_employees(request).await.unwrap().into_inner().results.len(), MAX_BATCH_ROWS);
}

#[tokio::test]
async fn a_message_beyond_the_limit_is_refused_and_the_connection_goes_on() {
    let server = Served::start(native()).await;
    let mut client = server.scoring().await;
    let mut request = named([number("tenure_years", 1.0)]);
    request.employee_id = "x".repeat(5 * 1024 * 1024);
    let code = client.score_employee(request).await.unwrap_err().code();
    assert!(matches!(code, Code::OutOfRange | Code::ResourceExhausted), "{code:?}");
    client.score_employee(named([number("tenure_years", 1.0)])).await.unwrap();
}

#[tokio::test]
async fn a_stream_answers_in_order_and_outlives_wrong_rows() {
    let server = Served::start(native()).await;
    let rows = (0..300).map(|i| v1::StreamScoresRequest {
        correlation_id: format!("c-{i}"),
        request: (i != 5).then(|| named([number(if i == 6 { "nonsense" } else { "tenure_years" }, 2.0)])),
    });
    let replies = server.scoring().await.stream_scores(tokio_stream::iter(rows)).await.unwrap().into_inner();
    let replies: Vec<_> = replies.collect::<Vec<_>>().await.into_iter().map(Result::unwrap).collect();
    assert_eq!(replies.len(), 300);
    for (index, reply) in replies.into_iter().enumerate() {
        assert_eq!(reply.correlation_id, format!("c-{index}"));
        assert_eq!(reply.model_version, native().artifact().model_version());
        let wrong = match reply.result.unwrap() {
            v1::stream_scores_response::Result::Score(_) => None,
            v1::stream_scores_response::Result::Error(error) => Some(error.field_violations[0].field.clone()),
        };
        let expected = match index {
            5 => Some("request"),
            6 => Some("features.named.values[0].name"),
            _ => None,
        };
        assert_eq!(wrong.as_deref(), expected, "{index}");
    }
}
