//! The rights of the people whom the scores are about: to learn everything that is held, and to have it erased to the last byte.

use std::path::{Path, PathBuf};

use flight_risk_proto::v1;
use flight_risk_scoring::Scorer;
use tonic::Code;
use tonic_types::StatusExt;

use super::databases::{each_store, each_url};
use super::fixture::{Served, native, open_config, talkative};
use crate::access::caller::{Role, Scope};
use crate::access::keys::NewKey;
use crate::access::password::PasswordHash;
use crate::access::users::NewUser;
use crate::clock::now_micros;
use crate::store::actions::{self, ActionState, StoredAction};
use crate::store::db::{Db, params};
use crate::store::requests::{Begun, RequestKey};
use crate::store::{NewScore, OrgFacts, Store, Telling};

/// Who is exported and erased; no part of any other text here.
const WHO: &str = "employee-4711-x";
/// What people call them.
const NAME: &str = "Surname-4711, Given";

fn score(scorer: &Scorer, employee_id: &str, as_of: &str, values: [f64; 3], manager_id: Option<&str>) -> NewScore {
    let row = scorer.schema().packed_row(values.to_vec()).unwrap();
    NewScore {
        employee_id: employee_id.into(),
        as_of: as_of.parse().unwrap(),
        scored_at: now_micros(),
        assessment: scorer.score(&row),
        row,
        org: OrgFacts {
            department: Some("Sales".into()),
            manager_id: manager_id.map(str::to_owned),
            display_name: Some(if employee_id == WHO { NAME.to_owned() } else { format!("Other, {employee_id}") }),
            ..OrgFacts::default()
        },
    }
}

fn action(employee_id: &str, title: &str, note: &str, assignee: &str, creator: &str) -> StoredAction {
    StoredAction {
        id: String::new(),
        employee_id: employee_id.into(),
        playbook_id: String::new(),
        title: title.into(),
        assignee: assignee.into(),
        due_day: "2024-08-01".parse().unwrap(),
        state: ActionState::InProgress,
        outcome: None,
        note: note.into(),
        creator: creator.into(),
        created_at: now_micros(),
        updated_at: now_micros(),
        completed_at: None,
        revision: 1,
    }
}

async fn add(store: &Store, mut action: StoredAction) -> String {
    let mut tx = store.db().begin().await.unwrap();
    actions::add(&mut tx, &mut action).await.unwrap();
    tx.commit().await.unwrap();
    action.id
}

async fn answer(store: &Store, request_id: &str, employee_id: Option<&str>, response: &str) {
    let key = RequestKey {
        caller: "key:hr".into(),
        method: "Service/Write",
        request_id: request_id.into(),
        digest: [0; 32],
        employee_id: employee_id.map(str::to_owned),
    };
    let Begun::New(write) = store.begin_once(key).await.unwrap() else { panic!("not new") };
    write.finish(response.as_bytes()).await.unwrap();
}

