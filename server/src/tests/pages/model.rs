//! The model as pages: what they say is what the API says, and who may make another one score.

use std::fs;

use axum::http::StatusCode;
use flight_risk_proto::v1;
use flight_risk_scoring::metrics::{Guard, GuardFinding, GuardKind, PeriodQuality};
use flight_risk_scoring::{Artifact, ArtifactContent, Scorer};

use super::visitor::{Console, Visitor};
use crate::access::caller::{Role, Scope};
use crate::clock::now_micros;
use crate::models::ModelFolder;
use crate::store::db::params;
use crate::tests::fixture::{Served, native, open_config};
use crate::tests::risk::{department, record, with_risk};

fn of(change: impl FnOnce(&mut ArtifactContent)) -> Scorer {
    let mut content = native().artifact().content().clone();
    change(&mut content);
    Scorer::new(Artifact::new(content).unwrap())
}

fn period(from: &str, expected: f64) -> PeriodQuality {
    PeriodQuality {
        from: from.into(),
        until: from.into(),
        trained_rows: 12_345,
        trained_events: 678,
        rows: 1_000,
        events: 20,
        base_rate: 0.02,
        mean_predicted: expected,
        observed_rate: 0.02,
        auc: Some(0.71),
        log_loss: 0.09,
        log_loss_base_rate: 0.1,
    }
}

/// A model about which everything is to be said.
fn talked_about() -> Scorer {
    of(|content| {
        content.metrics.stability = vec![period("2024-01-01", 0.021), period("2024-02-01", 0.2)];
        content.metrics.guards = vec![Guard {
            kind: GuardKind::SingleFeature,
            finding: GuardFinding::Suspected,
            count: 1,
            features: vec!["tenure_years".into()],
            text: "`tenure_years` <b>tells</b> almost by itself who left".into(),
        }];
        content.metrics.guards.push(Guard {
            kind: GuardKind::ConfidentialAnswers,
            finding: GuardFinding::Suspected,
            count: 1,
            features: vec!["engagement_index".into()],
            text: "`engagement_index` is the only feature from confidential answers".into(),
        });
        content.importance = vec![0.3, 0.1, 0.2];
    })
}

/// A console with a folder of models, the second one active.
async fn two_models() -> (Console, tempfile::TempDir, [String; 2]) {
    let folder = tempfile::tempdir().unwrap();
    let models = [("a", "2023-12-31", -4.0), ("b", "2024-12-31", -3.0)].map(|(name, until, intercept)| {
        let scorer = of(|content| {
            content.intercept = intercept;
            content.provenance.data_until = Some(until.into());
        });
        fs::create_dir(folder.path().join(name)).unwrap();
        fs::write(folder.path().join(name).join("model.json"), scorer.artifact().to_json().unwrap()).unwrap();
        scorer.artifact().model_version().to_owned()
    });
    fs::create_dir(folder.path().join("<i>cut")).unwrap();
    fs::write(folder.path().join("<i>cut/model.json"), "{}").unwrap();
    let console = Console::of_models(ModelFolder::open(folder.path()).unwrap()).await;
    (console, folder, models)
}

async fn etag(visitor: &mut Visitor, version: &str) -> String {
    visitor.open(&format!("/model/{version}/activate")).await.value_after("name=\"etag\"")
}

