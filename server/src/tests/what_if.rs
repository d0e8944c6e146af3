//! What-if over the wire: what may be changed, from which facts, and what the answer says.

use flight_risk_proto::v1;
use flight_risk_scoring::Scorer;
use tonic::Code;
use tonic_types::StatusExt;

use super::databases::each_store;
use super::fixture::{NATIVE, Served, assessment, flat, history, native, number, open_config, packed, talkative};
use super::risk::{record, scored_row};
use crate::store::Store;

fn to(feature: &str, value: f64) -> v1::FeatureChange {
    v1::FeatureChange { feature: feature.into(), value: Some(feature_number(value)) }
}

fn feature_number(value: f64) -> v1::FeatureValue {
    v1::FeatureValue { value: Some(v1::feature_value::Value::Number(value)) }
}

fn row(values: [f64; 3]) -> v1::FeatureRow {
    let values = NATIVE.iter().zip(values).map(|(name, value)| number(name, value)).collect();
    v1::FeatureRow { values: Some(v1::feature_row::Values::Named(v1::NamedValues { values })) }
}

fn simulate(values: [f64; 3], changes: impl Into<Vec<v1::FeatureChange>>) -> v1::SimulateChangesRequest {
    v1::SimulateChangesRequest {
        employee_id: "e-1".into(),
        subject: Some(v1::simulate_changes_request::Subject::Features(row(values))),
        changes: changes.into(),
        purpose: String::new(),
    }
}

fn find(values: [f64; 3]) -> v1::FindCounterfactualRequest {
    v1::FindCounterfactualRequest {
        employee_id: "e-1".into(),
        subject: Some(v1::find_counterfactual_request::Subject::Features(row(values))),
        ..Default::default()
    }
}

/// Records a score of these values.
async fn keep(store: &Store, scorer: &Scorer, employee_id: &str, values: &[f64]) {
    record(store, scorer, &[scored_row(scorer, employee_id, values.to_vec())]).await;
}

#[tokio::test]
async fn what_would_be_is_what_the_changed_facts_are_scored() {
    let server = Served::start(talkative()).await;
    let mut client = server.scoring().await;
    let reply = client.simulate_changes(simulate([3.0, 0.0, 0.5], [to(NATIVE[1], 6.0)])).await.unwrap().into_inner();
    let scorer = talkative();
    let mut scored = async |values: [f64; 3]| {
        let request = packed(values, scorer.schema().digest());
        assessment(client.score_employee(request).await.unwrap().into_inner().score.unwrap())
    };
    assert_eq!(assessment(reply.before.unwrap()), scored([3.0, 0.0, 0.5]).await);
    assert_eq!(assessment(reply.after.unwrap()), scored([3.0, 6.0, 0.5]).await);
    let [moved] = reply.moved.as_slice() else { panic!("{:?}", reply.moved) };
    assert_eq!((moved.feature.as_str(), moved.follows), (NATIVE[1], false));
    assert_eq!((moved.before.clone(), moved.after.clone()), (Some(feature_number(0.0)), Some(feature_number(6.0))));
    assert!(moved.after_log_odds < moved.before_log_odds);
    assert!(reply.caveat.contains("not effect"), "{}", reply.caveat);
}

#[tokio::test]
async fn changes_that_cannot_be_tried_are_named_by_their_paths() {
    let server = Served::start(talkative()).await;
    let mut client = server.scoring().await;
    let changes = [
        to(NATIVE[1], 2.0),
        to("tenure_years", 9.0),
        to("engagement_index", 0.9),
        to("no_such", 1.0),
        to(NATIVE[1], 3.0),
        v1::FeatureChange { feature: NATIVE[1].into(), value: None },
    ];
    let status = client.simulate_changes(simulate([3.0, 0.0, 0.5], changes)).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let wrong = status.get_details_bad_request().unwrap().field_violations;
    let fields: Vec<&str> = wrong.iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(
        fields,
        ["changes[1].feature", "changes[2].feature", "changes[3].feature", "changes[4].feature", "changes[5].value"]
    );
    assert!(wrong[1].description.contains("confidential") && !wrong[1].description.contains("0.9"));
    for (request, field) in [
        (simulate([3.0, 0.0, 0.5], []), "changes"),
        (simulate([3.0, 0.0, 0.5], vec![to(NATIVE[1], 1.0); 21]), "changes"),
        (simulate([3.0, 0.0, 0.5], [to(NATIVE[1], f64::NAN)]), "changes[0].value.number"),
        (
            v1::SimulateChangesRequest { employee_id: String::new(), ..simulate([3.0; 3], [to(NATIVE[1], 1.0)]) },
            "employee_id",
        ),
    ] {
        let status = client.simulate_changes(request).await.unwrap_err();
        assert_eq!(status.get_details_bad_request().unwrap().field_violations[0].field, field);
    }
    let too_many = v1::FindCounterfactualRequest { max_changes: 6, ..find([3.0, 0.0, 0.5]) };
    let status = client.find_counterfactual(too_many).await.unwrap_err();
    assert_eq!(status.get_details_bad_request().unwrap().field_violations[0].field, "max_changes");
}

