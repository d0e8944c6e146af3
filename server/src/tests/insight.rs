//! InsightService: figures about groups, what is hidden of them, and who sees which.

use std::sync::Arc;

use flight_risk_proto::v1;
use flight_risk_proto::v1::insight_service_client::InsightServiceClient;
use flight_risk_proto::v1::insight_service_server::InsightService;
use flight_risk_proto::v1::risk_service_client::RiskServiceClient;
use flight_risk_scoring::{Day, Scorer};
use tonic::transport::Channel;
use tonic::{Code, Request};
use tonic_types::StatusExt;

use super::databases::each_store;
use super::fixture::{Served, native, open_config};
use crate::access::caller::{Caller, Role, Scope};
use crate::app::App;
use crate::clock::{MICROS_PER_DAY, now_micros};
use crate::grpc::InsightApi;
use crate::store::db::params;
use crate::store::{NewScore, OrgFacts, Store, Telling};

use v1::GroupDimension::{self as By, Department, DepartmentAndTenure, JobLevel, Location, Manager, Tenure};

/// An employee: department, place, manager, level, years.
pub(super) type Who = (&'static str, &'static str, String, &'static str, f64);

/// Records a score of everybody, so many days ago.
pub(super) async fn record(store: &Store, scorer: &Scorer, people: &[(usize, Who)], days_ago: i64) {
    let scores: Vec<NewScore> = people
        .iter()
        .map(|(number, (department, location, manager, level, tenure))| {
            // One-on-ones differ, so that risks do; one in three has answered the survey.
            let engagement = if number.is_multiple_of(3) { (number % 10) as f64 / 10.0 } else { f64::NAN };
            let row = scorer.schema().packed_row(vec![*tenure, (number % 7) as f64, engagement]).unwrap();
            NewScore {
                employee_id: format!("e-{number:04}"),
                as_of: Day::from_epoch_days(i32::try_from(20_000 - days_ago).unwrap()).unwrap(),
                scored_at: now_micros() - days_ago * MICROS_PER_DAY,
                assessment: scorer.score(&row),
                row,
                org: OrgFacts {
                    department: Some((*department).to_owned()),
                    location: Some((*location).to_owned()),
                    manager_id: Some(manager.clone()),
                    job_level: Some((*level).to_owned()),
                    critical_role: None,
                    tenure_years: Some(*tenure),
                    ..OrgFacts::default()
                },
            }
        })
        .collect();
    store.record_scores(scorer, &scores, Telling::default()).await.unwrap();
}

pub(super) async fn exit(store: &Store, number: usize, days_ago: i64, kind: i64) {
    let now = now_micros();
    let day = now.div_euclid(MICROS_PER_DAY) - days_ago;
    let mut tx = store.db().begin().await.unwrap();
    let sql = "INSERT INTO exits (employee_id, exit_day, exit_type, reported_at) VALUES ($1, $2, $3, $4)";
    tx.execute(sql, params![format!("e-{number:04}"), day, kind, now]).await.unwrap();
    tx.commit().await.unwrap();
}

/// 360 people, spread evenly: departments of 120, places of 180, teams of 30, levels of 90, and two lengths of service.
pub(super) fn company() -> Vec<(usize, Who)> {
    (0..360)
        .map(|i| {
            let department = ["Ops", "Research", "Sales"][i % 3];
            let who = (
                department,
                ["East", "West"][i / 3 % 2],
                format!("m-{department}-{}", i / 90),
                ["L1", "L2", "L3", "L4"][i / 6 % 4],
                [0.5, 3.0, 7.0][i / 30 % 3],
            );
            (i, who)
        })
        .collect()
}

/// How many days ago a month began, and which one it is.
pub(super) fn month(back: i32) -> (i64, String) {
    let today = crate::clock::today();
    let first = Day::from_ymd(today.year(), today.month(), 1).unwrap().plus_months(-back);
    (i64::from(today.days_since(first)), format!("{:04}-{:02}", first.year(), first.month()))
}

fn request(by: By) -> v1::ListHotspotsRequest {
    v1::ListHotspotsRequest { group_by: by.into(), ..Default::default() }
}

pub(super) async fn client(server: &Served) -> InsightServiceClient<Channel> {
    InsightServiceClient::new(server.channel().await)
}

fn names(reply: &v1::ListHotspotsResponse) -> Vec<&str> {
    reply.hotspots.iter().map(|hotspot| hotspot.group.as_str()).collect()
}

#[tokio::test]
async fn groups_are_listed_with_their_figures() {
    each_store(async |store| {
        let scorer = native();
        let people = company();
        record(&store, &scorer, &people, 100).await;
        record(&store, &scorer, &people, 0).await;
        // Thirty of Sales (every third from the second) left by their own will, one of Ops for another reason.
        for i in 0..30 {
            exit(&store, 3 * i + 2, 10, 1).await;
        }
        exit(&store, 0, 50, 2).await;
        let risk = |number: usize| {
            let engagement = if number.is_multiple_of(3) { (number % 10) as f64 / 10.0 } else { f64::NAN };
            let row = scorer.schema().packed_row(vec![people[number].1.4, (number % 7) as f64, engagement]).unwrap();
            scorer.score(&row)
        };
        let server = Served::start_on(store.clone(), native(), open_config()).await;
        let mut client = client(&server).await;
        let reply = client.list_hotspots(request(Department)).await.unwrap().into_inner();
        assert_eq!((names(&reply)[0], reply.hotspots.len()), ("Sales", 3));
        assert_eq!((reply.suppressed_groups, reply.minimum_group_size), (0, 10));
        let today = now_micros().div_euclid(MICROS_PER_DAY);
        let day = |number: i64| Day::from_epoch_days(i32::try_from(number).unwrap()).unwrap().to_string();
        assert_eq!((reply.observed_from, reply.observed_until), (day(today - 99), day(today)));
        let sales = &reply.hotspots[0];
        let stayed: Vec<usize> = (30..120).map(|i| 3 * i + 2).collect();
        let mean = |part: &dyn Fn(usize) -> f64| stayed.iter().map(|&n| part(n)).sum::<f64>() / 90.0;
        assert_eq!((sales.employees, sales.observed_exits), (90, 30));
        for (got, expected) in [
            (sales.mean_risk, mean(&|n| risk(n).risk.get())),
            (sales.mean_risk_low, mean(&|n| risk(n).low.get())),
            (sales.mean_risk_high, mean(&|n| risk(n).high.get())),
            (sales.expected_leavers, 90.0 * mean(&|n| risk(n).risk.get())),
            (
                sales.expected_exits,
                (0..120).map(|i| 1.0 - (1.0 - risk(3 * i + 2).risk.get()).powf(100.0 / 365.2425)).sum::<f64>(),
            ),
        ] {
            assert!((got / expected - 1.0).abs() < 1e-5, "{got} {expected}");
        }
        let total = reply.total.unwrap();
        assert_eq!((total.group.as_str(), total.employees, total.observed_exits), ("", 329, 30));
        assert!(sales.hot && sales.excess > total.excess && sales.excess < 30.0 / sales.expected_exits, "{sales:?}");
        assert!(reply.hotspots[1..].iter().all(|group| !group.hot && group.excess < total.excess));
        // One more score is seen at once.
        record(&store, &scorer, &[(999, people[0].1.clone())], 0).await;
        let reply = client.list_hotspots(request(Department)).await.unwrap().into_inner();
        assert_eq!(reply.total.unwrap().employees, 330);
    })
    .await;
}

#[tokio::test]
async fn pages_follow_each_other_in_every_order_and_say_the_same_as_one_page() {
    each_store(async |store| {
        record(&store, &native(), &company(), 0).await;
        let server = Served::start_on(store, native(), open_config()).await;
        let mut client = client(&server).await;
        for order in ["", "excess desc", "mean_risk desc", "employees desc", "group"] {
            let whole = v1::ListHotspotsRequest { order_by: order.into(), ..request(Manager) };
            let all = client.list_hotspots(whole.clone()).await.unwrap().into_inner();
            assert_eq!((all.hotspots.len(), all.next_page_token.as_str()), (12, ""), "{order}");
            let mut paged = Vec::new();
            let mut token = String::new();
            loop {
                let page = v1::ListHotspotsRequest { page_size: 5, page_token: token, ..whole.clone() };
                let page = client.list_hotspots(page).await.unwrap().into_inner();
                paged.extend(page.hotspots);
                token = page.next_page_token;
                if token.is_empty() {
                    break;
                }
            }
            assert_eq!(paged, all.hotspots, "{order}");
        }
        let foreign = v1::ListHotspotsRequest { page_token: "x".into(), ..request(Manager) };
        assert_eq!(client.list_hotspots(foreign).await.unwrap_err().code(), Code::InvalidArgument);
    })
    .await;
}

#[tokio::test]
async fn a_small_group_is_hidden_and_what_would_give_it_away_with_it() {
    each_store(async |store| {
        let mut people = company();
        // Nine in Legal; and a place that Ops and one of Research share with nobody.
        people.extend((400..409).map(|i| (i, ("Legal", "East", "m-legal".into(), "L1", 3.0))));
        for (number, who) in &mut people {
            if who.0 == "Ops" || *number == 1 {
                who.1 = "North";
            }
        }
        record(&store, &native(), &people, 0).await;
        let server = Served::start_on(store, native(), open_config()).await;
        let mut client = client(&server).await;
        let departments = client.list_hotspots(request(Department)).await.unwrap().into_inner();
        let places = client.list_hotspots(request(Location)).await.unwrap().into_inner();
        let shown = |reply: &v1::ListHotspotsResponse, name: &str| names(reply).contains(&name);
        assert!(!shown(&departments, "Legal") && departments.suppressed_groups >= 2, "{departments:?}");
        assert!(!(shown(&departments, "Ops") && shown(&places, "North")), "their difference is one person");
        assert_eq!(departments.hotspots.len() + departments.suppressed_groups as usize, 4);
        // Asked again, after other questions: the same.
        for by in [Tenure, JobLevel, Manager] {
            client.list_hotspots(request(by)).await.unwrap();
        }
        assert_eq!(client.list_hotspots(request(Department)).await.unwrap().into_inner(), departments);
        // What is hidden here is hidden everywhere; what is shown, shown.
        for (by, list) in [(Department, &departments), (Location, &places)] {
            for name in ["Legal", "Ops", "Research", "Sales", "East", "North", "West", "Nowhere"] {
                let drivers = v1::ListDriversRequest { group_by: by.into(), group: name.into(), ..Default::default() };
                let trend = v1::GetTrendRequest { group_by: by.into(), group: name.into(), months: 1 };
                for answer in
                    [client.list_drivers(drivers).await.map(|_| ()), client.get_trend(trend).await.map(|_| ())]
                {
                    match answer {
                        Ok(()) => assert!(shown(list, name), "{name}"),
                        Err(status) => {
                            assert!(!shown(list, name), "{name}");
                            assert_eq!(status.code(), Code::FailedPrecondition);
                            assert_eq!(status.get_details_error_info().unwrap().reason, "GROUP_SUPPRESSED");
                        }
                    }
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn departments_crossed_with_years_are_a_table_with_gaps() {
    each_store(async |store| {
        // No teams large enough to be shown; a department with a name that needs quoting, and one with few beginners.
        let mut people = company();
        for (number, who) in &mut people {
            who.2 = format!("m-{}", *number / 6);
            who.0 = ["Ops \"A\" / B", "Research", "Sales"][*number % 3];
            if *number % 3 == 1 && who.4 < 1.0 && *number > 12 {
                who.4 = 3.0;
            }
        }
        record(&store, &native(), &people, 0).await;
        let server = Served::start_on(store, native(), open_config()).await;
        let mut client = client(&server).await;
        let reply = client.list_hotspots(request(DepartmentAndTenure)).await.unwrap().into_inner();
        assert_eq!(reply.departments, ["Ops \"A\" / B", "Research", "Sales"]);
        assert_eq!(reply.tenures, ["under 1", "2 to 5", "5 to 10"]);
        assert_eq!(reply.hotspots.len() + reply.suppressed_groups as usize, 9);
        let shown = names(&reply);
        // Four beginners in Research, and what would give them away.
        assert!(!shown.contains(&"Research / under 1") && reply.suppressed_groups >= 4, "{shown:?}");
        assert!(reply.hotspots.len() >= 4, "{shown:?}");
        let mut risk = RiskServiceClient::new(server.channel().await);
        for cell in &reply.hotspots {
            assert_eq!(cell.group, format!("{} / {}", cell.department, cell.tenure));
            let list = v1::ListAtRiskEmployeesRequest {
                filter: cell.filter.clone(),
                all_bands: true,
                page_size: 1_000,
                ..Default::default()
            };
            let members = risk.list_at_risk_employees(list).await.unwrap().into_inner().employees;
            assert_eq!(members.len() as u64, cell.employees, "{}", cell.filter);
            let mean = members
                .iter()
                .map(|member| match &member.outcome {
                    Some(v1::employee_risk::Outcome::Assessment(assessment)) => assessment.risk,
                    _ => f64::NAN,
                })
                .sum::<f64>()
                / members.len() as f64;
            assert!((cell.mean_risk / mean - 1.0).abs() < 1e-5, "{} {mean}", cell.mean_risk);
            let (by, group) = (i32::from(DepartmentAndTenure), cell.group.clone());
            let drivers = v1::ListDriversRequest { group_by: by, group: group.clone(), ..Default::default() };
            assert_eq!(client.list_drivers(drivers).await.unwrap().into_inner().employees, cell.employees);
            let trend = v1::GetTrendRequest { group_by: by, group, months: 2 };
            let points = client.get_trend(trend).await.unwrap().into_inner().points;
            assert_eq!(points.iter().map(|point| point.employees).collect::<Vec<_>>(), [cell.employees]);
        }
        for name in ["Research / under 1", "Research", "Sales / 3", "Nowhere / under 1"] {
            let (by, group) = (i32::from(DepartmentAndTenure), name.to_owned());
            let drivers = v1::ListDriversRequest { group_by: by, group: group.clone(), ..Default::default() };
            assert_eq!(client.list_drivers(drivers).await.unwrap_err().code(), Code::FailedPrecondition, "{name}");
            let trend = v1::GetTrendRequest { group_by: by, group, months: 2 };
            assert_eq!(client.get_trend(trend).await.unwrap_err().code(), Code::FailedPrecondition, "{name}");
        }
    })
    .await;
}

#[tokio::test]
async fn one_group_is_listed_as_among_all_and_one_that_is_not_shown_like_one_that_is_not_there() {
    each_store(async |store| {
        let mut people = company();
        people.extend((400..409).map(|i| (i, ("Legal", "East", "m-legal".into(), "L1", 3.0))));
        record(&store, &native(), &people, 0).await;
        let server = Served::start_on(store, native(), open_config()).await;
        let mut client = client(&server).await;
        for by in [Department, Location, Manager, JobLevel, Tenure, DepartmentAndTenure] {
            let all = client.list_hotspots(request(by)).await.unwrap().into_inner();
            assert!(!all.hotspots.is_empty(), "{by:?}");
            for hotspot in &all.hotspots {
                let one = v1::ListHotspotsRequest { group: hotspot.group.clone(), ..request(by) };
                let one = client.list_hotspots(one).await.unwrap().into_inner();
                assert_eq!(one, v1::ListHotspotsResponse { hotspots: vec![hotspot.clone()], ..all.clone() });
            }
            for name in ["Legal", "Legal / 2 to 5", "Nowhere", "m-legal"] {
                let none = v1::ListHotspotsRequest { group: name.into(), ..request(by) };
                let none = client.list_hotspots(none).await.unwrap().into_inner();
                assert_eq!(none, v1::ListHotspotsResponse { hotspots: Vec::new(), ..all.clone() }, "{by:?} {name}");
            }
        }
        let long = v1::ListHotspotsRequest { group: "x".repeat(300), ..request(Department) };
        assert_eq!(client.list_hotspots(long).await.unwrap_err().code(), Code::InvalidArgument);
    })
    .await;
}

#[tokio::test]
async fn nothing_is_told_of_too_few() {
    each_store(async |store| {
        record(&store, &native(), &company()[..9], 0).await;
        let server = Served::start_on(store.clone(), native(), open_config()).await;
        let mut client = client(&server).await;
        let reply = client.list_hotspots(request(Department)).await.unwrap().into_inner();
        assert!(reply.hotspots.is_empty() && reply.total.is_none() && reply.observed_from.is_empty(), "{reply:?}");
        assert_eq!(reply.suppressed_groups, 3);
        assert!(client.list_drivers(v1::ListDriversRequest::default()).await.is_err());
        assert!(client.get_trend(v1::GetTrendRequest::default()).await.is_err());
        record(&store, &native(), &company()[9..10], 0).await;
        assert!(client.list_hotspots(request(Department)).await.unwrap().into_inner().total.is_some());
    })
    .await;
}

#[tokio::test]
async fn drivers_are_means_over_the_group() {
    each_store(async |store| {
        let scorer = native();
        let people = company();
        record(&store, &scorer, &people, 0).await;
        let server = Served::start_on(store, native(), open_config()).await;
        let mut client = client(&server).await;
        let asked = v1::ListDriversRequest { group_by: Department.into(), group: "Sales".into(), ..Default::default() };
        let reply = client.list_drivers(asked.clone()).await.unwrap().into_inner();
        assert_eq!((reply.employees, reply.drivers.len()), (120, 3));
        assert!(reply.drivers.windows(2).all(|w| w[0].mean_strength_log_odds >= w[1].mean_strength_log_odds));
        let talks = reply.drivers.iter().find(|driver| driver.feature == "one_on_ones_90d_count").unwrap();
        let contributions: Vec<f64> = (0..120)
            .map(|i| {
                let number = 3 * i + 2;
                let values = vec![people[number].1.4, (number % 7) as f64, f64::NAN];
                scorer.score(&scorer.schema().packed_row(values).unwrap()).contributions[1]
            })
            .collect();
        let mean = contributions.iter().sum::<f64>() / 120.0;
        let strength = contributions.iter().map(|c| c.abs()).sum::<f64>() / 120.0;
        let raised = contributions.iter().filter(|c| **c > 0.0).count() as f64 / 120.0;
        assert!((talks.mean_contribution_log_odds - mean).abs() < 1e-12);
        assert!((talks.mean_strength_log_odds - strength).abs() < 1e-12);
        assert!((talks.raised_share - (raised * 20.0).round() / 20.0).abs() < 1e-12);
        assert!(talks.actionable && !talks.confidential && (talks.mean_value.unwrap() - 3.0).abs() < 0.1);
        // Nobody in Sales has answered the survey; in Ops all have.
        let engagement = |reply: &v1::ListDriversResponse| {
            reply.drivers.iter().find(|driver| driver.confidential).map(|driver| driver.mean_value)
        };
        assert_eq!(engagement(&reply), Some(None));
        let ops = v1::ListDriversRequest { group: "Ops".into(), ..asked.clone() };
        assert_eq!(engagement(&client.list_drivers(ops).await.unwrap().into_inner()), Some(Some(0.45)));
        // Page by page.
        let first = client.list_drivers(v1::ListDriversRequest { page_size: 2, ..asked.clone() }).await.unwrap();
        let first = first.into_inner();
        let second = v1::ListDriversRequest { page_size: 2, page_token: first.next_page_token, ..asked };
        let second = client.list_drivers(second).await.unwrap().into_inner();
        assert_eq!([first.drivers, second.drivers].concat(), reply.drivers);
        assert!(second.next_page_token.is_empty());
        let all = client.list_drivers(v1::ListDriversRequest::default()).await.unwrap().into_inner();
        assert_eq!(all.employees, 360);
    })
    .await;
}

#[tokio::test]
async fn everybody_sees_the_part_that_the_scope_gives() {
    each_store(async |store| {
        let mut people = company();
        people.extend((500..509).map(|i| (i, ("Sales", "West", "m-small".into(), "L1", 3.0))));
        record(&store, &native(), &people, 0).await;
        let folder = tempfile::tempdir().unwrap();
        let mut config = open_config();
        config.audit.key_file = Some(folder.path().join("audit.key"));
        let app = App::new(native(), store, config).await.unwrap();
        let api = InsightApi::new(app.core().clone());
        let caller = |role, scope| Caller { actor: "key:test".into(), role, scope, standing_purpose: None };
        fn by<T>(caller: &Caller, message: T) -> Request<T> {
            let mut request = Request::new(message);
            request.extensions_mut().insert(Arc::new(caller.clone()));
            request
        }
        let sales = Scope::Units { departments: vec!["Sales".into()], locations: Vec::new() };
        let partner = caller(Role::HrPartner, sales);
        let reply = api.list_hotspots(by(&partner, request(Department))).await.unwrap().into_inner();
        assert_eq!((names(&reply), reply.total.as_ref().unwrap().employees), (vec!["Sales"], 129));
        let places = api.list_hotspots(by(&partner, request(Location))).await.unwrap().into_inner();
        assert!(places.hotspots.iter().all(|place| place.employees <= 70), "{places:?}");
        assert_eq!(places.hotspots.len() + places.suppressed_groups as usize, 2);
        let teams = api.list_hotspots(by(&partner, request(Manager))).await.unwrap().into_inner();
        assert!(names(&teams).iter().all(|name| name.starts_with("m-Sales")), "{teams:?}");
        // A manager: the own team, nothing else, and not what comes from confidential answers.
        let drivers = |group_by: By, group: &str| v1::ListDriversRequest {
            group_by: group_by.into(),
            group: group.into(),
            ..Default::default()
        };
        let manager = |id: &str| caller(Role::Manager, Scope::Reports { manager_id: id.into() });
        let own = manager("m-Ops-0");
        let reply = api.list_drivers(by(&own, drivers(Manager, "m-Ops-0"))).await.unwrap().into_inner();
        assert_eq!((reply.employees, reply.drivers.len()), (30, 2));
        assert_eq!(api.list_drivers(by(&own, drivers(By::Unspecified, ""))).await.unwrap().into_inner(), reply);
        for (dimension, name) in [(Manager, "m-Ops-1"), (Department, "Ops"), (Location, "East")] {
            let status = api.list_drivers(by(&own, drivers(dimension, name))).await.unwrap_err();
            assert_eq!(status.code(), Code::FailedPrecondition, "{name}");
        }
        let small = api.list_drivers(by(&manager("m-small"), drivers(By::Unspecified, ""))).await.unwrap_err();
        assert_eq!(small.get_details_error_info().unwrap().reason, "GROUP_SUPPRESSED");
        assert_eq!(api.list_hotspots(by(&own, request(Manager))).await.unwrap_err().code(), Code::PermissionDenied);
        for role in [Role::Hris, Role::Admin] {
            let status =
                api.get_trend(by(&caller(role, Scope::All), v1::GetTrendRequest::default())).await.unwrap_err();
            assert_eq!(status.code(), Code::PermissionDenied);
        }
    })
    .await;
}

#[tokio::test]
async fn wrong_requests_are_refused_with_every_field() {
    let server = Served::start(native()).await;
    let mut client = client(&server).await;
    let fields = |status: tonic::Status| -> Vec<String> {
        assert_eq!(status.code(), Code::InvalidArgument);
        status.get_details_bad_request().unwrap().field_violations.into_iter().map(|v| v.field).collect()
    };
    let hotspots =
        v1::ListHotspotsRequest { group_by: 0, page_size: -1, order_by: "risk".into(), ..Default::default() };
    assert_eq!(fields(client.list_hotspots(hotspots).await.unwrap_err()), ["group_by", "order_by", "page_size"]);
    let drivers = v1::ListDriversRequest { group_by: 99, group: "x".into(), page_size: -1, ..Default::default() };
    assert_eq!(fields(client.list_drivers(drivers).await.unwrap_err()), ["group_by", "page_size"]);
    let drivers = v1::ListDriversRequest { group: "x".into(), ..Default::default() };
    assert_eq!(fields(client.list_drivers(drivers).await.unwrap_err()), ["group_by"]);
    let trend = v1::GetTrendRequest { group_by: Department.into(), group: String::new(), months: 37 };
    assert_eq!(fields(client.get_trend(trend).await.unwrap_err()), ["group", "months"]);
}
