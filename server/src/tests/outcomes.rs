//! What became of those who were scored, as clients are told it: exits reported, realised calibration, and those acted on beside
//! those not; the figures by hand.

use flight_risk_proto::v1;
use flight_risk_proto::v1::action_service_client::ActionServiceClient;
use flight_risk_scoring::Day;
use tonic::Code;
use tonic::transport::Channel;
use tonic_types::StatusExt;

use super::databases::each_store;
use super::fixture::{Served, flat, native, open_config};
use super::risk::{client as risk_client, department, get, record, scored, serve, with_risk};
use crate::access::caller::Scope;
use crate::clock::{MICROS_PER_DAY, today};
use crate::store::db::params;
use crate::store::{NewScore, OrgFacts, Store};

async fn client(server: &Served) -> ActionServiceClient<Channel> {
    ActionServiceClient::new(server.channel().await)
}

fn exit(employee_id: &str, date: &str, exit_type: v1::ExitType) -> v1::ReportExitRequest {
    v1::ReportExitRequest {
        employee: format!("employees/{employee_id}"),
        exit_date: date.into(),
        exit_type: exit_type.into(),
        ..Default::default()
    }
}

/// The score on a day, recorded on it.
fn on(score: NewScore, day: Day) -> NewScore {
    NewScore { as_of: day, scored_at: i64::from(day.epoch_days()) * MICROS_PER_DAY, ..score }
}

/// Everybody on the list, and the kinds of changes told of an employee.
async fn listed(server: &Served) -> String {
    let request =
        v1::ListAtRiskEmployeesRequest { all_bands: true, order_by: "employee_id".into(), ..Default::default() };
    let page = risk_client(server).await.list_at_risk_employees(request).await.unwrap().into_inner();
    page.employees.into_iter().map(|employee| employee.employee_id).collect::<Vec<_>>().join(" ")
}

async fn told(store: &Store, employee_id: &str) -> Vec<i64> {
    let sql = "SELECT kind FROM changes WHERE employee_id = $1 ORDER BY seq";
    let rows = store.db().query(sql, params![employee_id]).await.unwrap();
    rows.iter().map(|row| row.int(0).unwrap()).collect()
}

#[tokio::test]
async fn who_left_is_joined_to_the_scores_told_of_once_and_no_longer_listed() {
    each_store(async |store| {
        let scorer = native();
        let score = |id: &str, day: &str| on(with_risk(&scorer, id, 0.5, OrgFacts::default()), day.parse().unwrap());
        // Horizons of twelve months: the exit of 2025-01-31 falls into those of the second to the fourth score.
        let days = ["2024-01-30", "2024-01-31", "2024-06-30", "2025-01-30", "2025-01-31", "2025-02-01"];
        for day in days {
            record(&store, &scorer, &[score("e-1", day)]).await;
        }
        record(&store, &scorer, &[score("e-2", "2024-06-30")]).await;
        let server = serve(&store).await;
        let mut client = client(&server).await;
        assert_eq!(listed(&server).await, "e-1 e-2");
        let request = exit("e-1", "2025-01-31", v1::ExitType::Voluntary);
        let request = v1::ReportExitRequest { request_id: "r-1".into(), ..request };
        for _ in 0..2 {
            assert_eq!(client.report_exit(request.clone()).await.unwrap().into_inner().joined_scores, 3);
            assert_eq!(listed(&server).await, "e-2");
            assert_eq!(told(&store, "e-1").await, [1, 7]);
        }
        let gone = risk_client(&server).await.get_employee_risk(get("e-1")).await.unwrap_err();
        assert_eq!(gone.get_details_error_info().unwrap().reason, "EMPLOYEE_NOT_FOUND");

        // A correction replaces what was reported; it is not told again.
        let corrected = exit("e-1", "2024-07-01", v1::ExitType::Retirement);
        assert_eq!(client.report_exit(corrected).await.unwrap().into_inner().joined_scores, 3);
        assert_eq!(told(&store, "e-1").await, [1, 7]);
        let kept = store.db().query("SELECT exit_day, exit_type FROM exits", Vec::new()).await.unwrap();
        let day: Day = "2024-07-01".parse().unwrap();
        assert_eq!(kept.len(), 1);
        assert_eq!((kept[0].int(0).unwrap(), kept[0].int(1).unwrap()), (i64::from(day.epoch_days()), 3));

        // A late score of a day before the exit brings nobody back; one of a later day does.
        record(&store, &scorer, &[score("e-1", "2024-06-30")]).await;
        assert_eq!((listed(&server).await, told(&store, "e-1").await), ("e-2".to_owned(), vec![1, 7]));
        assert!(risk_client(&server).await.get_employee_risk(get("e-1")).await.is_err());
        record(&store, &scorer, &[NewScore { scored_at: crate::clock::now_micros(), ..score("e-1", "2025-06-30") }])
            .await;
        assert_eq!((listed(&server).await, told(&store, "e-1").await), ("e-1 e-2".to_owned(), vec![1, 7, 1]));
    })
    .await;
}

