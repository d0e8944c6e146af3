//! What is said beside a score: the one before it, and what comes next.

use flight_risk_proto::v1;
use flight_risk_proto::v1::action_service_client::ActionServiceClient;

use super::databases::each_store;
use super::fixture::native;
use super::risk::{client, department, get, record, scored, serve, with_risk};
use crate::store::{NewScore, OrgFacts};

#[tokio::test]
async fn the_score_before_is_the_last_one_of_an_earlier_day() {
    each_store(async |store| {
        let scorer = native();
        for (employee, day, risk) in [
            // Scored three times on the last day; a day before the first came late and was never in force.
            ("again", 0, 0.2),
            ("again", 30, 0.3),
            ("again", 10, 0.9),
            ("again", 60, 0.4),
            ("again", 60, 0.5),
            ("again", 60, 0.6),
            ("once", 60, 0.7),
            ("same-day", 60, 0.7),
            ("same-day", 60, 0.75),
            ("abstained", 0, -1.0),
            ("abstained", 60, 0.8),
        ] {
            let score = with_risk(&scorer, employee, risk, OrgFacts::default());
            record(&store, &scorer, &[NewScore { as_of: score.as_of.plus_days(day), ..score }]).await;
        }
        let server = serve(&store).await;
        let mut client = client(&server).await;
        let page = client.list_at_risk_employees(v1::ListAtRiskEmployeesRequest::default()).await.unwrap().into_inner();
        assert_eq!(page.employees.len(), 4);
        for (employee, expected) in [
            ("again", Some(("2024-07-30", Some(0.3)))),
            ("once", None),
            ("same-day", None),
            ("abstained", Some(("2024-06-30", None))),
        ] {
            let one = client.get_employee_risk(get(employee)).await.unwrap().into_inner().risk.unwrap();
            let listed = page.employees.iter().find(|listed| listed.employee_id == employee).unwrap();
            for risk in [&one, listed] {
                let previous = risk.previous.as_ref().map(|point| (point.as_of.as_str(), point.risk));
                assert_eq!(previous, expected, "{employee}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn what_comes_next_is_the_action_due_first_or_a_recommendation() {
    each_store(async |store| {
        let scorer = native();
        // No one-on-ones in 90 days raise the risk: something is recommended.
        let scores: Vec<NewScore> = ["begun", "not-begun", "closed"]
            .into_iter()
            .map(|id| scored(&scorer, id, [1.0, 0.0, 0.5], department("Sales")))
            .collect();
        record(&store, &scorer, &scores).await;
        let server = serve(&store).await;
        let mut actions = ActionServiceClient::new(server.channel().await);
        for (employee_id, title, due_date) in [
            ("begun", "later", "2031-01-02"),
            ("begun", "first", "2031-01-01"),
            ("begun", "done", "2030-01-01"),
            ("closed", "done", "2030-01-01"),
        ] {
            let action = v1::Action {
                employee_id: employee_id.into(),
                title: title.into(),
                due_date: due_date.into(),
                assignee: "lead-7".into(),
                ..Default::default()
            };
            let request = v1::CreateActionRequest { action: Some(action), ..Default::default() };
            let action = actions.create_action(request).await.unwrap().into_inner().action.unwrap();
            if title == "done" {
                let outcome = v1::ActionOutcome::Helped.into();
                let request = v1::CompleteActionRequest { name: action.name, outcome, ..Default::default() };
                actions.complete_action(request).await.unwrap();
            }
        }
        let mut client = client(&server).await;
        let request = v1::ListAtRiskEmployeesRequest { all_bands: true, ..Default::default() };
        let page = client.list_at_risk_employees(request).await.unwrap().into_inner();
        for (employee, open) in [("begun", 2), ("not-begun", 0), ("closed", 0)] {
            let one = client.get_employee_risk(get(employee)).await.unwrap().into_inner().risk.unwrap();
            let listed = page.employees.iter().find(|listed| listed.employee_id == employee).unwrap();
            assert_eq!(listed.recommended_actions, [], "{employee}");
            for risk in [&one, listed] {
                assert_eq!(risk.open_actions, open, "{employee}");
                let next = risk.next_action.clone().unwrap();
                assert_eq!(next.under_way, open > 0, "{employee}");
                if next.under_way {
                    assert_eq!(
                        (next.title.as_str(), next.due_date.as_str(), next.assignee.as_str()),
                        ("first", "2031-01-01", "lead-7")
                    );
                    assert!(next.action.starts_with("actions/"), "{next:?}");
                } else {
                    let recommended = &one.recommended_actions[0];
                    let expected = v1::NextAction {
                        title: recommended.title.clone(),
                        playbook_id: recommended.playbook_id.clone(),
                        owner: recommended.owner,
                        within_days: recommended.within_days,
                        ..Default::default()
                    };
                    assert_eq!(next, expected, "{employee}");
                }
            }
        }
    })
    .await;
}
