//! One truth on every way: a score file, a raw history over gRPC, and a feature row over gRPC say the same of everybody.

use std::path::Path;

use flight_risk_data::{NativeOptions, read_native};
use flight_risk_model::bulk::{Scored, score_company};
use flight_risk_proto::v1;
use flight_risk_proto::v1::scoring_service_client::ScoringServiceClient;
use flight_risk_scoring::artifact::FILE_NAME;
use flight_risk_scoring::scorer::Band;
use flight_risk_scoring::{Artifact, Company, Day, Scorer};
use tonic::transport::Channel;

use crate::support::{ClientCompany, FileScore, Server, sample_company, score, trained_model};

/// Largest difference between two ways to the same number.
const TOLERANCE: f64 = 1e-12;

#[track_caller]
fn same(what: &str, a: f64, b: f64) {
    assert!((a - b).abs() <= TOLERANCE, "{what}: {a} and {b} differ by {:e}", (a - b).abs());
}

/// Compares a reply with the score file. What abstains carries no number.
#[track_caller]
pub(crate) fn same_as_file(id: &str, way: &str, reply: &v1::EmployeeScore, file: &FileScore) {
    assert_eq!(reply.employee_id, id);
    let what = |number: &str| format!("{number} of {id} by {way}");
    let assessment = match reply.outcome.as_ref().expect("an outcome") {
        v1::employee_score::Outcome::Assessment(assessment) => assessment,
        v1::employee_score::Outcome::Abstention(abstention) => {
            assert_eq!(file.band, "abstained", "{id} by {way}: {:?}", abstention.reasons);
            return;
        }
    };
    let band = match assessment.band() {
        v1::RiskBand::Low => "low",
        v1::RiskBand::Elevated => "elevated",
        v1::RiskBand::High => "high",
        v1::RiskBand::Unspecified => "unspecified",
    };
    assert_eq!(file.band, band, "{}", what("band"));
    same(&what("risk"), assessment.risk, file.risk);
    same(&what("low"), assessment.low, file.low);
    same(&what("high"), assessment.high, file.high);
    assert_eq!(assessment.horizons.len(), file.horizons.len(), "{}", what("horizons"));
    for (sent, (months, risk)) in assessment.horizons.iter().zip(&file.horizons) {
        assert_eq!(sent.months, *months);
        same(&what("risk at a horizon"), sent.risk, *risk);
    }
    assert_eq!(assessment.factors.len(), file.factors.len(), "{}", what("number of factors"));
    // By name: contributions that differ in their last bit may change places.
    for (name, contribution, text) in &file.factors {
        let sent = assessment.factors.iter().find(|factor| factor.feature == *name);
        let sent = sent.unwrap_or_else(|| panic!("{} lacks {name}", what("reply")));
        assert_eq!(sent.contribution_log_odds.is_none(), sent.confidential, "{}", what(name));
        if let Some(part) = sent.contribution_log_odds {
            same(&what(name), part, *contribution);
        }
        assert_eq!(sent.text, *text, "{}", what("text"));
    }
    let sum: f64 = assessment.factors.iter().filter_map(|factor| factor.contribution_log_odds).sum();
    let sum = sum + assessment.remaining_contribution_log_odds;
    same(&what("sum of the factors"), assessment.reference_log_odds + sum, assessment.log_odds);
}

/// The engine's own reading of the company, for the values of feature rows.
pub(crate) fn engine(folder: &Path) -> Company {
    let options = NativeOptions { today: Day::from_ymd(2100, 1, 1).unwrap(), data_end: None, protected: Vec::new() };
    read_native(folder, &options).expect("a company").company
}

/// The model in a model directory.
pub(crate) fn scorer(model: &Path) -> Scorer {
    let json = std::fs::read_to_string(model.join(FILE_NAME)).expect("a model");
    Scorer::new(Artifact::from_json(&json).expect("a sound model"))
}

async fn ask(
    client: &mut ScoringServiceClient<Channel>,
    id: &str,
    subject: v1::score_employee_request::Subject,
) -> v1::EmployeeScore {
    let request = v1::ScoreEmployeeRequest { employee_id: id.to_owned(), subject: Some(subject), ..Default::default() };
    let reply = client.score_employee(request).await.unwrap_or_else(|status| panic!("{id}: {status:?}"));
    reply.into_inner().score.expect("a score")
}