#[tokio::test]
async fn the_page_says_what_the_api_says() {
    let server = Served::start_with(talked_about(), open_config()).await;
    let request = v1::GetModelRequest { name: "models/active".into() };
    let model = server.models().await.get_model(request).await.unwrap().into_inner().model.unwrap();
    let verdict = model.verdict.clone().unwrap();
    let console = Console::of(talked_about()).await;
    let mut analyst = console.visitor("analyst", Role::Analyst, Scope::All).await;
    let page = analyst.page("/model").await;
    let escaped = |text: &str| askama::filters::escape(text, askama::filters::Html).unwrap().to_string();
    for text in [&verdict.headline].into_iter().chain(&verdict.sentences).chain(&model.limitations) {
        assert!(page.contains(&escaped(text)), "{text} is not in {page}");
    }
    assert!(page.contains(&escaped(&model.stability_text)) && !model.stability_text.is_empty());
    let quality = model.metrics.unwrap().horizon.unwrap().quality.unwrap();
    let list = &quality.lift[0];
    assert!(page.contains(&format!("expect {} to leave", list.found)), "what to expect of a list");
    assert!(page.contains("75 of 100") && page.contains("as expected") && page.contains("fewer left than expected"));
    for feature in &model.features {
        assert!(page.contains(&escaped(&feature.label)), "{}", feature.label);
    }
    // The strongest first.
    let place = |name: &str| {
        let feature = model.features.iter().find(|feature| feature.name == name).unwrap();
        page.find(&format!("name={}", feature.name)).unwrap()
    };
    assert!(place("tenure_years") < place("engagement_index"));
    assert!(place("engagement_index") < place("one_on_ones_90d_count"));
    assert_eq!(page.matches(">confidential<").count(), 1);
    assert!(page.contains("&#60;b&#62;tells") && !page.contains("<b>tells"), "text is text");
    assert!(page.contains("Confidential answers worked out from the rest"));
    assert!(page.contains("Engagement_index is the only feature from confidential answers"));
    assert!(page.contains("Suspected") && !page.contains("not for clients"));
    assert!(page.len() < 100_000, "{} bytes", page.len());
}