/// Everything that can be held about somebody, twice over and changed since, and the same of others.
async fn fill(store: &Store) {
    let (scorer, other) = (native(), talkative());
    let telling = Telling { material_change: 0.0, cool_down: 0 };
    for round in 0..3_u32 {
        let as_of = format!("2024-0{}-01", round + 1);
        // Others before and after, so that pages are split and joined around the one.
        let crowd: Vec<NewScore> = (0..1_500)
            .map(|i| {
                let manager = if i % 5 == 0 { Some(WHO) } else { Some("m-1") };
                score(&scorer, &format!("employee-{}-y", 4_000 + i), &as_of, [f64::from(i % 30), 2.0, 0.5], manager)
            })
            .collect();
        store.record_scores(&scorer, &crowd, telling).await.unwrap();
        let one = score(&other, WHO, &as_of, [3.0, f64::from(round) * 3.0, 0.777], Some("m-1"));
        store.record_scores(&other, &[one], telling).await.unwrap();
    }
    add(store, action(WHO, "Stay talk", "she wants to learn *more*", "m-1", "key:hr")).await;
    add(store, action("employee-4001-y", "Talk", &format!("ask {WHO}, that is {NAME}, about it"), WHO, WHO)).await;
    add(store, action("employee-4002-y", "Talk", &format!("not {WHO}z"), "m-1", "key:hr")).await;
    answer(store, "r-1", Some(WHO), "about her").await;
    answer(store, "r-2", Some("employee-4001-y"), &format!("assigned to {WHO}")).await;
    answer(store, &format!("exit-{WHO}"), None, "").await;
    answer(store, "r-3", Some("employee-4001-y"), "about somebody else").await;
    let key = NewKey {
        name: format!("of {WHO}"),
        role: Role::Manager,
        scope: Scope::Reports { manager_id: WHO.into() },
        purpose: None,
        expires_at: None,
    };
    store.create_key(&key).await.unwrap();
    let user = NewUser { name: "lead".into(), role: key.role, scope: key.scope };
    store.create_user(&user, &PasswordHash::nobodys()).await.unwrap();
    let mut tx = store.db().begin().await.unwrap();
    let sql = "INSERT INTO exits (employee_id, exit_day, exit_type, reported_at) VALUES ($1, 19900, 1, $2)";
    tx.execute(sql, params![WHO, now_micros()]).await.unwrap();
    tx.commit().await.unwrap();
    // Deleting in between leaves gaps in the pages, into which others are moved.
    let mut tx = store.db().begin().await.unwrap();
    for table in ["changes", "told"] {
        let sql = format!("DELETE FROM {table} WHERE employee_id LIKE 'employee-4_0%'");
        tx.execute(&sql, Vec::new()).await.unwrap();
    }
    tx.commit().await.unwrap();
}

fn erase(name: &str) -> v1::EraseEmployeeRequest {
    v1::EraseEmployeeRequest { name: name.into(), purpose: format!("asked by {WHO}") }
}

fn export(name: &str) -> v1::ExportEmployeeRequest {
    v1::ExportEmployeeRequest { name: name.into(), purpose: format!("asked by {WHO}") }
}

fn name() -> String {
    format!("employees/{WHO}")
}

#[tokio::test]
async fn everything_held_is_given_out_but_for_what_was_answered_in_confidence() {
    each_store(async |store| {
        fill(&store).await;
        let server = Served::start_on(store, native(), open_config()).await;
        let mut client = server.privacy().await;
        client.export_employee(export(&name())).await.unwrap();
        let reply = client.export_employee(export(&name())).await.unwrap().into_inner();
        let json: serde_json::Value = serde_json::from_str(&reply.json).unwrap();
        assert_eq!(json["scores"].as_array().unwrap().len(), 3);
        let latest = &json["scores"][0];
        assert_eq!((latest["facts_known_on"].as_str(), latest["in_force"].as_bool()), (Some("2024-03-01"), Some(true)));
        assert_eq!(latest["facts"]["one_on_ones_90d_count"].as_f64(), Some(6.0));
        assert!(latest["contributions_log_odds"]["one_on_ones_90d_count"].as_f64().unwrap() < 0.0);
        assert_eq!(latest["organisation"]["manager_id"].as_str(), Some("m-1"));
        assert!(latest["facts"]["engagement_index"].as_str().unwrap().contains("not given out"));
        assert!(latest["contributions_log_odds"].get("engagement_index").is_none());
        assert!(!reply.json.contains("0.777") && !reply.text.contains("78 %") && !reply.text.contains("0.777"));
        assert!(!json["changes_told"].as_array().unwrap().is_empty());
        assert_eq!(json["actions"][0]["note"].as_str(), Some("she wants to learn *more*"));
        assert_eq!(json["exit"]["type"].as_str(), Some("voluntary"));
        assert_eq!(json["answers_kept_for_a_day"].as_array().unwrap().len(), 1);
        assert_eq!(json["named_in_what_is_held_about_others"]["scores_of_own_reports"].as_u64(), Some(900));
        assert_eq!(json["named_in_what_is_held_about_others"]["actions_to_carry_out"].as_u64(), Some(1));
        for said in [
            "one-on-ones in 90 days: 6; lowers the estimate",
            "survey answers given in confidence (engagement)",
            "Stay talk",
            "she wants to learn \\*more\\*",
            "last day 2024-06-26, voluntary",
            "ExportEmployee",
            "department Sales",
        ] {
            assert!(reply.text.contains(said), "{said} is missing in\n{}", reply.text);
        }
        // The first export is among those who looked; the purpose is kept without the name.
        assert_eq!(reply.accesses.len(), 1);
        let access = &reply.accesses[0];
        assert!(access.allowed && access.method.ends_with("ExportEmployee"), "{access:?}");
        assert!(access.purpose.starts_with("asked by") && !access.purpose.contains(WHO), "{access:?}");
    })
    .await;
}

