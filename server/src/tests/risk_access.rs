//! Who is told what about whom: scopes, managers, factors from confidential answers, and the audit log.

use flight_risk_proto::v1;
use flight_risk_proto::v1::risk_service_client::RiskServiceClient;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use super::databases::each_store;
use super::fixture::{NATIVE, Served, native};
use super::risk::{get, record, scored, with_risk};
use crate::access::caller::{Role, Scope};
use crate::access::keys::NewKey;
use crate::access::scope::Place;
use crate::config::ServerConfig;
use crate::store::conditions::Conditions;
use crate::store::{NewScore, OrgFacts, Store};

type Client =
    RiskServiceClient<InterceptedService<Channel, Box<dyn FnMut(Request<()>) -> Result<Request<()>, Status> + Send>>>;

/// A key of this role and scope. To be made before the server starts: it reads keys anew now and then only.
async fn key(store: &Store, role: Role, scope: Scope) -> String {
    let name = format!("{} {scope:?}", role.name());
    let key = NewKey { name, role, scope, purpose: Some("a test".into()), expires_at: None };
    format!("Bearer {}", store.create_key(&key).await.unwrap().token)
}

async fn client(server: &Served, token: &str) -> Client {
    let token = token.to_owned();
    RiskServiceClient::with_interceptor(
        server.channel().await,
        Box::new(move |mut request: Request<()>| {
            request.metadata_mut().insert("authorization", token.parse().unwrap());
            Ok(request)
        }),
    )
}

fn org(department: &str, location: &str, manager: &str) -> OrgFacts {
    OrgFacts {
        department: Some(department.into()),
        location: Some(location.into()),
        manager_id: Some(manager.into()),
        ..OrgFacts::default()
    }
}

fn units(departments: &[&str], locations: &[&str]) -> Scope {
    let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Scope::Units { departments: list(departments), locations: list(locations) }
}

fn reports(manager_id: &str) -> Scope {
    Scope::Reports { manager_id: manager_id.into() }
}

/// Employees of several units, riskiest last.
fn company() -> Vec<NewScore> {
    let scorer = native();
    [
        ("a", 0.5, org("Sales", "Oslo", "m-1")),
        ("b", 0.6, org("Sales", "Rome", "m-2")),
        ("c", 0.7, org("Legal", "Oslo", "m-1")),
        ("d", 0.8, org("Ops", "Rome", "m-2")),
        ("e", 0.9, OrgFacts::default()),
        ("f", 0.01, org("Sales", "Oslo", "m-1")),
    ]
    .into_iter()
    .map(|(id, risk, org)| with_risk(&scorer, id, risk, org))
    .collect()
}

