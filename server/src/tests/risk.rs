//! What is recorded about employees, as clients are told it: one employee, the list, the history.

use std::sync::LazyLock;

use flight_risk_proto::v1;
use flight_risk_proto::v1::risk_service_client::RiskServiceClient;
use flight_risk_scoring::scorer::Band;
use flight_risk_scoring::{Assessment, Probability, Scorer};
use tonic::Code;
use tonic::transport::Channel;
use tonic_types::StatusExt;

use super::databases::each_store;
use super::fixture::{NATIVE, Served, assessment, named, native, number, open_config};
use crate::clock::now_micros;
use crate::store::{NewScore, OrgFacts, Store, Telling};

/// When the scores of these tests were recorded: a minute ago, in whole seconds. What is old expires while a test runs.
pub(super) static RECORDED_AT: LazyLock<i64> = LazyLock::new(|| (now_micros() / 1_000_000 - 60) * 1_000_000);

/// A score of a row, of a day of long ago, recorded just now.
pub(super) fn scored_row(scorer: &Scorer, employee_id: &str, values: Vec<f64>) -> NewScore {
    let row = scorer.schema().packed_row(values).unwrap();
    NewScore {
        employee_id: employee_id.into(),
        as_of: "2024-06-30".parse().unwrap(),
        scored_at: *RECORDED_AT,
        assessment: scorer.score(&row),
        row,
        org: OrgFacts::default(),
    }
}

/// A score of the native model with these values.
pub(super) fn scored(scorer: &Scorer, employee_id: &str, values: [f64; 3], org: OrgFacts) -> NewScore {
    NewScore { org, ..scored_row(scorer, employee_id, values.to_vec()) }
}

/// A score with this risk and the band that goes with it; a negative one: the model abstained.
pub(super) fn with_risk(scorer: &Scorer, employee_id: &str, risk: f64, org: OrgFacts) -> NewScore {
    let score = scored(scorer, employee_id, [1.0, 2.0, 0.5], org);
    let band = match risk {
        _ if risk < 0.0 => Band::Abstained,
        _ if risk < 0.15 => Band::Low,
        _ if risk < 0.3 => Band::Elevated,
        _ => Band::High,
    };
    let probability = Probability::new(risk.max(0.0)).unwrap();
    let assessment = Assessment { band, risk: probability, ..score.assessment };
    NewScore { assessment, ..score }
}

pub(super) fn department(name: &str) -> OrgFacts {
    OrgFacts { department: Some(name.into()), ..OrgFacts::default() }
}

pub(super) async fn record(store: &Store, scorer: &Scorer, scores: &[NewScore]) {
    store.record_scores(scorer, scores, Telling::default()).await.unwrap();
}

pub(super) async fn client(server: &Served) -> RiskServiceClient<Channel> {
    RiskServiceClient::new(server.channel().await)
}

/// A server of the native model on this store.
pub(super) async fn serve(store: &Store) -> Served {
    Served::start_on(store.clone(), native(), open_config()).await
}

pub(super) fn get(employee_id: &str) -> v1::GetEmployeeRiskRequest {
    v1::GetEmployeeRiskRequest { name: format!("employees/{employee_id}/risk"), ..Default::default() }
}

fn ids(page: &v1::ListAtRiskEmployeesResponse) -> Vec<&str> {
    page.employees.iter().map(|employee| employee.employee_id.as_str()).collect()
}