#[tokio::test]
async fn a_feature_has_a_page_with_its_effect_and_confidential_ends_stay_hidden() {
    let console = Console::of(talked_about()).await;
    let version = talked_about().artifact().model_version().to_owned();
    let mut partner = console.partner().await;
    let page = partner.page(&format!("/model/{version}/feature?name=tenure_years")).await;
    assert!(page.contains("<svg") && page.contains("As a table"), "{page}");
    let page = partner.page(&format!("/model/{version}/feature?name=engagement_index")).await;
    assert!(page.contains("outermost values are left out"), "{page}");
    for path in
        [format!("/model/{version}/feature?name=nothing"), "/model/000000000000/feature?name=tenure_years".into()]
    {
        assert_eq!(partner.open(&path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn who_may_see_and_who_may_change() {
    let (console, _folder, [old, new]) = two_models().await;
    let roles = [
        ("hris", Role::Hris, true, false, false),
        ("partner", Role::HrPartner, true, true, false),
        ("manager", Role::Manager, false, false, false),
        ("analyst", Role::Analyst, true, true, true),
        ("auditor", Role::Auditor, true, true, false),
        ("admin", Role::Admin, true, true, true),
    ];
    for (name, role, sees, lists, changes) in roles {
        let scope = match role {
            Role::Manager => Scope::Reports { manager_id: "m-1".into() },
            _ => Scope::All,
        };
        let mut visitor = console.visitor(name, role, scope).await;
        let status = |yes: bool| if yes { StatusCode::OK } else { StatusCode::FORBIDDEN };
        assert_eq!(visitor.open("/model").await.status, status(sees), "{name}");
        assert_eq!(visitor.open(&format!("/model/{old}")).await.status, status(sees), "{name}");
        let listed = visitor.open("/model/versions").await;
        assert_eq!(listed.status, status(lists), "{name}");
        assert_eq!(listed.text.contains("start of the server"), lists, "{name}: who activated what");
        assert_eq!(listed.text.contains("/activate"), changes, "{name}");
        let asked = visitor.open(&format!("/model/{old}/activate")).await;
        assert_eq!(asked.status, status(changes), "{name}");
        if !changes {
            let etag = format!("1-{new}");
            let path = format!("/model/{old}/activate");
            assert_eq!(visitor.send(&path, &[("etag", &etag)]).await.status, StatusCode::FORBIDDEN, "{name}");
            assert_eq!(visitor.send("/model/roll-back", &[("etag", &etag)]).await.status, StatusCode::FORBIDDEN);
        }
    }
    let mut stranger = console.stranger();
    for path in ["/model", "/model/versions", "/model/roll-back"] {
        assert!(stranger.open(path).await.location.starts_with("/sign-in"), "{path}");
    }
}

#[tokio::test]
async fn a_model_is_activated_after_a_question_and_rolled_back() {
    let (console, _folder, [old, new]) = two_models().await;
    let mut analyst = console.visitor("analyst", Role::Analyst, Scope::All).await;
    let page = analyst.page("/model/versions").await;
    assert!(page.contains("refused:") && !page.contains("<i>cut"), "{page}");
    let path = format!("/model/{old}/activate");
    // Nobody who was not asked.
    let seen = analyst.send(&path, &[("purpose", "better")]).await;
    assert_eq!(seen.status, StatusCode::BAD_REQUEST);
    assert!(analyst.page("/model").await.contains(&format!("Model {new}")));
    let asked = analyst.page(&path).await;
    assert!(asked.contains(&format!("Then: {old}")) && asked.contains("31 December 2023"), "{asked}");
    let etag = etag(&mut analyst, &old).await;
    let seen = analyst.send(&path, &[("etag", &etag), ("purpose", "better")]).await;
    assert_eq!((seen.status, seen.location.as_str()), (StatusCode::SEE_OTHER, "/model?done=model-activated"));
    assert!(analyst.page(&seen.location).await.contains("The model is active"));
    let page = analyst.page("/model/versions").await;
    assert!(page.contains(">account:analyst<") || page.contains("analyst</td>"), "{page}");
    // Who was asked before that is told, and nothing changes.
    let seen = analyst.send("/model/roll-back", &[("etag", &etag)]).await;
    assert_eq!(seen.status, StatusCode::CONFLICT, "{}", seen.text);
    assert!(analyst.page("/model").await.contains(&format!("Model {old}")));
    let etag = analyst.open("/model/roll-back").await.value_after("name=\"etag\"");
    let seen = analyst.send("/model/roll-back", &[("etag", &etag)]).await;
    assert_eq!(seen.location, "/model?done=model-rolled-back");
    assert!(analyst.page("/model").await.contains(&format!("Model {new}")));
    let records = console.store.audit_page(0).await.unwrap();
    let why: Vec<&str> = records
        .iter()
        .filter(|record| record.draft.method == "flightrisk.v1.ModelService/ActivateModel")
        .map(|record| record.draft.purpose.as_str())
        .collect();
    assert_eq!(why, ["better"], "changing the model is in the audit log");
}

#[tokio::test]
async fn a_server_of_one_model_has_nothing_to_go_back_to() {
    let console = Console::of(native()).await;
    let mut admin = console.visitor("admin", Role::Admin, Scope::All).await;
    assert!(!admin.page("/model/versions").await.contains("/model/roll-back"));
    assert_ne!(admin.open("/model/roll-back").await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_came_of_the_scores_stands_beside_what_was_promised() {
    let console = Console::of(native()).await;
    let mut partner = console.partner().await;
    let page = partner.page("/model").await;
    assert!(page.contains("Not known yet"), "{page}");
    // Of 40 people with 30 % a year and more ago, 12 left.
    let scorer = native();
    let day = crate::clock::today().plus_days(-380);
    let scores: Vec<_> = (0..40)
        .map(|i| {
            let mut score = with_risk(&scorer, &format!("e-{i}"), 0.3, department("Sales"));
            score.as_of = day;
            score
        })
        .collect();
    record(&console.store, &scorer, &scores).await;
    let mut tx = console.store.db().begin().await.unwrap();
    for i in 0..12 {
        let sql = "INSERT INTO exits (employee_id, exit_day, exit_type, reported_at) VALUES ($1, $2, 1, $3)";
        let left = i64::from(day.plus_days(100).epoch_days());
        tx.execute(sql, params![format!("e-{i}"), left, now_micros()]).await.unwrap();
    }
    tx.commit().await.unwrap();
    let page = partner.page("/model").await.replace('\u{a0}', " ");
    assert!(page.contains("Of 40 scores whose whole time has passed it said 30 % on average, and 30 % left"), "{page}");
    assert!(page.contains("That fits what it promised") && page.contains("By what it said"));
}