#[tokio::test]
async fn the_smallest_change_is_found_and_told_in_words() {
    let server = Served::start(talkative()).await;
    let mut client = server.scoring().await;
    let reply = client.find_counterfactual(find([3.0, 0.0, 0.5])).await.unwrap().into_inner();
    let found = reply.counterfactual.unwrap();
    let [change] = found.changes.as_slice() else { panic!("{:?}", found.changes) };
    assert_eq!(change.feature, NATIVE[1]);
    assert_eq!(assessment(found.after.unwrap()).band(), v1::RiskBand::Low);
    let Some(v1::feature_value::Value::Number(talks)) = change.value.as_ref().and_then(|value| value.value.clone())
    else {
        panic!("{change:?}")
    };
    // One talk less is not enough.
    let reply_less = client.simulate_changes(simulate([3.0, 0.0, 0.5], [to(NATIVE[1], talks - 1.0)])).await.unwrap();
    assert_ne!(assessment(reply_less.into_inner().after.unwrap()).band(), v1::RiskBand::Low);
    assert!(reply.explanation.contains("one-on-ones in 90 days") && reply.explanation.contains("instead of 0"));
    assert!(reply.caveat.contains("not effect"));
    for (values, said) in [([30.0, 8.0, 0.9], "below the 15.0 %"), ([500.0, 0.0, 0.5], "abstains")] {
        let reply = client.find_counterfactual(find(values)).await.unwrap().into_inner();
        assert!(reply.counterfactual.is_none() && reply.explanation.contains(said), "{}", reply.explanation);
    }
    // With talks unknown nothing can be changed.
    let values = vec![number(NATIVE[0], 0.0), number(NATIVE[2], 0.0)];
    let values = v1::FeatureRow { values: Some(v1::feature_row::Values::Named(v1::NamedValues { values })) };
    let request = v1::FindCounterfactualRequest {
        subject: Some(v1::find_counterfactual_request::Subject::Features(values)),
        ..find([0.0; 3])
    };
    let server = Served::start(native_at_risk()).await;
    let reply = server.scoring().await.find_counterfactual(request).await.unwrap().into_inner();
    assert!(
        reply.counterfactual.is_none() && reply.explanation.contains("No plausible change"),
        "{}",
        reply.explanation
    );
}

/// A model by which nearly everybody is at risk.
fn native_at_risk() -> Scorer {
    let mut content = talkative().artifact().content().clone();
    content.intercept = -2.0;
    Scorer::new(flight_risk_scoring::Artifact::new(content).unwrap())
}

#[tokio::test]
async fn without_facts_the_recorded_score_is_the_start_whatever_model_recorded_it() {
    each_store(async |store| {
        let scorer = talkative();
        keep(&store, &scorer, "e-1", &[3.0, 0.0, 0.5]).await;
        // Another model with the same features in another order.
        keep(&store, &reversed(), "e-2", &[0.5, 0.0, 3.0]).await;
        keep(&store, &flat(), "e-3", &[40.0, 1.0]).await;
        let server = Served::start_on(store, talkative(), open_config()).await;
        let mut client = server.scoring().await;
        let from = |employee_id: &str| v1::SimulateChangesRequest {
            employee_id: employee_id.into(),
            subject: None,
            ..simulate([0.0; 3], [to(NATIVE[1], 6.0)])
        };
        let expected = client.simulate_changes(simulate([3.0, 0.0, 0.5], [to(NATIVE[1], 6.0)])).await.unwrap();
        let expected = assessment(expected.into_inner().after.unwrap());
        for employee_id in ["e-1", "e-2"] {
            let reply = client.simulate_changes(from(employee_id)).await.unwrap().into_inner();
            assert_eq!(assessment(reply.after.unwrap()), expected, "{employee_id}");
            let find = v1::FindCounterfactualRequest { employee_id: employee_id.into(), ..Default::default() };
            assert!(client.find_counterfactual(find).await.unwrap().into_inner().counterfactual.is_some());
        }
        for (employee_id, code, reason) in
            [("e-3", Code::FailedPrecondition, "SCHEMA_MISMATCH"), ("e-4", Code::NotFound, "EMPLOYEE_NOT_FOUND")]
        {
            let status = client.simulate_changes(from(employee_id)).await.unwrap_err();
            assert_eq!((status.code(), status.get_details_error_info().unwrap().reason.as_str()), (code, reason));
        }
    })
    .await;
}

/// The native model with its features in reverse order.
fn reversed() -> Scorer {
    let mut content = native().artifact().content().clone();
    content.features.reverse();
    Scorer::new(flight_risk_scoring::Artifact::new(content).unwrap())
}

#[tokio::test]
async fn a_history_can_be_the_start() {
    let server = Served::start(native_at_risk()).await;
    let request = v1::SimulateChangesRequest {
        employee_id: "e-1".into(),
        subject: Some(v1::simulate_changes_request::Subject::History(history())),
        changes: vec![to(NATIVE[1], 5.0)],
        purpose: "stay talk".into(),
    };
    let reply = server.scoring().await.simulate_changes(request).await.unwrap().into_inner();
    assert_eq!(reply.moved[0].before, Some(feature_number(2.0)));
    // What comes from confidential answers is named as a driver at most, and does not move by itself.
    assert!(reply.moved.iter().all(|moved| moved.feature != NATIVE[2]), "{:?}", reply.moved);
}