#[tokio::test]
async fn an_exit_that_is_taken_back_leaves_things_as_if_it_had_not_been_reported() {
    each_store(async |store| {
        let scorer = native();
        let score = |id: &str, risk: f64, day: &str| {
            on(with_risk(&scorer, id, risk, OrgFacts::default()), day.parse().unwrap())
        };
        record(&store, &scorer, &[score("e-1", 0.4, "2024-06-30"), score("e-2", 0.5, "2024-06-30")]).await;
        let server = serve(&store).await;
        let mut client = client(&server).await;
        let expected_before = store.expected_leavers(&Scope::All).await.unwrap();
        client.report_exit(exit("e-1", "2025-01-31", v1::ExitType::Voluntary)).await.unwrap();
        // What comes late is of a day before the exit, and becomes the latest when there is none.
        record(&store, &scorer, &[score("e-1", 0.6, "2024-07-31")]).await;
        assert_eq!(listed(&server).await, "e-2");
        let withdraw = |id: &str, request_id: &str| v1::WithdrawExitRequest {
            employee: format!("employees/{id}"),
            request_id: request_id.into(),
            ..Default::default()
        };
        for _ in 0..2 {
            assert!(client.withdraw_exit(withdraw("e-1", "r-1")).await.unwrap().into_inner().listed);
            assert_eq!((listed(&server).await, told(&store, "e-1").await), ("e-1 e-2".to_owned(), vec![1, 7, 1]));
        }
        let risk = risk_client(&server).await.get_employee_risk(get("e-1")).await.unwrap().into_inner();
        let Some(v1::employee_risk::Outcome::Assessment(judged)) = risk.risk.unwrap().outcome else {
            panic!("no risk")
        };
        assert!((judged.risk - 0.6).abs() < 1e-9, "{judged:?}");
        assert!((store.expected_leavers(&Scope::All).await.unwrap() - expected_before - 0.2).abs() < 1e-9);
        assert!(store.exit("e-1").await.unwrap().is_none());
        for (employee, reason) in [("e-1", "EXIT_NOT_FOUND"), ("e-2", "EXIT_NOT_FOUND"), ("e-3", "EMPLOYEE_NOT_FOUND")]
        {
            let refused = client.withdraw_exit(withdraw(employee, "")).await.unwrap_err();
            let said = refused.get_details_error_info().unwrap().reason;
            assert_eq!((refused.code(), said.as_str()), (Code::NotFound, reason), "{employee}");
        }
        let wrong = v1::WithdrawExitRequest { employee: "e-1".into(), ..Default::default() };
        assert_eq!(client.withdraw_exit(wrong).await.unwrap_err().code(), Code::InvalidArgument);

        // Who came back after an exit that was none keeps the score that is in force.
        client.report_exit(exit("e-2", "2024-12-31", v1::ExitType::Other)).await.unwrap();
        let back = NewScore { scored_at: crate::clock::now_micros(), ..score("e-2", 0.3, "2025-06-30") };
        record(&store, &scorer, &[back]).await;
        assert!(client.withdraw_exit(withdraw("e-2", "")).await.unwrap().into_inner().listed);
        assert_eq!(told(&store, "e-2").await, [1, 7, 1], "nothing changed");
        // What the latest score came from is no longer kept: there would be nothing to show.
        client.report_exit(exit("e-1", "2025-01-31", v1::ExitType::Voluntary)).await.unwrap();
        let mut tx = store.db().begin().await.unwrap();
        tx.execute(
            "DELETE FROM score_details WHERE seq IN (SELECT seq FROM scores WHERE employee_id = 'e-1')",
            Vec::new(),
        )
        .await
        .unwrap();
        tx.commit().await.unwrap();
        assert!(!client.withdraw_exit(withdraw("e-1", "")).await.unwrap().into_inner().listed);
        assert_eq!(listed(&server).await, "e-2");
        record(&store, &scorer, &[score("e-1", 0.4, "2024-12-31")]).await;
        assert_eq!(listed(&server).await, "e-1 e-2", "with the next score");
    })
    .await;
}