#[tokio::test]
async fn of_scores_replaced_long_ago_the_numbers_are_given_out() {
    each_store(async |store| {
        let scorer = native();
        for as_of in ["2024-06-01", "2024-07-01"] {
            let score = score(&scorer, WHO, as_of, [3.0, 6.0, 0.5], Some("m-1"));
            store.record_scores(&scorer, &[score], Telling::default()).await.unwrap();
        }
        let year = 365 * crate::clock::MICROS_PER_DAY;
        assert_eq!(store.thin_details(now_micros() + year, 90).await.unwrap(), 1);
        let server = Served::start_on(store, scorer, open_config()).await;
        let reply = server.privacy().await.export_employee(export(&name())).await.unwrap().into_inner();
        let json: serde_json::Value = serde_json::from_str(&reply.json).unwrap();
        let scores = json["scores"].as_array().unwrap();
        for (score, kept) in scores.iter().zip([true, false]) {
            assert_eq!(score["facts_kept"].as_bool(), Some(kept));
            assert_eq!(score["facts"].as_object().unwrap().is_empty(), !kept);
            assert_eq!(score["horizons"].as_array().unwrap().is_empty(), !kept);
            assert!(score["risk"].as_f64().is_some() && score["organisation"]["manager_id"] == "m-1");
        }
        assert_eq!(scores.len(), 2);
        assert!(
            reply.text.contains("from what was known on 2024-06-01")
                && reply.text.contains(&format!("the name {NAME}"))
        );
    })
    .await;
}

/// The files of a SQLite store in which a text is.
fn files_with(store: &Path, text: &str) -> Vec<PathBuf> {
    let folder = store.parent().unwrap();
    let mut found = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        if bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
            found.push(path);
        }
    }
    found
}

