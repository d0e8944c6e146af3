//! Pages of lists: stable while scores arrive, good after a restart, bound to their request.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flight_risk_proto::v1;
use flight_risk_proto::v1::risk_service_client::RiskServiceClient;
use flight_risk_scoring::Day;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tonic::Code;
use tonic::transport::Channel;

use super::databases::{each_store, each_url};
use super::fixture::{Served, native, open_config, wide};
use super::risk::{client, department, record, scored_row, serve, with_risk};
use crate::limits::MAX_MESSAGE_BYTES;
use crate::store::exits::{NewExit, report_exit};
use crate::store::{NewScore, OrgFacts, Store};

/// What is told of a row, as far as these tests look at it.
fn row(employee: &v1::EmployeeRisk) -> (String, Option<u64>) {
    let risk = match &employee.outcome {
        Some(v1::employee_risk::Outcome::Assessment(assessment)) => Some(assessment.risk.to_bits()),
        _ => None,
    };
    (employee.employee_id.clone(), risk)
}

type Listed = Vec<(String, Option<u64>)>;

/// All pages of a list; `between` runs between two of them.
async fn pages(
    client: &mut RiskServiceClient<Channel>,
    request: &v1::ListAtRiskEmployeesRequest,
    mut between: impl AsyncFnMut(),
) -> Listed {
    let mut request = request.clone();
    let mut all = Vec::new();
    loop {
        let page = client.list_at_risk_employees(request.clone()).await.unwrap().into_inner();
        assert!(page.employees.len() <= request.page_size as usize);
        all.extend(page.employees.iter().map(row));
        if page.next_page_token.is_empty() {
            return all;
        }
        request.page_token = page.next_page_token;
        between().await;
    }
}