#[tokio::test]
async fn an_exit_that_cannot_be_is_refused() {
    each_store(async |store| {
        let scorer = native();
        record(&store, &scorer, &[scored(&scorer, "e-1", [1.0, 2.0, 0.5], OrgFacts::default())]).await;
        let server = serve(&store).await;
        let mut client = client(&server).await;
        let soon = today().plus_days(60).to_string();
        let far = today().plus_days(500).to_string();
        for (employee, date, exit_type, expected) in [
            ("employees/e-1", soon.as_str(), 1, Ok(())),
            ("employees/e-1", far.as_str(), 1, Err((Code::InvalidArgument, "exit_date"))),
            ("employees/e-1", "", 1, Err((Code::InvalidArgument, "exit_date"))),
            ("employees/e-1", "2025-02-30", 1, Err((Code::InvalidArgument, "exit_date"))),
            ("employees/e-1", "2025-02-01", 0, Err((Code::InvalidArgument, "exit_type"))),
            ("employees/e-1", "2025-02-01", 6, Err((Code::InvalidArgument, "exit_type"))),
            ("e-1", "2025-02-01", 1, Err((Code::InvalidArgument, "employee"))),
            ("employees/", "2025-02-01", 1, Err((Code::InvalidArgument, "employee"))),
            ("employees/e-2", "2025-02-01", 1, Err((Code::NotFound, ""))),
        ] {
            let request = v1::ReportExitRequest {
                employee: employee.into(),
                exit_date: date.into(),
                exit_type,
                ..Default::default()
            };
            let got = client.report_exit(request).await.map(drop).map_err(|status| {
                let problems = status.get_details_bad_request().map(|problems| problems.field_violations);
                let field = problems.unwrap_or_default().into_iter().next().map(|violation| violation.field);
                (status.code(), field.unwrap_or_default())
            });
            assert_eq!(
                got,
                expected.map_err(|(code, field): (Code, &str)| (code, field.to_owned())),
                "{employee} {date}"
            );
        }
    })
    .await;
}

fn near(got: f64, expected: f64) {
    assert!((got - expected).abs() < 1e-4, "{got} is not {expected}");
}

