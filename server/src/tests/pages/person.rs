//! The page of a person: what it says, to whom, and what can be done from it.

use axum::http::StatusCode;
use flight_risk_scoring::artifact::{RulePart, Target};
use flight_risk_scoring::pair::{Axis, Pair};
use flight_risk_scoring::rules::{Condition, RuleEnsemble, RuleTree};
use flight_risk_scoring::{Artifact, Scorer};

use super::visitor::{Console, Seen, Visitor};
use crate::access::caller::{Role, Scope};
use crate::audit::{Wanted, list};
use crate::clock::today;
use crate::store::{NewScore, OrgFacts};
use crate::tests::fixture::{native, talkative};
use crate::tests::risk::{department, record, scored, with_risk};

fn reports_to(manager: &str) -> OrgFacts {
    OrgFacts { manager_id: Some(manager.into()), ..department("Sales") }
}

/// Somebody who stands out for lack of talks, somebody about whom little is known, and somebody of another team.
pub(super) async fn company() -> Console {
    let scorer = talkative();
    let console = Console::of(talkative()).await;
    let scores = [
        scored(&scorer, "e-1", [1.0, 0.0, 0.5], reports_to("m-1")),
        with_risk(&scorer, "e-2", -1.0, reports_to("m-1")),
        scored(&scorer, "e-3", [1.0, 0.0, 0.5], reports_to("m-2")),
    ];
    record(&console.store, &scorer, &scores).await;
    console
}

pub(super) async fn partner(console: &Console) -> Visitor {
    let mut partner = console.partner().await;
    partner.state_purpose().await;
    partner
}

pub(super) async fn manager(console: &Console) -> Visitor {
    let scope = Scope::Reports { manager_id: "m-1".into() };
    let mut manager = console.visitor("manager", Role::Manager, scope).await;
    manager.state_purpose().await;
    manager
}

/// What the audit log has about an employee, the oldest first: service and method, purpose, decision.
pub(super) async fn audited(console: &Console, employee: &str) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    let show = |record: crate::audit::Listed| -> Result<(), ()> {
        let method = record.method.trim_start_matches("flightrisk.v1.").to_owned();
        found.push((method, record.purpose, record.decision));
        Ok(())
    };
    let wanted = Wanted { employee: Some(employee.to_owned()), since: None };
    list(&console.store, None, &wanted, show).await.unwrap().unwrap();
    found
}