/// The same values by name and packed.
fn rows(scorer: &Scorer, scored: &Scored) -> [(&'static str, v1::feature_row::Values); 2] {
    let values = scored.row.values();
    // Unknown values are left out by name, and the order is turned round: names are what counts.
    let named = scorer.schema().features().iter().zip(values).rev().filter(|(_, value)| !value.is_nan());
    let named = named.map(|(feature, value)| v1::NamedValue {
        name: feature.name.clone(),
        value: Some(v1::named_value::Value::Number(*value)),
    });
    let schema_digest = scorer.schema().digest().to_owned();
    [
        ("named values", v1::feature_row::Values::Named(v1::NamedValues { values: named.collect() })),
        ("packed values", v1::feature_row::Values::Packed(v1::PackedValues { values: values.to_vec(), schema_digest })),
    ]
}

async fn every_way_says_the_same(as_of: Option<&str>) {
    let (model, folder) = (trained_model(), sample_company());
    let file = score(model, folder, as_of);
    let tables = ClientCompany::read(folder);
    let as_of = as_of.unwrap_or(&tables.data_end);
    let employed = tables.employed_on(as_of);
    assert!(employed.len() > 200, "{} employees are no sample", employed.len());
    assert_eq!(employed.len(), file.len(), "the file has everybody who is employed, and nobody else");

    let server = Server::start(model);
    let mut client = ScoringServiceClient::new(server.channel().await);
    for &id in &employed {
        let history = v1::score_employee_request::Subject::History(tables.history(id, as_of));
        same_as_file(id, "raw history", &ask(&mut client, id, history).await, &file[id]);
    }

    let (scorer, company) = (scorer(model), engine(folder));
    let scored = score_company(&scorer, &company, as_of.parse().unwrap());
    assert_eq!(scored.len(), file.len());
    for scored in &scored {
        let id = company.histories()[scored.employee].employee_id().as_str();
        for (way, values) in rows(&scorer, scored) {
            let row = v1::score_employee_request::Subject::Features(v1::FeatureRow { values: Some(values) });
            let reply = ask(&mut client, id, row).await;
            same_as_file(id, way, &reply, &file[id]);
            nothing_is_rounded(id, scored, &reply, &file[id]);
        }
    }
}

/// From the same row on, every way carries the very bits of the calculation.
fn nothing_is_rounded(id: &str, scored: &Scored, reply: &v1::EmployeeScore, file: &FileScore) {
    let bits = |numbers: &[f64]| numbers.iter().map(|number| number.to_bits()).collect::<Vec<_>>();
    let own = &scored.assessment;
    let mut computed = vec![own.risk.get(), own.low.get(), own.high.get()];
    computed.extend(own.horizons.iter().map(|horizon| horizon.risk.get()));
    computed.extend(own.factors().iter().map(|factor| factor.contribution_log_odds));
    let mut written = vec![file.risk, file.low, file.high];
    written.extend(file.horizons.iter().map(|(_, risk)| *risk));
    written.extend(file.factors.iter().map(|(_, contribution, _)| *contribution));
    assert_eq!(bits(&computed), bits(&written), "the score file rounds the numbers of {id}");
    if let Some(v1::employee_score::Outcome::Assessment(sent)) = &reply.outcome {
        assert_ne!(own.band, Band::Abstained);
        let mut numbers = vec![sent.risk, sent.low, sent.high];
        numbers.extend(sent.horizons.iter().map(|horizon| horizon.risk));
        // The parts of factors from confidential answers are not sent.
        let sent_parts = sent.factors.iter().zip(own.factors()).map(|(factor, own)| {
            if factor.confidential {
                own.contribution_log_odds
            } else {
                factor.contribution_log_odds.unwrap_or(f64::NAN)
            }
        });
        numbers.extend(sent_parts);
        assert_eq!(bits(&computed), bits(&numbers), "the reply rounds the numbers of {id}");
    }
}

#[tokio::test]
async fn file_history_and_feature_row_agree_for_every_employee() {
    every_way_says_the_same(None).await;
}

/// In the middle of the records, so that every history and team has facts dated later, which no way may use.
#[tokio::test]
async fn they_agree_on_an_earlier_day_as_well() {
    every_way_says_the_same(Some("2024-11-15")).await;
}