#[tokio::test]
async fn the_calibration_is_that_by_hand() {
    each_store(async |store| {
        let scorer = native();
        // As of 2024-06-30 with a horizon of twelve months: 20 employees at 0.05 of whom one left, 21 at 0.4 of whom eight left
        // and one was dismissed; one whom the model does not know enough about; and scores whose horizon has not passed.
        let mut scores = Vec::new();
        for index in 0..20 {
            scores.push(with_risk(&scorer, &format!("low-{index}"), 0.05, department("Sales")));
        }
        for index in 0..21 {
            scores.push(with_risk(&scorer, &format!("high-{index}"), 0.4, department("Sales")));
        }
        scores.push(with_risk(&scorer, "unknown", -1.0, department("Sales")));
        // The second score of the same month does not count again.
        scores.push(on(with_risk(&scorer, "low-0", 0.9, department("Sales")), "2024-06-29".parse().unwrap()));
        for index in 0..5 {
            let score = with_risk(&scorer, &format!("new-{index}"), 0.4, department("Sales"));
            scores.push(on(score, today().plus_days(-100)));
        }
        record(&store, &scorer, &scores).await;
        let server = serve(&store).await;
        let mut client = client(&server).await;
        let mut report = async |employee: String, date: &str, exit_type| {
            client.report_exit(exit(&employee, date, exit_type)).await.unwrap();
        };
        report("low-3".into(), "2025-06-30", v1::ExitType::Voluntary).await;
        report("low-4".into(), "2025-07-01", v1::ExitType::Voluntary).await;
        for index in 0..8 {
            report(format!("high-{index}"), "2024-12-31", v1::ExitType::Voluntary).await;
        }
        report("high-20".into(), "2024-12-31", v1::ExitType::Involuntary).await;
        report("new-0".into(), &today().plus_days(-10).to_string(), v1::ExitType::Voluntary).await;
        let request = v1::GetRealizedCalibrationRequest::default();
        let reply = client.get_realized_calibration(request).await.unwrap().into_inner();
        assert_eq!(reply.pending, 5);
        let total = reply.total.unwrap();
        assert_eq!(total.scores, 40);
        near(total.predicted, (20.0 * 0.05 + 20.0 * 0.4) / 40.0);
        near(total.observed, 9.0 / 40.0);
        let [low, high] = reply.groups.as_slice() else { panic!("{:?}", reply.groups) };
        assert_eq!((low.scores, high.scores), (20, 20));
        near(low.predicted, 0.05);
        near(low.observed, 0.05);
        near(high.predicted, 0.4);
        near(high.observed, 0.4);
        // Wilson with z = 1.644854: (0.4 + z²/40 ± z √(0.24/20 + z²/1600)) / (1 + z²/20).
        near(high.observed_low, 0.242_387);
        near(high.observed_high, 0.581_444);

        // Of one model; of one that nobody has; of a name that is none.
        let version = scorer.artifact().model_version();
        let request = |model: &str| v1::GetRealizedCalibrationRequest { model: model.into() };
        let of_model = client.get_realized_calibration(request(&format!("models/{version}"))).await.unwrap();
        assert_eq!(of_model.into_inner().total, Some(total));
        let of_none = client.get_realized_calibration(request("models/0000")).await.unwrap().into_inner();
        assert_eq!((of_none.total, of_none.groups.len(), of_none.pending), (None, 0, 0));
        assert_eq!(client.get_realized_calibration(request("0000")).await.unwrap_err().code(), Code::InvalidArgument);
    })
    .await;
}