#[tokio::test]
async fn a_recorded_risk_is_told_as_the_fresh_one_was() {
    each_store(async |store| {
        let scorer = native();
        let org = OrgFacts {
            department: Some("Sales".into()),
            critical_role: Some(true),
            tenure_years: Some(1.5),
            ..OrgFacts::default()
        };
        record(&store, &scorer, &[scored(&scorer, "e-1", [1.5, 0.0, 0.25], org)]).await;
        let server = serve(&store).await;
        let risk = client(&server).await.get_employee_risk(get("e-1")).await.unwrap().into_inner().risk.unwrap();
        let values = NATIVE.into_iter().zip([1.5, 0.0, 0.25]).map(|(name, value)| number(name, value));
        let fresh = named(values.collect::<Vec<_>>());
        let fresh = server.scoring().await.score_employee(fresh).await.unwrap().into_inner().score.unwrap();
        assert_eq!(risk.model_version, fresh.model_version);
        assert_eq!(risk.outcome, Some(v1::employee_risk::Outcome::Assessment(assessment(fresh))));
        assert_eq!((risk.name.as_str(), risk.employee_id.as_str()), ("employees/e-1/risk", "e-1"));
        assert_eq!((risk.as_of.as_str(), risk.score_time.unwrap().seconds), ("2024-06-30", *RECORDED_AT / 1_000_000));
        let org = risk.org.unwrap();
        assert_eq!(
            (org.department.as_deref(), org.critical_role, org.tenure_years),
            (Some("Sales"), Some(true), Some(1.5))
        );
        assert!(risk.stale, "the facts are of years ago");
        assert!(!risk.number_withheld);
        assert!(!risk.recommended_actions.is_empty());
    })
    .await;
}

#[tokio::test]
async fn names_are_checked_and_nobody_is_made_up() {
    let server = Served::start(native()).await;
    let mut client = client(&server).await;
    let long = "x".repeat(300);
    for (name, code, reason) in [
        ("employees/nobody/risk", Code::NotFound, "EMPLOYEE_NOT_FOUND"),
        ("employees//risk", Code::InvalidArgument, "INVALID_FIELDS"),
        ("employees/e-1", Code::InvalidArgument, "INVALID_FIELDS"),
        ("", Code::InvalidArgument, "INVALID_FIELDS"),
        (&format!("employees/{long}/risk"), Code::InvalidArgument, "INVALID_FIELDS"),
    ] {
        let request = v1::GetEmployeeRiskRequest { name: name.into(), ..Default::default() };
        let status = client.get_employee_risk(request).await.unwrap_err();
        assert_eq!((status.code(), status.get_details_error_info().unwrap().reason.as_str()), (code, reason), "{name}");
    }
}

#[tokio::test]
async fn the_list_has_those_at_risk_the_riskiest_first() {
    each_store(async |store| {
        let scorer = native();
        let scores: Vec<NewScore> = [("a", 0.2), ("b", 0.9), ("c", 0.05), ("d", -1.0), ("e", 0.2), ("f", 0.4)]
            .into_iter()
            .map(|(id, risk)| with_risk(&scorer, id, risk, department("Sales")))
            .collect();
        record(&store, &scorer, &scores).await;
        let server = serve(&store).await;
        let mut client = client(&server).await;
        let mut list = async |order_by: &str, filter: &str, all_bands| {
            let request = v1::ListAtRiskEmployeesRequest {
                order_by: order_by.into(),
                filter: filter.into(),
                all_bands,
                page_size: 2,
                ..Default::default()
            };
            let mut all = String::new();
            let mut token = String::new();
            loop {
                let request = v1::ListAtRiskEmployeesRequest { page_token: token, ..request.clone() };
                let page = client.list_at_risk_employees(request).await.unwrap().into_inner();
                all.extend(ids(&page));
                token = page.next_page_token;
                if token.is_empty() {
                    return all;
                }
            }
        };
        for (order_by, filter, all_bands, expected) in [
            ("", "", false, "bfae"),
            ("", "", true, "bfaecd"),
            ("probability desc", "", false, "bfae"),
            ("probability", "", false, "eafb"),
            ("probability", "", true, "ceafbd"),
            ("employee_id", "", true, "abcdef"),
            ("employee_id desc", "", false, "feba"),
            ("score_time", "", true, "abcdef"),
            ("score_time desc", "", true, "fedcba"),
            ("", "band = LOW", false, "c"),
            ("", "band = ABSTAINED", false, "d"),
            ("", "probability < 0.3", true, "aec"),
            ("", "probability >= 0.2 AND probability < 0.9", false, "fae"),
            ("", "department = Sales AND employee_id != b", false, "fae"),
            ("", "department = Legal", true, ""),
            ("", "department != Legal", false, "bfae"),
            ("", "score_time > 2190-07-01T12:00:00Z", true, ""),
            ("", "score_time >= 2024-06-01T00:00:00Z", false, "bfae"),
            ("", "critical_role = false", true, ""),
        ] {
            assert_eq!(list(order_by, filter, all_bands).await, expected, "{order_by} {filter} {all_bands}");
        }
    })
    .await;
}