#[tokio::test]
async fn the_page_says_how_likely_why_and_what_can_be_done() {
    let console = company().await;
    let mut partner = partner(&console).await;
    let page = partner.page("/people/e-1").await;
    for part in [
        "of their own accord within 12 months",
        "From the usual risk to this person",
        "can be acted on",
        "From confidential answers: named only",
        "Every factor with its part in log-odds",
        "The smallest change that would help",
        "What if …?",
        "A way to begin the conversation",
        "Facts known on",
        "30 June 2024",
        "That is older than they should be",
        "/privacy/person?id=e-1",
        "/people/e-1/exit",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let unknown = partner.page("/people/e-2").await;
    assert!(
        unknown.contains("The model does not know") && unknown.contains("What would have to be known"),
        "{unknown}"
    );
    assert!(!unknown.contains("What if"), "nothing to try without an answer");
}

#[tokio::test]
async fn the_purpose_is_asked_once_and_everything_is_audited() {
    let console = company().await;
    let mut partner = console.partner().await;
    let asked = partner.open("/people/e-1?if.one_on_ones_90d_count=6").await;
    assert_eq!(asked.location, "/purpose?next=%2Fpeople%2Fe-1%3Fif.one_on_ones_90d_count%3D6");
    assert_eq!(audited(&console, "e-1").await, [], "nothing was looked at");
    let next = "/people/e-1?if.one_on_ones_90d_count=6";
    let stated = partner.send("/purpose", &[("other", "a talk on Monday"), ("next", next)]).await;
    assert_eq!(stated.location, next);
    partner.page(next).await;
    partner.page("/people/e-2").await;
    let mut methods: Vec<String> = Vec::new();
    for (method, purpose, decision) in audited(&console, "e-1").await {
        assert_eq!((purpose.as_str(), decision.as_str()), ("a talk on Monday", "allowed"), "{method}");
        methods.push(method);
    }
    methods.sort();
    let page = partner.page("/people/e-1").await;
    assert!(page.contains("a talk on Monday <a href=\"/purpose?next=%2Fpeople%2Fe-1\">change"), "{page}");
    assert_eq!(
        methods,
        [
            "RiskService/GetEmployeeRisk",
            "RiskService/ListEmployeeRiskHistory",
            "ScoringService/FindCounterfactual",
            "ScoringService/SimulateChanges",
        ]
    );
    assert!(audited(&console, "e-2").await.iter().any(|(method, _, _)| method == "RiskService/GetEmployeeRisk"));
}

#[tokio::test]
async fn a_manager_gets_prompts_and_no_number() {
    let console = company().await;
    let mut manager = manager(&console).await;
    for path in ["/people/e-1", "/people/e-1?if.one_on_ones_90d_count=6", "/people/e-2"] {
        let page = manager.page(path).await;
        assert!(page.contains("A way to begin the conversation") && page.contains("Start an action"), "{page}");
        for absent in
            [" %", "High", "Low", "log-odds", "What if", "changed over time", "/exit", "/privacy", "does not know"]
        {
            assert!(!page.contains(absent), "{path}: {absent}: {page}");
        }
    }
}

#[tokio::test]
async fn the_history_tells_what_changed_and_nothing_of_confidential_answers() {
    let scorer = talkative();
    let console = Console::of(talkative()).await;
    let of = |day: &str, values: [f64; 3], at: i64| {
        let score = scored(&scorer, "e-1", values, department("Sales"));
        NewScore { as_of: day.parse().unwrap(), scored_at: score.scored_at + at, ..score }
    };
    for (at, score) in
        [("2024-06-01", [1.0, 6.0, 0.5]), ("2024-07-01", [1.0, 0.0, 0.5]), ("2024-08-01", [1.0, 0.0, 0.1])]
            .into_iter()
            .enumerate()
    {
        record(&console.store, &scorer, &[of(score.0, score.1, at as i64)]).await;
    }
    let mut partner = partner(&console).await;
    let page = partner.page("/people/e-1").await;
    let (_, past) = page.split_once("What changed over time").unwrap();
    assert!(past.contains("1 August 2024") && past.contains("first score that is kept"), "{past}");
    assert!(past.contains("one-on-ones in 90 days, 0 instead of 6: raises the risk"), "{past}");
    assert!(!past.contains("engagement"), "an answer given in confidence moved the last score: {past}");
}

#[tokio::test]
async fn pairs_of_facts_are_told_in_a_sentence_unless_one_was_answered_in_confidence() {
    let cuts = || Axis::Cuts { cuts: vec![3.0] };
    let pair = |features: [usize; 2]| {
        let mut effects = vec![0.0; 9];
        effects[0] = 0.5;
        Pair { features, axes: [cuts(), cuts()], effects, variances: vec![0.0; 9], shares: vec![1.0 / 9.0; 9] }
    };
    let model = || {
        let mut content = talkative().artifact().content().clone();
        content.pairs = vec![pair([0, 1]), pair([1, 2])];
        Scorer::new(Artifact::new(content).unwrap())
    };
    let console = Console::of(model()).await;
    let scores = [
        scored(&model(), "e-1", [1.0, 0.0, 0.5], department("Sales")),
        scored(&model(), "e-2", [9.0, 9.0, 0.5], department("Sales")),
    ];
    record(&console.store, &model(), &scores).await;
    let mut partner = partner(&console).await;
    let page = partner.page("/people/e-1").await;
    let told = "Taken together, time with the company and one-on-ones in 90 days raise the risk more than the two would one by one.";
    assert!(page.contains(told), "{page}");
    assert_eq!(page.matches("Taken together").count(), 1, "the other pair has an answer in it: {page}");
    assert!(!partner.page("/people/e-2").await.contains(told), "they are not in that cell");
}

#[tokio::test]
async fn a_rule_of_three_facts_is_told_in_a_sentence_unless_one_was_answered_in_confidence() {
    let above = |feature: usize| Condition::Above { feature, threshold: 0.5, unknown: false };
    // Where all three hold.
    let rule = |features: [usize; 3]| {
        let mut values = vec![0.0; 8];
        values[7] = 2.0;
        RuleTree { conditions: features.map(above).to_vec(), values, shares: vec![0.125; 8] }
    };
    let model = |confidential: bool| {
        let mut content = native().artifact().content().clone();
        content.features[2].confidential = confidential;
        let ensemble = RuleEnsemble { members: vec![vec![rule([0, 1, 2])]] };
        content.rules = Some(RulePart { weight: 1.0, ensemble });
        Scorer::new(Artifact::new(content).unwrap())
    };
    for confidential in [false, true] {
        let console = Console::of(model(confidential)).await;
        let scores = [
            scored(&model(confidential), "e-1", [1.0, 6.0, 0.9], department("Sales")),
            scored(&model(confidential), "e-2", [0.1, 6.0, 0.9], department("Sales")),
        ];
        record(&console.store, &model(confidential), &scores).await;
        let mut partner = partner(&console).await;
        let page = partner.page("/people/e-1").await;
        let told = page.contains("the three would one by one");
        assert_eq!(told, !confidential, "{page}");
        let other = partner.page("/people/e-2").await;
        assert!(!other.contains("the three would") || !other.contains("make for a higher risk"), "{other}");
    }
}

#[tokio::test]
async fn what_was_answered_in_confidence_has_no_bar_of_its_own_and_cannot_be_worked_out() {
    let console = company().await;
    let page = partner(&console).await.page("/people/e-1").await;
    assert!(page.contains("what counts least and what was answered in confidence, together"), "{page}");
    let (_, parts) = page.split_once("Every factor with its part in log-odds").unwrap();
    let (parts, _) = parts.split_once("</table>").unwrap();
    // Of two factors one is told; the other, the sum and what the answer gave are not.
    assert_eq!(parts.matches("not by itself").count(), 1, "{parts}");
    assert!(!parts.contains("not itemised") && !parts.contains("The parts add up"), "{parts}");
}

#[tokio::test]
async fn the_earliest_score_that_is_read_is_not_called_the_first() {
    let scorer = talkative();
    let console = Console::of(talkative()).await;
    let of = |back: i32| {
        let score = scored(&scorer, "e-1", [1.0, f64::from(back % 7), 0.5], department("Sales"));
        NewScore { as_of: today().plus_days(-back), scored_at: score.scored_at - i64::from(back), ..score }
    };
    let scores: Vec<NewScore> = (0..251).rev().map(of).collect();
    record(&console.store, &scorer, &scores[..250]).await;
    let mut partner = partner(&console).await;
    assert!(partner.page("/people/e-1").await.contains("first score that is kept"));
    record(&console.store, &scorer, &scores[250..]).await;
    let page = partner.page("/people/e-1").await;
    assert!(page.contains("there are older ones") && !page.contains("first score that is kept"), "{page}");
}

#[tokio::test]
async fn a_score_of_another_model_is_told_by_its_own_horizon() {
    let mut content = talkative().artifact().content().clone();
    let Target::Hazard { risk_horizon_months, .. } = &mut content.target else { panic!("a hazard") };
    *risk_horizon_months = 6;
    let other = Scorer::new(Artifact::new(content).unwrap());
    let console = Console::of(talkative()).await;
    let scores = [scored(&other, "e-1", [1.0, 0.0, 0.5], department("Sales"))];
    record(&console.store, &other, &scores).await;
    let page = partner(&console).await.page("/people/e-1").await;
    assert!(
        page.contains("of their own accord within 6 months") && page.contains("which is not the active one"),
        "{page}"
    );
    assert!(page.contains("The active model is asked here"), "{page}");
}

/// Status, address and what is said; not what differs by session.
fn said(seen: &Seen) -> (StatusCode, String, String) {
    (seen.status, seen.location.clone(), seen.text.clone())
}

#[tokio::test]
async fn another_teams_person_and_nobody_look_the_same_to_a_manager() {
    let console = company().await;
    let mut partner = partner(&console).await;
    let action = start(&mut partner, "e-3", "r-1").await;
    let mut manager = manager(&console).await;
    let exit = [("date", "2026-01-01"), ("kind", "voluntary"), ("confirm", "yes"), ("request_id", "x")];
    let new = [("title", "Talk"), ("due", "2030-01-01"), ("request_id", "y")];
    let change = [("title", "Mine now"), ("due", "2030-01-01"), ("state", "cancelled"), ("request_id", "z")];
    let done = [("outcome", "helped"), ("request_id", "w")];
    for path in ["/people/ID", "/people/ID?if.one_on_ones_90d_count=6", "/people/ID/actions/new", "/people/ID/exit"] {
        let theirs = manager.open(&path.replace("ID", "e-3")).await;
        let nobodys = manager.open(&path.replace("ID", "nobody")).await;
        assert_eq!(theirs.status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(said(&theirs), said(&nobodys), "{path}");
    }
    for (path, form) in [("/people/ID/actions", &new[..]), ("/people/ID/exit", &exit[..])] {
        let theirs = manager.send(&path.replace("ID", "e-3"), form).await;
        let nobodys = manager.send(&path.replace("ID", "nobody"), form).await;
        assert_eq!(theirs.status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(said(&theirs), said(&nobodys), "{path}");
    }
    let no_such = "a".repeat(action.len());
    let theirs = manager.open(&format!("/actions/{action}")).await;
    assert_eq!(theirs.status, StatusCode::FORBIDDEN);
    assert_eq!(said(&theirs), said(&manager.open(&format!("/actions/{no_such}")).await));
    for (what, form) in [("change", &change[..]), ("complete", &done[..])] {
        let theirs = manager.send(&format!("/actions/{action}/{what}"), form).await;
        let nobodys = manager.send(&format!("/actions/{no_such}/{what}"), form).await;
        assert_eq!(theirs.status, StatusCode::FORBIDDEN, "{what}");
        assert_eq!(said(&theirs), said(&nobodys), "{what}");
    }
    // Their own is not reached by a form that only others may send either.
    assert_eq!(manager.send("/people/e-1/exit", &exit).await.status, StatusCode::FORBIDDEN);
    for view in ["", "open", "done", "dropped", "outcomes"] {
        let list = manager.page(&format!("/actions?view={view}&who=")).await;
        assert!(!list.contains("e-3"), "{list}");
    }
    let kept = partner.page("/people/e-3").await;
    assert!(kept.contains("Agreed, not begun") && !kept.contains("Mine now"), "nothing was carried out");
}

/// Starts an action of one's own; gives its identifier.
pub(super) async fn start(visitor: &mut Visitor, employee: &str, request_id: &str) -> String {
    let due = today().plus_days(3).to_string();
    let form = [
        ("title", "Talk it over"),
        ("assignee", "m-1"),
        ("due", &due),
        ("note", "on Monday"),
        ("request_id", request_id),
    ];
    let seen = visitor.send(&format!("/people/{employee}/actions"), &form).await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.text);
    assert_eq!(seen.location, format!("/people/{employee}?done=action-started#actions"));
    let page = visitor.page(&format!("/people/{employee}")).await;
    let (_, rest) = page.split_once("href=\"/actions/").unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

#[tokio::test]
async fn an_action_is_started_from_a_recommendation_once() {
    let console = company().await;
    let mut partner = partner(&console).await;
    let page = partner.page("/people/e-1").await;
    let (_, rest) = page.split_once("/people/e-1/actions/new?playbook=").unwrap();
    let playbook = rest.split_once('"').unwrap().0.to_owned();
    let form = partner.open(&format!("/people/e-1/actions/new?playbook={playbook}")).await;
    assert_eq!(form.status, StatusCode::OK);
    let title = form.value_after("id=\"title\"");
    let (request_id, due) = (form.value_after("name=\"request_id\""), form.value_after("id=\"due\""));
    assert!(form.text.contains("Not what somebody said in confidence"), "{}", form.text);
    let sent =
        [("request_id", &*request_id), ("playbook", &playbook), ("title", &title), ("due", &due), ("assignee", "m-1")];
    for _ in 0..2 {
        let seen = partner.send("/people/e-1/actions", &sent).await;
        assert_eq!(seen.location, "/people/e-1?done=action-started#actions");
    }
    let page = partner.page("/people/e-1?done=action-started").await;
    assert_eq!(page.matches("href=\"/actions/").count(), 1, "created once: {page}");
    assert!(page.contains("The action is started."));
    // What is missing is asked for, and what was typed is kept.
    let seen = partner.send("/people/e-1/actions", &[("title", " "), ("note", "<i>kept"), ("due", "soon")]).await;
    assert_eq!(seen.status, StatusCode::BAD_REQUEST);
    assert!(seen.text.contains("id=\"title-problem\"") && seen.text.contains("id=\"due-problem\""), "{}", seen.text);
    assert!(seen.text.contains("&#60;i&#62;kept"));
}

#[tokio::test]
async fn what_if_takes_facts_on_which_somebody_can_act_and_no_others() {
    let console = company().await;
    let mut partner = partner(&console).await;
    let tried = partner.page("/people/e-1?if.one_on_ones_90d_count=6").await;
    assert!(tried.contains("What the model would say") && tried.contains("association, not effect"), "{tried}");
    assert!(tried.contains("value=\"6\""), "the form keeps what was tried");
    let before = partner.page("/people/e-1").await;
    assert!(!before.contains("if.tenure_years") && !before.contains("if.engagement_index"), "no field for them");
    for (query, problem) in [
        ("if.tenure_years=9", "nothing that HR or the manager can act on"),
        ("if.engagement_index=0.9", "comes from confidential survey answers"),
        ("if.no_such=1", "no_such"),
        ("if.one_on_ones_90d_count=many", "is no number"),
        ("if.one_on_ones_90d_count=NaN", "is no number"),
        ("if.one_on_ones_90d_count=1&if.one_on_ones_90d_count=2", "twice"),
        ("if.%3Cscript%3E=1", "&#60;script&#62;"),
    ] {
        let page = partner.page(&format!("/people/e-1?{query}")).await;
        assert!(page.contains("This cannot be tried") && page.contains(problem), "{query}: {page}");
        assert!(!page.contains("What the model would say"), "{query}");
    }
}

pub(super) async fn said_of(visitor: &mut Visitor, id: &str) -> (StatusCode, String, String) {
    said(&visitor.open(&format!("/people/{id}")).await)
}

#[tokio::test]
async fn forms_are_shown_to_those_who_may_send_them() {
    let console = company().await;
    assert_eq!(manager(&console).await.open("/people/e-1/exit").await.status, StatusCode::FORBIDDEN);
    let mut system = console.visitor("system", Role::Hris, Scope::All).await;
    system.state_purpose().await;
    assert_eq!(system.open("/people/e-1/actions/new").await.status, StatusCode::FORBIDDEN);
    assert_eq!(system.open("/people/e-1/exit").await.status, StatusCode::OK);
}

/// Texts that must not become markup, a script, or an address.
const HOSTILE: [&str; 12] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "</textarea><script>alert(1)</script>",
    "</title><svg onload=alert(1)>",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "--><!--#exec cmd=\"x\"-->",
    "&lt;b&gt;&#x3c;b&#x3e;",
    "a/../../sign-out?x#y%2F",
    "\u{202e}txet\u{2028}line",
    "<a href=\"data:text/html,x\">x</a>",
];

/// Nothing in a page is markup that a client's text made.
fn assert_harmless(page: &str, text: &str) {
    for tag in ["<script", "<img", "<svg onload", "<a href=\"data:", "<a href=\"javascript:", "<!--#", "onmouseover='"]
    {
        assert!(!page.contains(tag), "{text}: {tag} in {page}");
    }
    assert!(!page.contains("\"><img") && !page.contains("</textarea><script"), "{text}: {page}");
}

#[tokio::test]
async fn hostile_texts_are_shown_as_texts_wherever_they_come_from() {
    let scorer = talkative();
    let console = Console::of(talkative()).await;
    let scores: Vec<_> = HOSTILE
        .iter()
        .map(|text| {
            let org = OrgFacts {
                department: Some((*text).into()),
                location: Some((*text).into()),
                manager_id: Some((*text).into()),
                job_level: Some((*text).into()),
                display_name: Some((*text).into()),
                ..OrgFacts::default()
            };
            scored(&scorer, text, [1.0, 0.0, 0.5], org)
        })
        .collect();
    record(&console.store, &scorer, &scores).await;
    let mut partner = partner(&console).await;
    for text in HOSTILE {
        let id = serde_urlencoded::to_string([("", text)]).unwrap().trim_start_matches('=').replace('+', "%20");
        let path = format!("/people/{id}");
        let page = partner.page(&path).await;
        assert_harmless(&page, text);
        assert!(page.contains("How likely to leave"), "{text}");
        for path in
            [format!("{path}/actions/new?playbook={id}"), format!("{path}/exit"), format!("{path}?if.{id}={id}")]
        {
            assert_harmless(&partner.page(&path).await, text);
        }
        let due = today().to_string();
        let form = [("title", text), ("assignee", text), ("due", &*due), ("note", text), ("request_id", text)];
        let seen = partner.send(&format!("{path}/actions"), &form).await;
        assert_eq!(seen.status, StatusCode::SEE_OTHER, "{text}: {}", seen.text);
        assert!(seen.location.starts_with("/people/"), "{}", seen.location);
        let page = partner.page(&path).await;
        assert_harmless(&page, text);
        let (_, rest) = page.split_once("href=\"/actions/").unwrap();
        let action = format!("/actions/{}", rest.split_once('"').unwrap().0);
        assert_harmless(&partner.page(&action).await, text);
        // Sent to where they are wrong, they come back as what was typed.
        for (path, form) in [
            (format!("{path}/actions"), [("title", ""), ("due", text), ("note", text), ("assignee", text)]),
            (format!("{path}/exit"), [("date", text), ("kind", text), ("confirm", "yes"), ("request_id", text)]),
            (format!("{action}/change"), [("title", text), ("due", text), ("state", text), ("note", text)]),
            (format!("{action}/complete"), [("outcome", text), ("result", text), ("etag", text), ("request_id", text)]),
        ] {
            let seen = partner.send(&path, &form).await;
            assert_eq!(seen.status, StatusCode::BAD_REQUEST, "{path}: {}", seen.text);
            assert_harmless(&seen.text, text);
        }
        assert_harmless(&partner.page(&format!("/actions?view={id}&who={id}")).await, text);
    }
    let shown = partner.page("/actions").await;
    assert_harmless(&shown, "all of them");
    assert!(shown.contains("&#60;script&#62;alert(1)&#60;/script&#62;"), "shown as text: {shown}");
    assert!(shown.contains("{{ 7 * 7 }}"), "nothing is worked out: {shown}");
}