#[tokio::test]
async fn past_scores_are_one_a_month_of_the_model_and_the_scope() {
    each_store(async |store| {
        let scorer = native();
        let of = |id: &str, unit: &str| with_risk(&scorer, id, 0.2, department(unit));
        let first: Day = "2024-01-15".parse().unwrap();
        for days in 0..90 {
            record(&store, &scorer, &[on(of("a", "Sales"), first.plus_days(days))]).await;
        }
        record(&store, &scorer, &[of("b", "Legal"), of("c", "Sales")]).await;
        // A model of a flat table has no horizon that could pass.
        let other = flat();
        let row = other.schema().packed_row(vec![30.0, 0.0]).unwrap();
        let flat_score = NewScore { assessment: other.score(&row), row, ..of("d", "Sales") };
        record(&store, &other, &[flat_score]).await;
        let read = async |version: Option<&str>, scope: &Scope| {
            let mut counts = std::collections::BTreeMap::new();
            store.past_scores(version, scope, |employee, _| *counts.entry(employee).or_insert(0) += 1).await.unwrap();
            counts.into_values().collect::<Vec<i32>>()
        };
        let sales = Scope::Units { departments: vec!["Sales".into()], locations: Vec::new() };
        let all = read(None, &Scope::All).await;
        assert!((3..=4).contains(&all[0]) && all[1..] == [1, 1], "{all:?}");
        assert_eq!(read(None, &sales).await.len(), 2);
        assert_eq!(read(Some(scorer.artifact().model_version()), &sales).await.len(), 2);
        assert!(read(Some(other.artifact().model_version()), &sales).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn the_comparison_is_that_by_hand() {
    each_store(async |store| {
        let scorer = native();
        let scored_on = today().plus_days(-100);
        let mut scores = Vec::new();
        for index in 0..12 {
            // The acted on at any risk; the others at elevated or high risk.
            for (group, risk) in [("acted", 0.1), ("other", 0.3), ("fine", 0.05)] {
                let score = with_risk(&scorer, &format!("{group}-{index}"), risk, department("Sales"));
                scores.push(on(score, scored_on));
            }
        }
        record(&store, &scorer, &scores).await;
        let server = serve(&store).await;
        let mut client = client(&server).await;
        for index in 0..12 {
            for (employee, done) in [(format!("acted-{index}"), true), (format!("other-{index}"), false)] {
                let action = v1::Action {
                    employee_id: employee,
                    title: "Talk".into(),
                    due_date: "2030-01-01".into(),
                    ..Default::default()
                };
                let request = v1::CreateActionRequest { action: Some(action), ..Default::default() };
                let name = client.create_action(request).await.unwrap().into_inner().action.unwrap().name;
                let outcome = v1::ActionOutcome::NoChange.into();
                if done {
                    let request = v1::CompleteActionRequest { name, outcome, ..Default::default() };
                    client.complete_action(request).await.unwrap();
                }
            }
        }
        // They were completed 40 days ago, and last year's are none of the last three months'.
        let mut tx = store.db().begin().await.unwrap();
        let done = i64::from(today().plus_days(-40).epoch_days()) * MICROS_PER_DAY;
        tx.execute("UPDATE actions SET completed_at = $1 WHERE state = 3", params![done]).await.unwrap();
        tx.commit().await.unwrap();
        let ago = |days: i32| today().plus_days(-days).to_string();
        let mut report = async |employee: &str, days, exit_type| {
            client.report_exit(exit(employee, &ago(days), exit_type)).await.unwrap();
        };
        report("acted-0", 20, v1::ExitType::Voluntary).await;
        report("acted-1", 30, v1::ExitType::Retirement).await;
        report("other-0", 50, v1::ExitType::Voluntary).await;
        report("other-1", 90, v1::ExitType::Voluntary).await;
        report("other-2", 75, v1::ExitType::Involuntary).await;
        let request = v1::CompareActedOnRequest { months: 4 };
        let reply = client.compare_acted_on(request).await.unwrap().into_inner();
        let horizon_days = f64::from(scored_on.plus_months(12).days_since(scored_on));
        let acted = reply.acted_on.unwrap();
        assert_eq!((acted.employees, acted.observed_exits), (12, 1));
        // Ten for 40 days, one for 20, one for 10, each at -ln(0.9) over the horizon.
        let expected = 0.105_360_515_657_826_3 * (10.0 * 40.0 + 20.0 + 10.0) / horizon_days;
        near(acted.expected_exits, expected);
        near(acted.ratio, 1.0 / expected);
        near(acted.ratio_low * expected, 0.051_293_29);
        near(acted.ratio_high * expected, 4.743_864_5);
        let others = reply.not_acted_on.unwrap();
        assert_eq!((others.employees, others.observed_exits), (12, 2));
        let expected = 0.356_674_943_938_732_4 * (9.0 * 100.0 + 50.0 + 10.0 + 25.0) / horizon_days;
        near(others.expected_exits, expected);
        near(others.ratio, 2.0 / expected);
        assert!(reply.caveat.contains("does not show an effect") && reply.minimum_group_size == 10);

        // Over a time in which nothing was completed and nobody scored, there is nobody to compare.
        let request = v1::CompareActedOnRequest { months: 1 };
        let reply = client.compare_acted_on(request).await.unwrap().into_inner();
        assert_eq!((reply.acted_on, reply.not_acted_on), (None, None));
        let request = v1::CompareActedOnRequest { months: 37 };
        assert_eq!(client.compare_acted_on(request).await.unwrap_err().code(), Code::InvalidArgument);
    })
    .await;
}

#[tokio::test]
async fn a_side_below_the_minimum_is_not_shown() {
    each_store(async |store| {
        let scorer = native();
        let scores: Vec<_> = (0..12)
            .map(|index| {
                on(with_risk(&scorer, &format!("e-{index}"), 0.3, OrgFacts::default()), today().plus_days(-30))
            })
            .collect();
        record(&store, &scorer, &scores).await;
        let mut config = open_config();
        config.groups.minimum_employees = 13;
        let server = Served::start_on(store, scorer, config).await;
        let mut client = client(&server).await;
        let reply = client.compare_acted_on(v1::CompareActedOnRequest::default()).await.unwrap().into_inner();
        assert_eq!((reply.acted_on, reply.not_acted_on, reply.minimum_group_size), (None, None, 13));
    })
    .await;
}