#[tokio::test]
async fn people_are_found_by_name_by_identifier_and_by_the_age_of_their_scores() {
    each_store(async |store| {
        let scorer = native();
        let today = crate::clock::today();
        let scores: Vec<NewScore> = [
            ("E-12", 0.9, 45, Some("Surname, Given")),
            ("E-121", 0.8, 46, Some("SURNAME, Other")),
            ("E-122", -1.0, 46, Some("Ärmel_%, Given")),
            ("E-13", 0.7, 400, Some("Surnam")),
            ("e-12", 0.05, 0, None),
        ]
        .into_iter()
        .map(|(id, risk, days, name)| {
            let org = OrgFacts { display_name: name.map(str::to_owned), ..OrgFacts::default() };
            NewScore { as_of: today.plus_days(-days), ..with_risk(&scorer, id, risk, org) }
        })
        .collect();
        record(&store, &scorer, &scores).await;
        let server = serve(&store).await;
        let mut client = client(&server).await;
        for order_by in ["probability desc", "probability", "employee_id", "employee_id desc", "score_time"] {
            for (filter, expected) in [
                ("employee_id = 'E-12*'", vec!["E-12", "E-121", "E-122"]),
                ("employee_id = '*'", vec!["E-12", "E-121", "E-122", "E-13", "e-12"]),
                ("employee_id = 'E-12'", vec!["E-12"]),
                ("employee_id = 'E-2*'", vec![]),
                ("display_name = 'surname*'", vec!["E-12", "E-121"]),
                ("display_name = 'surnam*'", vec!["E-12", "E-121", "E-13"]),
                ("display_name = 'SURNAME, GIVEN'", vec!["E-12"]),
                ("display_name = 'ärmel_%*'", vec!["E-122"]),
                ("display_name = 'ärmel__*'", vec![]),
                ("display_name = '%*'", vec![]),
                ("display_name = '*'", vec!["E-12", "E-121", "E-122", "E-13"]),
                ("stale = true", vec!["E-121", "E-122", "E-13"]),
                ("stale = false", vec!["E-12", "e-12"]),
                ("stale = true AND band = ABSTAINED", vec!["E-122"]),
                ("stale = true AND display_name = 'surname*' AND employee_id = 'E*'", vec!["E-121"]),
            ] {
                let mut request = v1::ListAtRiskEmployeesRequest {
                    order_by: order_by.into(),
                    filter: filter.into(),
                    all_bands: true,
                    page_size: 2,
                    ..Default::default()
                };
                let mut found = Vec::new();
                loop {
                    let page = client.list_at_risk_employees(request.clone()).await.unwrap().into_inner();
                    found.extend(page.employees.into_iter().map(|employee| {
                        let stale = employee.stale;
                        assert_eq!(stale, ["E-121", "E-122", "E-13"].contains(&employee.employee_id.as_str()));
                        employee.employee_id
                    }));
                    request.page_token = page.next_page_token;
                    if request.page_token.is_empty() {
                        break;
                    }
                }
                found.sort_unstable();
                assert_eq!(found, expected, "{filter} {order_by}");
            }
        }
        let one = client.get_employee_risk(get("E-12")).await.unwrap().into_inner().risk.unwrap();
        assert_eq!(one.org.unwrap().display_name.as_deref(), Some("Surname, Given"));
    })
    .await;
}