#[tokio::test]
async fn pages_show_the_state_of_the_first_one_however_many_scores_arrive() {
    each_store(async |store| {
        let scorer = native();
        let mut random = ChaCha8Rng::seed_from_u64(5);
        let risks = [-1.0, 0.05, 0.1, 0.16, 0.2, 0.2, 0.35, 0.5, 0.9];
        let mut score = |count: usize, employees: usize, day: i32| -> Vec<NewScore> {
            let mut scores = HashMap::new();
            for _ in 0..count {
                let id = format!("e-{}", random.random_range(0..employees));
                let risk = *risks.choose(&mut random).unwrap();
                let score = with_risk(&scorer, &id, risk, department("Sales"));
                let as_of = Day::plus_days(score.as_of, day);
                let scored_at = score.scored_at + i64::from(random.random_range(0..3));
                scores.insert(id, NewScore { as_of, scored_at, ..score });
            }
            let mut scores: Vec<NewScore> = scores.into_values().collect();
            scores.sort_by(|a, b| a.employee_id.cmp(&b.employee_id));
            scores
        };
        record(&store, &scorer, &score(120, 60, 0)).await;
        let server = serve(&store).await;
        let mut client = client(&server).await;
        let mut day = 0;
        for order_by in
            ["probability desc", "probability", "employee_id", "employee_id desc", "score_time", "score_time desc"]
        {
            for (all_bands, page_size) in [(false, 4), (true, 9)] {
                let request = v1::ListAtRiskEmployeesRequest {
                    order_by: order_by.into(),
                    all_bands,
                    page_size,
                    ..Default::default()
                };
                let whole = v1::ListAtRiskEmployeesRequest { page_size: 1000, ..request.clone() };
                let before = pages(&mut client, &whole, async || {}).await;
                assert!(before.len() > 5, "{before:?}");
                let paged = pages(&mut client, &request, async || {
                    day += 1;
                    record(&store, &scorer, &score(9, 70, day)).await;
                })
                .await;
                assert_eq!(paged, before, "{order_by} {all_bands} {page_size}");
                let after = pages(&mut client, &whole, async || {}).await;
                assert_ne!(after, before, "nothing moved: the test shows nothing");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn those_who_left_are_not_listed_and_those_who_came_back_are() {
    each_store(async |store| {
        let scorer = native();
        let scores = ["left", "stays", "back"].map(|id| with_risk(&scorer, id, 0.5, OrgFacts::default()));
        record(&store, &scorer, &scores).await;
        let at = scores[0].scored_at + 1;
        for employee_id in ["left", "back"] {
            let exit = NewExit { employee_id, day: scores[0].as_of, exit_type: 1, at };
            let mut tx = store.db().begin().await.unwrap();
            report_exit(&mut tx, &exit).await.unwrap();
            tx.commit().await.unwrap();
        }
        let server = serve(&store).await;
        let mut client = client(&server).await;
        let request = v1::ListAtRiskEmployeesRequest { page_size: 10, capacity: Some(5), ..Default::default() };
        let page = client.list_at_risk_employees(request.clone()).await.unwrap().into_inner();
        assert_eq!(page.employees.iter().map(|e| e.employee_id.as_str()).collect::<Vec<_>>(), ["stays"]);
        let capacity = page.capacity.unwrap();
        assert_eq!((capacity.length, capacity.expected_leavers, capacity.expected_leavers_in_all), (1, 0.5, 0.5));
        let again = with_risk(&scorer, "back", 0.6, OrgFacts::default());
        record(&store, &scorer, &[NewScore { as_of: again.as_of.plus_days(30), scored_at: at + 1, ..again }]).await;
        let page = client.list_at_risk_employees(request).await.unwrap().into_inner();
        assert_eq!(page.employees.iter().map(|e| e.employee_id.as_str()).collect::<Vec<_>>(), ["back", "stays"]);
    })
    .await;
}

#[tokio::test]
async fn the_list_ends_at_the_capacity_and_tells_what_it_covers() {
    each_store(async |store| {
        let scorer = native();
        let risks = [0.9, 0.8, 0.7, 0.6, 0.5, 0.2, 0.1, -1.0];
        let scores: Vec<NewScore> = risks
            .iter()
            .enumerate()
            .map(|(i, &risk)| with_risk(&scorer, &format!("e-{i}"), risk, OrgFacts::default()))
            .collect();
        record(&store, &scorer, &scores).await;
        let server = serve(&store).await;
        let mut client = client(&server).await;
        for (capacity, page_size, pages, length, expected) in
            [(3, 50, 1, 3, 2.4), (3, 2, 2, 3, 2.4), (4, 2, 2, 4, 3.0), (100, 4, 2, 6, 3.7), (6, 6, 1, 6, 3.7)]
        {
            let mut request =
                v1::ListAtRiskEmployeesRequest { page_size, capacity: Some(capacity), ..Default::default() };
            let mut employees = 0;
            for page in 1..=pages {
                let reply = client.list_at_risk_employees(request.clone()).await.unwrap().into_inner();
                employees += reply.employees.len();
                assert_eq!(reply.next_page_token.is_empty(), page == pages, "{capacity} {page_size} {page}");
                assert_eq!(reply.capacity.is_some(), page == 1);
                if let Some(covered) = reply.capacity {
                    assert_eq!(covered.length, length);
                    assert!((covered.expected_leavers - expected).abs() < 1e-12, "{covered:?}");
                    assert!((covered.expected_leavers_in_all - 3.8).abs() < 1e-12, "{covered:?}");
                    assert!(covered.expected_leavers_low <= expected && expected <= covered.expected_leavers_high);
                }
                request.page_token = reply.next_page_token;
            }
            assert_eq!(employees as u32, length);
        }
    })
    .await;
}

#[tokio::test]
async fn a_token_is_good_after_a_restart_and_for_its_request_only() {
    each_url(async |url| {
        let scorer = native();
        let folder = tempfile::tempdir().unwrap();
        let mut config = open_config();
        config.audit.key_file = Some(folder.path().join("audit.key"));
        let first = Store::open(url).await.unwrap();
        let scores: Vec<NewScore> =
            (0..9).map(|i| with_risk(&scorer, &format!("e-{i}"), 0.5, department("Sales"))).collect();
        record(&first, &scorer, &scores).await;
        let mut server = Served::start_on(first, native(), config.clone()).await;
        let request =
            v1::ListAtRiskEmployeesRequest { page_size: 2, filter: "department = Sales".into(), ..Default::default() };
        let page = client(&server).await.list_at_risk_employees(request.clone()).await.unwrap().into_inner();
        server.stop();
        server.end.await.unwrap().unwrap();
        // Who finds the token in an address learns nothing from it: the last employee of the page is in it.
        let bytes = URL_SAFE_NO_PAD.decode(&page.next_page_token).unwrap();
        for told in ["\"e-1\"", "employee_id", "risk"] {
            let told = told.as_bytes();
            assert!(!bytes.windows(told.len()).any(|window| window == told));
        }

        let second = Store::open(url).await.unwrap();
        let server = Served::start_on(second.clone(), native(), config).await;
        let mut client = client(&server).await;
        let request = v1::ListAtRiskEmployeesRequest { page_token: page.next_page_token.clone(), ..request };
        let next = client.list_at_risk_employees(request.clone()).await.unwrap().into_inner();
        assert_eq!(row(&next.employees[0]).0, "e-2");
        // Another size and another purpose are no other list.
        let resized = v1::ListAtRiskEmployeesRequest { page_size: 100, purpose: "another".into(), ..request.clone() };
        assert_eq!(client.list_at_risk_employees(resized).await.unwrap().into_inner().employees.len(), 7);
        let mut torn = page.next_page_token.clone();
        torn.pop();
        for (what, wrong) in [
            ("filter", v1::ListAtRiskEmployeesRequest { filter: String::new(), ..request.clone() }),
            ("order", v1::ListAtRiskEmployeesRequest { order_by: "employee_id".into(), ..request.clone() }),
            ("bands", v1::ListAtRiskEmployeesRequest { all_bands: true, ..request.clone() }),
            ("capacity", v1::ListAtRiskEmployeesRequest { capacity: Some(5), ..request.clone() }),
            ("torn", v1::ListAtRiskEmployeesRequest { page_token: torn, ..request.clone() }),
            ("made up", v1::ListAtRiskEmployeesRequest { page_token: "AAAA".into(), ..request.clone() }),
        ] {
            let status = client.list_at_risk_employees(wrong).await.unwrap_err();
            assert_eq!(status.code(), Code::InvalidArgument, "{what}");
            assert!(status.message().contains("page_token"), "{what}: {}", status.message());
        }
        // A token of one method is none of another.
        let history = v1::ListEmployeeRiskHistoryRequest {
            parent: "employees/e-1".into(),
            page_token: page.next_page_token,
            ..Default::default()
        };
        assert_eq!(client.list_employee_risk_history(history).await.unwrap_err().code(), Code::InvalidArgument);
        second.close().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_with_a_list_is_said_all_at_once() {
    let server = Served::start(native()).await;
    let request = v1::ListAtRiskEmployeesRequest {
        page_size: -1,
        page_token: "x".into(),
        filter: "salary > 3".into(),
        order_by: "salary".into(),
        capacity: Some(0),
        max_factors: Some(51),
        ..Default::default()
    };
    let status = client(&server).await.list_at_risk_employees(request).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let details = tonic_types::StatusExt::get_details_bad_request(&status).unwrap();
    let mut fields: Vec<&str> = details.field_violations.iter().map(|violation| violation.field.as_str()).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["capacity", "filter", "max_factors", "order_by", "page_size", "page_token"]);
}

#[tokio::test]
async fn a_page_that_no_message_can_carry_is_made_shorter() {
    each_store(async |store| {
        let scorer = wide(60);
        let scores: Vec<NewScore> =
            (0..700).map(|i| scored_row(&scorer, &format!("e-{i:03}"), vec![1.0; 60])).collect();
        record(&store, &scorer, &scores).await;
        let server = Served::start_on(store, scorer, open_config()).await;
        let mut client = client(&server).await.max_decoding_message_size(MAX_MESSAGE_BYTES);
        let request = v1::ListAtRiskEmployeesRequest {
            page_size: 1000,
            max_factors: Some(50),
            all_bands: true,
            ..Default::default()
        };
        let all = pages(&mut client, &request, async || {}).await;
        let page = client.list_at_risk_employees(request).await.unwrap().into_inner();
        assert!(page.employees.len() < 700 && !page.next_page_token.is_empty(), "{}", page.employees.len());
        let ids: Vec<String> = all.into_iter().map(|(id, _)| id).collect();
        assert_eq!(ids, (0..700).map(|i| format!("e-{i:03}")).collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test]
async fn the_history_has_every_score_the_latest_first() {
    each_store(async |store| {
        let scorer = native();
        for (day, risk) in [(0, 0.1), (1, -1.0), (2, 0.3), (3, 0.2), (1, 0.9)] {
            let score = with_risk(&scorer, "e-1", risk, OrgFacts::default());
            record(&store, &scorer, &[NewScore { as_of: score.as_of.plus_days(day), ..score }]).await;
        }
        record(&store, &scorer, &[with_risk(&scorer, "e-2", 0.5, OrgFacts::default())]).await;
        let server = serve(&store).await;
        let mut client = client(&server).await;
        let mut request =
            v1::ListEmployeeRiskHistoryRequest { parent: "employees/e-1".into(), page_size: 2, ..Default::default() };
        let mut points = Vec::new();
        for page in 1..=3 {
            let reply = client.list_employee_risk_history(request.clone()).await.unwrap().into_inner();
            points.extend(reply.points);
            assert_eq!(reply.next_page_token.is_empty(), page == 3);
            request.page_token = reply.next_page_token;
            // What comes meanwhile does not move the pages.
            let score = with_risk(&scorer, "e-1", 0.77, OrgFacts::default());
            record(&store, &scorer, &[NewScore { as_of: score.as_of.plus_days(9), ..score }]).await;
        }
        let told: Vec<(&str, Option<f64>, i32)> =
            points.iter().map(|point| (point.as_of.as_str(), point.risk, point.band)).collect();
        let band = |band: v1::RiskBand| band as i32;
        assert_eq!(
            told,
            [
                ("2024-07-01", Some(0.9), band(v1::RiskBand::High)),
                ("2024-07-03", Some(0.2), band(v1::RiskBand::Elevated)),
                ("2024-07-02", Some(0.3), band(v1::RiskBand::High)),
                ("2024-07-01", None, band(v1::RiskBand::Unspecified)),
                ("2024-06-30", Some(0.1), band(v1::RiskBand::Low)),
            ]
        );
        assert_eq!(points[3].low, None);
        for (parent, code) in
            [("employees/e-9", Code::NotFound), ("e-1", Code::InvalidArgument), ("employees/", Code::InvalidArgument)]
        {
            let request = v1::ListEmployeeRiskHistoryRequest { parent: parent.into(), ..Default::default() };
            assert_eq!(client.list_employee_risk_history(request).await.unwrap_err().code(), code, "{parent}");
        }
    })
    .await;
}
