//! Random and hostile requests: whatever is sent, the answer is a score or an error, never a panic.

use flight_risk_proto::v1;
use prost::Message;
use rand::seq::IndexedRandom;
use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::fixture::{NATIVE, defaults, flat, history, native, of_history, of_row, score};
use crate::grpc::status::ApiError;
use crate::limits::MAX_FIELD_VIOLATIONS;

const CASES: usize = 4_000;

const NUMBERS: [f64; 14] =
    [0.0, -0.0, 1.0, 2.0, -1.0, 40.0, 1e6, 1e12, 1e100, -1e100, f64::MAX, f64::MIN_POSITIVE, f64::NAN, f64::INFINITY];
const TEXTS: [&str; 16] = [
    "",
    " ",
    "2024-06-30",
    "2020-03-01",
    "1900-01-01",
    "2200-12-31",
    "2024-02-30",
    "9999-99-99",
    "e-1",
    "one_on_one",
    "L3",
    "99999999999999999999999999999999",
    "\u{0}",
    "ü\u{202e}",
    "tenure_years",
    "Sales",
];

fn number(rng: &mut ChaCha8Rng) -> f64 {
    if rng.random_bool(0.1) { f64::from_bits(rng.next_u64()) } else { *NUMBERS.choose(rng).unwrap() }
}

fn text(rng: &mut ChaCha8Rng) -> String {
    if rng.random_bool(0.02) {
        "ü".repeat(rng.random_range(0..2000))
    } else {
        (*TEXTS.choose(rng).unwrap()).to_owned()
    }
}

fn date(rng: &mut ChaCha8Rng) -> String {
    if rng.random_bool(0.2) {
        text(rng)
    } else {
        format!("{}-{:02}-{:02}", rng.random_range(1900..2201), rng.random_range(1..13), rng.random_range(1..29))
    }
}

fn maybe<T>(rng: &mut ChaCha8Rng, make: impl Fn(&mut ChaCha8Rng) -> T) -> Option<T> {
    rng.random_bool(0.5).then(|| make(rng))
}

fn several<T>(rng: &mut ChaCha8Rng, make: impl Fn(&mut ChaCha8Rng) -> T) -> Vec<T> {
    (0..rng.random_range(0..6)).map(|_| make(rng)).collect()
}

fn any_history(rng: &mut ChaCha8Rng) -> v1::EmployeeHistory {
    let dates = |rng: &mut ChaCha8Rng| v1::DateList { dates: several(rng, date) };
    v1::EmployeeHistory {
        hire_date: date(rng),
        as_of: date(rng),
        assignments: several(rng, |rng| v1::Assignment {
            effective_date: date(rng),
            manager_id: maybe(rng, text),
            department: maybe(rng, text),
            location: maybe(rng, text),
            job_title: maybe(rng, text),
            job_level: maybe(rng, text),
            employment_type: maybe(rng, text),
            annual_pay: maybe(rng, number),
            pay_midpoint: maybe(rng, number),
            critical_role: maybe(rng, |rng| rng.random()),
        }),
        survey_responses: several(rng, |rng| v1::SurveyResponse {
            date: date(rng),
            survey: text(rng),
            driver: text(rng),
            score: maybe(rng, number),
            scale_min: maybe(rng, number),
            scale_max: maybe(rng, number),
        }),
        feedback: several(rng, |rng| v1::FeedbackEvent {
            date: date(rng),
            kind: text(rng),
            rating: maybe(rng, number),
        }),
        team: maybe(rng, |rng| v1::TeamContext {
            manager_span: maybe(rng, |rng| rng.next_u32()),
            team_size: maybe(rng, |rng| rng.next_u32()),
            teammate_exits: maybe(rng, dates),
            team_engagement: maybe(rng, number),
            manager_exits: maybe(rng, dates),
        }),
        coverage: maybe(rng, |rng| v1::RecordCoverage {
            assignments_since: maybe(rng, date),
            surveys_since: maybe(rng, date),
            feedback: several(rng, |rng| v1::FeedbackCoverage { kind: text(rng), since: date(rng) }),
        }),
    }
}

fn any_row(rng: &mut ChaCha8Rng, digest: &str) -> v1::ScoreEmployeeRequest {
    use v1::named_value::Value;
    if rng.random_bool(0.5) {
        let values = several(rng, number);
        return of_row(v1::feature_row::Values::Packed(v1::PackedValues {
            values,
            schema_digest: if rng.random_bool(0.9) { digest.to_owned() } else { text(rng) },
        }));
    }
    let values = several(rng, |rng| v1::NamedValue {
        name: if rng.random_bool(0.8) {
            ["Age", "Department", NATIVE[0], NATIVE[1]].choose(rng).unwrap().to_string()
        } else {
            text(rng)
        },
        value: maybe(
            rng,
            |rng| if rng.random_bool(0.5) { Value::Number(number(rng)) } else { Value::Level(text(rng)) },
        ),
    });
    of_row(v1::feature_row::Values::Named(v1::NamedValues { values }))
}

#[test]
fn any_request_gets_a_score_of_finite_numbers_or_a_bounded_error() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let defaults = &defaults();
    let (mut scored, mut refused) = (0, 0);
    for scorer in [native(), flat()] {
        for _ in 0..CASES {
            let mut request = match rng.random_range(0..3) {
                0 => of_history(any_history(&mut rng)),
                _ => any_row(&mut rng, scorer.schema().digest()),
            };
            if rng.random_bool(0.1) {
                request.employee_id = text(&mut rng);
            }
            request.max_factors = maybe(&mut rng, |rng| rng.next_u32() >> rng.random_range(0..32));
            request.request_id = maybe(&mut rng, text);
            match score(&scorer, request, defaults) {
                Ok(score) => {
                    scored += 1;
                    if let Some(v1::employee_score::Outcome::Assessment(got)) = score.outcome {
                        let numbers = [got.risk, got.low, got.high, got.log_odds, got.remaining_contribution_log_odds];
                        assert!(numbers.iter().all(|x| x.is_finite()), "{got:?}");
                        assert!(got.low <= got.risk && got.risk <= got.high, "{got:?}");
                    }
                }
                Err(error) => {
                    refused += 1;
                    if let ApiError::Invalid(problems) = &error {
                        assert!(!problems.first().is_empty() && problems.first().len() <= MAX_FIELD_VIOLATIONS);
                    }
                    let status = error.into_status(Some("v"));
                    assert!(status.details().len() < 6_000 && status.message().len() < 400, "{status:?}");
                }
            }
        }
    }
    assert!(scored > CASES / 20 && refused > CASES / 20, "{scored} scored, {refused} refused: the cases are one-sided");
}

#[test]
fn altered_bytes_of_a_request_never_panic() {
    let bytes = of_history(history()).encode_to_vec();
    let mut rng = ChaCha8Rng::seed_from_u64(12);
    let defaults = &defaults();
    let mut read = 0;
    for _ in 0..CASES {
        let mut altered = bytes.clone();
        for _ in 0..rng.random_range(1..4) {
            let at = rng.random_range(0..altered.len());
            altered[at] = rng.random();
        }
        if let Ok(request) = v1::ScoreEmployeeRequest::decode(altered.as_slice()) {
            read += 1;
            let _ = score(&native(), request, defaults);
        }
    }
    assert!(read > CASES / 20, "{read}");
}