#[tokio::test]
async fn a_scope_means_the_same_in_a_query_and_of_one_employee() {
    each_store(async |store| {
        let scores = company();
        record(&store, &native(), &scores).await;
        for (scope, expected) in [
            (Scope::All, "abcdef"),
            (units(&[], &[]), "abcdef"),
            (units(&["Sales"], &[]), "abf"),
            (units(&["Sales", "Ops"], &["Rome"]), "bd"),
            (units(&[], &["Oslo"]), "acf"),
            (units(&["Nowhere"], &[]), ""),
            (units(&["' OR 1 = 1 --"], &[]), ""),
            (reports("m-1"), "acf"),
            (reports(""), ""),
        ] {
            let mut conditions = Conditions::default();
            scope.restrict("s", &mut conditions);
            let sql = format!("SELECT s.employee_id FROM scores s WHERE {} ORDER BY s.employee_id", conditions.sql());
            let rows = store.db().query(&sql, conditions.params()).await.unwrap();
            let found: String = rows.iter().map(|row| row.text(0).unwrap()).collect();
            let covered = scores.iter().filter(|score| {
                scope.covers(Place {
                    department: score.org.department.as_deref(),
                    location: score.org.location.as_deref(),
                    manager_id: score.org.manager_id.as_deref(),
                })
            });
            let covered: String = covered.map(|score| score.employee_id.as_str()).collect();
            assert_eq!((found.as_str(), covered.as_str()), (expected, expected), "{scope:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn who_is_outside_of_the_scope_looks_like_nobody() {
    each_store(async |store| {
        record(&store, &native(), &company()).await;
        let sales = key(&store, Role::HrPartner, units(&["Sales"], &[])).await;
        let all = key(&store, Role::HrPartner, Scope::All).await;
        let server = Served::start_on(store.clone(), native(), ServerConfig::default()).await;
        let mut partner = client(&server, &sales).await;
        let request = v1::ListAtRiskEmployeesRequest { capacity: Some(10), ..Default::default() };
        let page = partner.list_at_risk_employees(request).await.unwrap().into_inner();
        let ids: Vec<&str> = page.employees.iter().map(|employee| employee.employee_id.as_str()).collect();
        assert_eq!(ids, ["b", "a"]);
        let in_all = page.capacity.unwrap().expected_leavers_in_all;
        assert!((in_all - 1.11).abs() < 1e-12, "{in_all}");
        partner.get_employee_risk(get("a")).await.unwrap();
        // Not the slightest difference between the two.
        let told = |status: Status| (status.code(), status.message().to_owned(), status.details().to_vec());
        let outside = told(partner.get_employee_risk(get("c")).await.unwrap_err());
        let nobody = told(partner.get_employee_risk(get("nobody")).await.unwrap_err());
        assert_eq!(outside, nobody);
        assert_eq!(outside.0, Code::PermissionDenied);
        let history =
            |id: &str| v1::ListEmployeeRiskHistoryRequest { parent: format!("employees/{id}"), ..Default::default() };
        let outside = told(partner.list_employee_risk_history(history("c")).await.unwrap_err());
        assert_eq!(outside, told(partner.list_employee_risk_history(history("nobody")).await.unwrap_err()));
        // Who may see everybody learns that there is nobody.
        let mut everybody = client(&server, &all).await;
        assert_eq!(everybody.get_employee_risk(get("nobody")).await.unwrap_err().code(), Code::NotFound);
    })
    .await;
}

#[tokio::test]
async fn managers_get_prompts_and_nothing_that_tells_a_number() {
    each_store(async |store| {
        let scorer = native();
        let before = with_risk(&scorer, "a", 0.2, org("Sales", "Oslo", "m-1"));
        record(&store, &scorer, &[NewScore { as_of: before.as_of.plus_days(-30), ..before }]).await;
        record(&store, &scorer, &company()).await;
        let key = key(&store, Role::Manager, reports("m-1")).await;
        let folder = tempfile::tempdir().unwrap();
        let mut config = ServerConfig::default();
        config.audit.key_file = Some(folder.path().join("audit.key"));
        let server = Served::start_on(store.clone(), native(), config.clone()).await;
        let mut manager = client(&server, &key).await;
        let risk = manager.get_employee_risk(get("a")).await.unwrap().into_inner().risk.unwrap();
        assert!(risk.number_withheld && risk.outcome.is_none() && risk.previous.is_none());
        assert_eq!(risk.next_action.unwrap().title, risk.recommended_actions[0].title);
        assert!(!risk.recommended_actions.is_empty());
        assert!(risk.recommended_actions.iter().all(|action| action.feature.is_empty()));
        assert_eq!(manager.get_employee_risk(get("b")).await.unwrap_err().code(), Code::PermissionDenied);

        let list = |filter: &str, order_by: &str| v1::ListAtRiskEmployeesRequest {
            filter: filter.into(),
            order_by: order_by.into(),
            ..Default::default()
        };
        // All reports, the one of low risk too: who is left out would tell.
        for request in
            [list("", ""), list("", "employee_id"), v1::ListAtRiskEmployeesRequest { all_bands: true, ..list("", "") }]
        {
            let page = manager.list_at_risk_employees(request).await.unwrap().into_inner();
            let ids: Vec<&str> = page.employees.iter().map(|employee| employee.employee_id.as_str()).collect();
            assert_eq!(ids, ["a", "c", "f"]);
            assert!(page.employees.iter().all(|employee| employee.number_withheld && employee.outcome.is_none()));
            assert!(
                page.employees.iter().all(|employee| employee.previous.is_none() && employee.next_action.is_some())
            );
        }
        // Backwards tells as little.
        let page = manager.list_at_risk_employees(list("", "employee_id desc")).await.unwrap().into_inner();
        let ids: Vec<&str> = page.employees.iter().map(|employee| employee.employee_id.as_str()).collect();
        assert_eq!(ids, ["f", "c", "a"]);
        for request in [
            list("probability >= 0.5", ""),
            list("band = HIGH", ""),
            list("change_time >= \"2020-01-01T00:00:00Z\"", ""),
            list("", "probability desc"),
            list("", "score_time"),
            v1::ListAtRiskEmployeesRequest { capacity: Some(1), ..list("", "") },
        ] {
            let status = manager.list_at_risk_employees(request.clone()).await.unwrap_err();
            assert_eq!(status.code(), Code::InvalidArgument, "{request:?}");
        }

        config.access.managers_see_numbers = true;
        let server = Served::start_on(store.clone(), native(), config).await;
        let mut manager = client(&server, &key).await;
        let page = manager.list_at_risk_employees(list("", "")).await.unwrap().into_inner();
        let ids: Vec<&str> = page.employees.iter().map(|employee| employee.employee_id.as_str()).collect();
        assert_eq!(ids, ["c", "a"], "with numbers the list is that of everybody else, of the own reports");
        assert!(page.employees.iter().all(|employee| employee.outcome.is_some()));
        assert_eq!(page.employees[1].previous.as_ref().map(|point| point.risk), Some(Some(0.2)));
    })
    .await;
}

#[tokio::test]
async fn factors_from_confidential_answers_are_for_hr_partners_only() {
    each_store(async |store| {
        let scorer = native();
        record(&store, &scorer, &[scored(&scorer, "e-1", [1.0, 3.0, 0.2], OrgFacts::default())]).await;
        let keys = [key(&store, Role::HrPartner, Scope::All).await, key(&store, Role::Hris, Scope::All).await];
        let server = Served::start_on(store.clone(), native(), ServerConfig::default()).await;
        for (key, named) in keys.iter().zip([true, false]) {
            let mut client = client(&server, key).await;
            let risk = client.get_employee_risk(get("e-1")).await.unwrap().into_inner().risk.unwrap();
            let Some(v1::employee_risk::Outcome::Assessment(assessment)) = risk.outcome else { panic!("{risk:?}") };
            let confidential: Vec<&v1::Factor> =
                assessment.factors.iter().filter(|factor| factor.feature == NATIVE[2]).collect();
            assert_eq!(confidential.len(), usize::from(named));
            assert!(confidential.iter().all(|factor| factor.value.is_none() && factor.contribution_log_odds.is_none()));
            let parts = assessment.factors.iter().filter_map(|factor| factor.contribution_log_odds).sum::<f64>();
            let sum = assessment.reference_log_odds + parts + assessment.remaining_contribution_log_odds;
            assert!((sum - assessment.log_odds).abs() < 1e-9, "the parts add up all the same");
        }
    })
    .await;
}

#[tokio::test]
async fn every_look_at_somebody_is_in_the_audit_log() {
    each_store(async |store| {
        record(&store, &native(), &company()).await;
        let sales = key(&store, Role::HrPartner, units(&["Sales"], &[])).await;
        let server = Served::start_on(store.clone(), native(), ServerConfig::default()).await;
        let mut partner = client(&server, &sales).await;
        partner.list_at_risk_employees(v1::ListAtRiskEmployeesRequest::default()).await.unwrap();
        partner.get_employee_risk(get("a")).await.unwrap();
        partner.get_employee_risk(get("c")).await.unwrap_err();
        let sql = "SELECT method, decision, subjects FROM audit ORDER BY seq";
        let rows = store.db().query(sql, vec![]).await.unwrap();
        let told: Vec<(String, String, usize)> = rows
            .iter()
            .map(|row| (row.text(0).unwrap(), row.text(1).unwrap(), row.bytes(2).unwrap().len() / 16))
            .filter(|(method, ..)| method.contains("RiskService"))
            .collect();
        let entry = |method: &str, decision: &str, count| {
            (format!("flightrisk.v1.RiskService/{method}"), decision.to_owned(), count)
        };
        assert_eq!(
            told,
            [
                entry("ListAtRiskEmployees", "allowed", 2),
                entry("GetEmployeeRisk", "allowed", 1),
                entry("GetEmployeeRisk", "denied", 1)
            ]
        );
    })
    .await;
}