#[tokio::test]
async fn after_an_erasure_nothing_is_found_and_the_identifier_is_in_no_file() {
    each_url(async |url| {
        let store = Store::open(url).await.unwrap();
        fill(&store).await;
        // Not the one to be erased, but with the same beginning.
        let longer = format!("{WHO}z");
        let server = Served::start_on(store.clone(), native(), open_config()).await;
        let mut client = server.privacy().await;
        let erased = client.erase_employee(erase(&name())).await.unwrap().into_inner();
        assert_eq!((erased.scores, erased.actions, erased.kept_in_audit), (3, 1, 0));
        // 900 reports, an assignee, a creator, a note, a name of a key and the key, three answers, an exit, changes and told.
        assert!(erased.others > 900 + 8, "{erased:?}");
        let count = async |sql: &str| store.db().first(sql, Vec::new()).await.unwrap().unwrap().count(0).unwrap();
        assert_eq!(count("SELECT COUNT(*) FROM scores").await, 4_500);
        assert_eq!(count("SELECT COUNT(*) FROM score_details").await, 4_500);
        assert_eq!(count("SELECT COUNT(*) FROM requests").await, 1);
        assert_eq!(count("SELECT COUNT(*) FROM api_keys").await, 0);
        assert_eq!(count("SELECT COUNT(*) FROM scores WHERE manager_id = 'm-1'").await, 3_600);
        let notes = store.db().query("SELECT note, assignee, creator, revision FROM actions ORDER BY id", Vec::new());
        let notes = notes.await.unwrap();
        let row = &notes[0];
        assert_eq!(
            (row.text(0).unwrap(), row.text(1).unwrap(), row.text(2).unwrap()),
            ("ask [erased], that is [erased], about it".into(), String::new(), "[erased]".into())
        );
        assert!(row.int(3).unwrap() > 1, "who read the action before must read it again");
        assert_eq!(notes[1].text(0).unwrap(), format!("not {longer}"));
        let status = client.export_employee(export(&name())).await.unwrap_err();
        assert_eq!(
            (status.code(), status.get_details_error_info().unwrap().reason),
            (Code::NotFound, "EMPLOYEE_NOT_FOUND".into())
        );
        if let Db::Sqlite { path, .. } = store.db() {
            assert_eq!(files_with(path, WHO), std::slice::from_ref(path), "only in the note about somebody else");
            let mut tx = store.db().begin().await.unwrap();
            tx.execute("UPDATE actions SET note = ''", Vec::new()).await.unwrap();
            tx.commit().await.unwrap();
        }
        // Once more is no error, and cleans what was left.
        let again = client.erase_employee(erase(&name())).await.unwrap().into_inner();
        assert_eq!((again.scores, again.actions, again.others), (0, 0, 0));
        if let Db::Sqlite { path, .. } = store.db() {
            for text in [WHO, NAME, &NAME.to_lowercase()] {
                assert_eq!(files_with(path, text), Vec::<PathBuf>::new(), "{text}");
            }
            assert_eq!(files_with(path, "employee-4001-y"), std::slice::from_ref(path), "the others are still there");
        }
    })
    .await;
}

#[tokio::test]
async fn what_secure_deletion_leaves_in_gaps_is_found_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = Store::open(path.to_str().unwrap()).await.unwrap();
    let scorer = native();
    // One after the other in an order that splits pages again and again.
    for i in 0..1_200_u32 {
        let who = if i == 600 { WHO.to_owned() } else { format!("employee-{}", (i * 7_919) % 9_973) };
        let score = score(&scorer, &who, "2024-06-30", [1.0, 2.0, 0.5], Some(if i % 3 == 0 { WHO } else { "m-1" }));
        store.record_scores(&scorer, &[score], Telling::default()).await.unwrap();
    }
    assert!(!files_with(&path, WHO).is_empty());
    let erased = store.erase(WHO).await.unwrap();
    assert_eq!((erased.scores, erased.others), (1, 401));
    // Somebody reads meanwhile: the log can be cut off only afterwards.
    let (reader, trace) = (store.clone(), store.clone());
    let reading = tokio::spawn(async move {
        for _ in 0..50 {
            reader.db().query("SELECT * FROM scores", Vec::new()).await.unwrap();
        }
    });
    trace.erase_traces(&[WHO.to_owned()]).await.unwrap();
    assert_eq!(files_with(&path, WHO), Vec::<PathBuf>::new());
    reading.await.unwrap();
    let again = Store::open(path.to_str().unwrap()).await.unwrap();
    assert_eq!(again.score_history("employee-0").await.unwrap().len(), 1);
    store.close().await;
}

#[tokio::test]
async fn names_of_another_form_and_people_of_whom_nothing_is_held() {
    let server = Served::start(native()).await;
    let mut client = server.privacy().await;
    for name in ["", "employees/", "employees/ ", "e-1", "actions/1"] {
        let status = client.erase_employee(erase(name)).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{name}");
        assert_eq!(client.export_employee(export(name)).await.unwrap_err().code(), Code::InvalidArgument, "{name}");
    }
    assert_eq!(client.export_employee(export(&name())).await.unwrap_err().code(), Code::NotFound);
    let erased = client.erase_employee(erase(&name())).await.unwrap().into_inner();
    assert_eq!((erased.scores, erased.actions, erased.others), (0, 0, 0));
}
