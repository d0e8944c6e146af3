//! Actions from the first promise to the outcome, as clients meet them: what the playbook gives, whose change counts, what is
//! carried out once, and who sees what.

use flight_risk_proto::v1;
use flight_risk_proto::v1::action_service_client::ActionServiceClient;
use prost::Message;
use tonic::metadata::MetadataValue;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use super::access::key_of;
use super::databases::each_store;
use super::fixture::{Served, native};
use super::risk::{department, record, scored, serve};
use crate::access::caller::{Role, Scope};
use crate::access::keys::NewKey;
use crate::clock::today;
use crate::config::ServerConfig;
use crate::store::{OrgFacts, Store};

async fn client(server: &Served) -> ActionServiceClient<Channel> {
    ActionServiceClient::new(server.channel().await)
}

/// Records a score of everybody named.
async fn employees(store: &Store, ids: &[&str]) {
    let scorer = native();
    let scores: Vec<_> = ids.iter().map(|id| scored(&scorer, id, [1.0, 2.0, 0.5], department("Sales"))).collect();
    record(store, &scorer, &scores).await;
}

fn new(employee_id: &str, title: &str, due_date: &str) -> v1::CreateActionRequest {
    let action = v1::Action {
        employee_id: employee_id.into(),
        title: title.into(),
        due_date: due_date.into(),
        ..Default::default()
    };
    v1::CreateActionRequest { action: Some(action), ..Default::default() }
}

/// Creates an action and gives it.
async fn created(client: &mut ActionServiceClient<Channel>, request: v1::CreateActionRequest) -> v1::Action {
    client.create_action(request).await.unwrap().into_inner().action.unwrap()
}

fn change(action: v1::Action, paths: &[&str]) -> v1::UpdateActionRequest {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    let update_mask = Some(prost_types::FieldMask { paths });
    v1::UpdateActionRequest { action: Some(action), update_mask, ..Default::default() }
}

fn complete(name: &str, outcome: v1::ActionOutcome, etag: &str) -> v1::CompleteActionRequest {
    v1::CompleteActionRequest { name: name.into(), outcome: outcome.into(), etag: etag.into(), ..Default::default() }
}

fn reason(status: &Status) -> (Code, String) {
    (status.code(), status.get_details_error_info().unwrap().reason)
}

fn fields(status: &Status) -> Vec<String> {
    let Some(problems) = status.get_details_bad_request() else { return Vec::new() };
    problems.field_violations.into_iter().map(|violation| violation.field).collect()
}

#[tokio::test]
async fn the_life_of_an_action() {
    each_store(async |store| {
        employees(&store, &["e-1"]).await;
        let server = serve(&store).await;
        let mut client = client(&server).await;
        let playbook =
            client.list_playbook_entries(v1::ListPlaybookEntriesRequest::default()).await.unwrap().into_inner();
        let entry = playbook.entries.iter().find(|entry| entry.playbook_id == "regular-one-on-ones").unwrap();
        assert_eq!(entry.owner(), v1::ActionOwner::Manager);
        assert!(entry.features.contains(&"days_since_one_on_one".to_owned()));

        // The entry gives title and time.
        let mut request = new("e-1", "", "");
        request.action.as_mut().unwrap().playbook_id = entry.playbook_id.clone();
        let action = created(&mut client, request).await;
        assert_eq!(action.title, entry.title);
        let due = today().plus_days(i32::try_from(entry.within_days).unwrap());
        assert_eq!(action.due_date, due.to_string());
        assert_eq!((action.state(), action.outcome()), (v1::ActionState::Open, v1::ActionOutcome::Unspecified));
        assert!(action.name.starts_with("actions/") && !action.etag.is_empty() && !action.creator.is_empty());
        assert!(action.create_time.is_some() && action.create_time == action.update_time);
        let get = v1::GetActionRequest { name: action.name.clone(), ..Default::default() };
        assert_eq!(client.get_action(get.clone()).await.unwrap().into_inner().action, Some(action.clone()));

        // Only what the mask names is changed.
        let asked = v1::Action {
            title: "not this".into(),
            assignee: "lead-7".into(),
            due_date: "2020-02-29".into(),
            state: v1::ActionState::InProgress.into(),
            ..action.clone()
        };
        let changed = client.update_action(change(asked, &["assignee", "state", "due_date"])).await.unwrap();
        let changed = changed.into_inner().action.unwrap();
        assert_eq!((changed.title.as_str(), changed.assignee.as_str()), (entry.title.as_str(), "lead-7"));
        assert_eq!((changed.due_date.as_str(), changed.state()), ("2020-02-29", v1::ActionState::InProgress));
        assert!(changed.etag != action.etag && changed.create_time == action.create_time);

        // It is overdue, and one to be reminded of.
        let due = v1::ListDueActionsRequest { assignee: "lead-7".into(), ..Default::default() };
        assert_eq!(
            client.list_due_actions(due.clone()).await.unwrap().into_inner().actions,
            std::slice::from_ref(&changed)
        );
        let others = v1::ListDueActionsRequest { assignee: "lead-8".into(), ..due.clone() };
        assert_eq!(client.list_due_actions(others).await.unwrap().into_inner().actions, []);
        let early = v1::ListDueActionsRequest { due_by: "2020-02-28".into(), ..due.clone() };
        assert_eq!(client.list_due_actions(early).await.unwrap().into_inner().actions, []);

        // The old etag is no longer good, that of the change is.
        let late = client.complete_action(complete(&action.name, v1::ActionOutcome::Helped, &action.etag)).await;
        assert_eq!(reason(&late.unwrap_err()), (Code::Aborted, "ETAG_MISMATCH".to_owned()));
        let mut request = complete(&action.name, v1::ActionOutcome::Helped, &changed.etag);
        request.note = "every second Tuesday".into();
        let done = client.complete_action(request).await.unwrap().into_inner().action.unwrap();
        assert_eq!((done.state(), done.outcome()), (v1::ActionState::Completed, v1::ActionOutcome::Helped));
        assert!(done.complete_time.is_some() && done.note == "every second Tuesday");
        assert_eq!(client.list_due_actions(due).await.unwrap().into_inner().actions, []);

        // What is closed stays as it is.
        let again = client.complete_action(complete(&done.name, v1::ActionOutcome::Declined, "")).await.unwrap_err();
        assert_eq!(reason(&again), (Code::FailedPrecondition, "ACTION_CLOSED".to_owned()));
        let reopened = v1::Action { state: v1::ActionState::Open.into(), etag: String::new(), ..done.clone() };
        let reopened = client.update_action(change(reopened, &["state"])).await.unwrap_err();
        assert_eq!(reason(&reopened), (Code::FailedPrecondition, "ACTION_CLOSED".to_owned()));
        assert_eq!(client.get_action(get).await.unwrap().into_inner().action, Some(done));
    })
    .await;
}

#[tokio::test]
async fn of_two_changes_of_the_same_state_one_is_kept() {
    each_store(async |store| {
        employees(&store, &["e-1"]).await;
        let server = serve(&store).await;
        let mut client = client(&server).await;
        for _ in 0..10 {
            let action = created(&mut client, new("e-1", "Talk", "2030-01-01")).await;
            let race = |assignee: &'static str| {
                let (mut client, action) = (client.clone(), v1::Action { assignee: assignee.into(), ..action.clone() });
                tokio::spawn(async move { client.update_action(change(action, &["assignee"])).await })
            };
            let (one, other) = (race("one"), race("other"));
            let (one, other) = (one.await.unwrap(), other.await.unwrap());
            let (kept, refused) = match (one, other) {
                (Ok(kept), Err(refused)) | (Err(refused), Ok(kept)) => (kept.into_inner().action.unwrap(), refused),
                both => panic!("{both:?}"),
            };
            assert_eq!(reason(&refused), (Code::Aborted, "ETAG_MISMATCH".to_owned()));
            let get = v1::GetActionRequest { name: action.name, ..Default::default() };
            assert_eq!(client.get_action(get).await.unwrap().into_inner().action, Some(kept.clone()));
            // Without an etag the change is made to whatever it is now.
            let blind = v1::Action { etag: String::new(), title: "Listen".into(), ..kept.clone() };
            let blind = client.update_action(change(blind, &["title"])).await.unwrap().into_inner().action.unwrap();
            assert_eq!((blind.title.as_str(), blind.assignee), ("Listen", kept.assignee));
        }
    })
    .await;
}

#[tokio::test]
async fn the_same_request_is_carried_out_once_and_answered_alike() {
    each_store(async |store| {
        employees(&store, &["e-1"]).await;
        let server = serve(&store).await;
        let mut client = client(&server).await;
        let request = v1::CreateActionRequest { request_id: "r-1".into(), ..new("e-1", "Talk", "2030-01-01") };
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let (mut client, request) = (client.clone(), request.clone());
                tokio::spawn(async move { client.create_action(request).await.unwrap().into_inner().encode_to_vec() })
            })
            .collect();
        let mut answers = Vec::new();
        for task in tasks {
            answers.push(task.await.unwrap());
        }
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
        let other = v1::CreateActionRequest { request_id: "r-1".into(), ..new("e-1", "Listen", "2030-01-01") };
        let other = client.create_action(other).await.unwrap_err();
        assert_eq!(reason(&other), (Code::AlreadyExists, "REQUEST_ID_REUSED".to_owned()));
        let all = client.list_actions(v1::ListActionsRequest::default()).await.unwrap().into_inner().actions;
        assert_eq!(all.len(), 1);

        // A change sent again is answered as it was, although its etag is an old one by then; so is a completion.
        let action = v1::Action { assignee: "lead-7".into(), ..all[0].clone() };
        let update = v1::UpdateActionRequest { request_id: "r-1".into(), ..change(action, &["assignee"]) };
        let first = client.update_action(update.clone()).await.unwrap().into_inner();
        assert_eq!(client.update_action(update).await.unwrap().into_inner(), first);
        let etag = &first.action.as_ref().unwrap().etag;
        let done = complete(&all[0].name, v1::ActionOutcome::NotNeeded, etag);
        let done = v1::CompleteActionRequest { request_id: "r-2".into(), ..done };
        let first = client.complete_action(done.clone()).await.unwrap().into_inner();
        assert_eq!(client.complete_action(done).await.unwrap().into_inner(), first);
        // Without an identifier nothing is the same request.
        created(&mut client, new("e-1", "Talk", "2030-01-01")).await;
        created(&mut client, new("e-1", "Talk", "2030-01-01")).await;
        let all = client.list_actions(v1::ListActionsRequest::default()).await.unwrap().into_inner().actions;
        assert_eq!(all.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_at_once() {
    each_store(async |store| {
        employees(&store, &["e-1"]).await;
        let server = serve(&store).await;
        let mut client = client(&server).await;
        let action = created(&mut client, new("e-1", "Talk", "2030-01-01")).await;
        let long = |length| "x".repeat(length);
        for (request, expected) in [
            (v1::CreateActionRequest::default(), vec!["action.employee_id", "action.title", "action.due_date"]),
            (new("e-1", " ", "tomorrow"), vec!["action.title", "action.due_date"]),
            (new(&long(257), &long(257), "2030-01-01"), vec!["action.employee_id", "action.title"]),
            (v1::CreateActionRequest { request_id: long(257), ..new("e-1", "Talk", "2030-01-01") }, vec!["request_id"]),
            (
                {
                    let mut request = new("e-1", "", "");
                    request.action.as_mut().unwrap().playbook_id = "no-such-entry".into();
                    request
                },
                vec!["action.playbook_id"],
            ),
            (
                {
                    let mut request = new("e-1", "Talk", "2030-01-01");
                    request.action.as_mut().unwrap().note = long(4_001);
                    request.action.as_mut().unwrap().assignee = "\0".into();
                    request
                },
                vec!["action.assignee", "action.note"],
            ),
        ] {
            let status = client.create_action(request).await.unwrap_err();
            assert_eq!(
                (status.code(), fields(&status)),
                (Code::InvalidArgument, expected.into_iter().map(String::from).collect())
            );
        }
        let named = |name: &str| v1::Action { name: name.into(), ..action.clone() };
        for (request, expected) in [
            (change(action.clone(), &[]), vec!["update_mask"]),
            (change(action.clone(), &["employee_id"]), vec!["update_mask"]),
            (change(action.clone(), &["*"]), vec!["update_mask"]),
            (change(action.clone(), &["title", "nonsense"]), vec!["update_mask"]),
            (change(v1::Action { title: String::new(), ..action.clone() }, &["title"]), vec!["action.title"]),
            (change(v1::Action { due_date: String::new(), ..action.clone() }, &["due_date"]), vec!["action.due_date"]),
            (
                change(v1::Action { state: v1::ActionState::Completed.into(), ..action.clone() }, &["state"]),
                vec!["action.state"],
            ),
            (change(v1::Action { state: 99, ..action.clone() }, &["state"]), vec!["action.state"]),
            (change(named(""), &["title"]), vec!["action.name"]),
            (change(named("actions/../1"), &["title"]), vec!["action.name"]),
        ] {
            let status = client.update_action(request.clone()).await.unwrap_err();
            assert_eq!(
                (status.code(), fields(&status)),
                (Code::InvalidArgument, expected.into_iter().map(String::from).collect()),
                "{request:?}"
            );
        }
        let status = client.complete_action(complete("", v1::ActionOutcome::Unspecified, "")).await.unwrap_err();
        assert_eq!(fields(&status), ["name", "outcome"]);
        for filter in ["note = x", "state = DONE", "state != OPEN", "assignee"] {
            let request = v1::ListActionsRequest { filter: filter.into(), ..Default::default() };
            assert_eq!(fields(&client.list_actions(request).await.unwrap_err()), ["filter"], "{filter}");
        }
        let request = v1::ListDueActionsRequest { due_by: "soon".into(), page_size: -1, ..Default::default() };
        assert_eq!(fields(&client.list_due_actions(request).await.unwrap_err()), ["due_by", "page_size"]);

        // Nobody of whom no score is recorded, and no action that is not there.
        let status = client.create_action(new("e-2", "Talk", "2030-01-01")).await.unwrap_err();
        assert_eq!(reason(&status), (Code::NotFound, "EMPLOYEE_NOT_FOUND".to_owned()));
        let get = v1::GetActionRequest { name: "actions/9999999999".into(), ..Default::default() };
        let status = client.get_action(get).await.unwrap_err();
        assert_eq!(reason(&status), (Code::NotFound, "ACTION_NOT_FOUND".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn pages_show_every_action_once_what_is_due_next_first() {
    each_store(async |store| {
        employees(&store, &["e-1", "e-2"]).await;
        let server = serve(&store).await;
        let mut client = client(&server).await;
        // Two that are closed come last although they were due first.
        let days = ["2030-03-01", "2030-01-01", "2030-02-01", "2030-01-01", "2020-01-01", "2020-01-02", "2031-01-01"];
        for (index, day) in days.iter().enumerate() {
            let action = created(&mut client, new(["e-1", "e-2"][index % 2], &index.to_string(), day)).await;
            if index == 4 {
                client.complete_action(complete(&action.name, v1::ActionOutcome::Helped, "")).await.unwrap();
            }
            if index == 5 {
                let cancelled = v1::Action { state: v1::ActionState::Cancelled.into(), ..action };
                client.update_action(change(cancelled, &["state"])).await.unwrap();
            }
        }
        for (filter, expected) in [
            ("", "1 3 2 0 6 4 5"),
            ("employee_id = e-2", "1 3 5"),
            ("state = OPEN", "1 3 2 0 6"),
            ("state = COMPLETED", "4"),
            ("employee_id = e-1 AND state = OPEN", "2 0 6"),
            ("assignee = nobody", ""),
        ] {
            for page_size in [1, 3, 0] {
                let (mut seen, mut token) = (Vec::new(), String::new());
                loop {
                    let request = v1::ListActionsRequest {
                        page_size,
                        page_token: token,
                        filter: filter.into(),
                        ..Default::default()
                    };
                    let page = client.list_actions(request).await.unwrap().into_inner();
                    assert!(page_size == 0 || page.actions.len() <= page_size as usize);
                    seen.extend(page.actions.into_iter().map(|action| action.title));
                    token = page.next_page_token;
                    if token.is_empty() {
                        break;
                    }
                }
                assert_eq!(seen.join(" "), expected, "{filter} {page_size}");
            }
        }
        // A token is good for the list for which it was made.
        let request = v1::ListActionsRequest { page_size: 1, ..Default::default() };
        let page_token = client.list_actions(request).await.unwrap().into_inner().next_page_token;
        let request = v1::ListActionsRequest { page_token, filter: "state = OPEN".into(), ..Default::default() };
        assert_eq!(fields(&client.list_actions(request).await.unwrap_err()), ["page_token"]);
    })
    .await;
}

#[tokio::test]
async fn long_notes_make_pages_shorter_not_messages_too_large() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store.db").to_str().unwrap()).await.unwrap();
    employees(&store, &["e-1"]).await;
    let server = serve(&store).await;
    let mut client = client(&server).await;
    let mut request = new("e-1", &"t".repeat(256), "2030-01-01");
    request.action.as_mut().unwrap().note = "n".repeat(4_000);
    for _ in 0..1_000 {
        created(&mut client, request.clone()).await;
    }
    let (mut seen, mut page_token, mut pages) = (0, String::new(), 0);
    loop {
        let request = v1::ListActionsRequest { page_size: 1_000, page_token, ..Default::default() };
        let page = client.list_actions(request).await.unwrap().into_inner();
        (seen, pages) = (seen + page.actions.len(), pages + 1);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!((seen, pages), (1_000, 2));
}

type WithKey =
    ActionServiceClient<InterceptedService<Channel, Box<dyn FnMut(Request<()>) -> Result<Request<()>, Status>>>>;

async fn with_key(server: &Served, token: &str) -> WithKey {
    let value: MetadataValue<_> = format!("Bearer {token}").parse().unwrap();
    ActionServiceClient::with_interceptor(
        server.channel().await,
        Box::new(move |mut request: Request<()>| {
            request.metadata_mut().insert("authorization", value.clone());
            Ok(request)
        }),
    )
}

#[tokio::test]
async fn who_may_see_some_sees_their_actions_only_and_learns_nothing_of_others() {
    each_store(async |store| {
        let scorer = native();
        let under = |manager: &str| OrgFacts { manager_id: Some(manager.into()), ..department("Sales") };
        let scores = [("mine", "m-1"), ("theirs", "m-2"), ("left", "m-1")]
            .map(|(employee, manager)| scored(&scorer, employee, [1.0, 2.0, 0.5], under(manager)));
        record(&store, &scorer, &scores).await;
        let manager = store.create_key(&key_of(Role::Manager)).await.unwrap();
        let partner = store.create_key(&key_of(Role::HrPartner)).await.unwrap();
        let elsewhere = NewKey {
            name: "elsewhere".into(),
            scope: Scope::Units { departments: vec!["Legal".into()], locations: Vec::new() },
            ..key_of(Role::HrPartner)
        };
        let elsewhere = store.create_key(&elsewhere).await.unwrap();
        let server = Served::start_on(store.clone(), native(), ServerConfig::default()).await;
        let mut partner = with_key(&server, &partner.token).await;
        let mut names = Vec::new();
        for employee in ["mine", "theirs", "left"] {
            let reply = partner.create_action(new(employee, "Talk", "2020-01-01")).await.unwrap();
            names.push(reply.into_inner().action.unwrap().name);
        }
        let exit = v1::ReportExitRequest {
            employee: "employees/left".into(),
            exit_date: "2024-12-31".into(),
            exit_type: v1::ExitType::Other.into(),
            ..Default::default()
        };
        partner.report_exit(exit.clone()).await.unwrap();

        // Reports who left stay reports, as far as what was done for them is concerned.
        let mut manager = with_key(&server, &manager.token).await;
        let mut elsewhere = with_key(&server, &elsewhere.token).await;
        let seen = |page: v1::ListActionsResponse| {
            page.actions.into_iter().map(|action| action.employee_id).collect::<Vec<_>>().join(" ")
        };
        let list = v1::ListActionsRequest::default();
        assert_eq!(seen(manager.list_actions(list.clone()).await.unwrap().into_inner()), "mine left");
        assert_eq!(seen(elsewhere.list_actions(list.clone()).await.unwrap().into_inner()), "");
        assert_eq!(seen(partner.list_actions(list).await.unwrap().into_inner()), "mine theirs left");
        let due = manager.list_due_actions(v1::ListDueActionsRequest::default()).await.unwrap().into_inner();
        assert_eq!(due.actions.len(), 2);
        let get = |name: &str| v1::GetActionRequest { name: name.into(), ..Default::default() };
        assert!(manager.get_action(get(&names[0])).await.is_ok());

        // Outside the scope and not there at all are answered alike, to the last byte.
        let whole = |status: Status| (status.code(), status.message().to_owned(), status.details().to_vec());
        let there = [names[1].as_str(), "theirs"];
        let nowhere = ["actions/9999999999", "nobody"];
        let mut answers = Vec::new();
        for [name, employee] in [there, nowhere] {
            let mut of_one = Vec::new();
            let action = v1::Action { name: name.into(), title: "Listen".into(), ..Default::default() };
            of_one.push(whole(manager.get_action(get(name)).await.unwrap_err()));
            of_one.push(whole(manager.update_action(change(action, &["title"])).await.unwrap_err()));
            of_one.push(whole(
                manager.complete_action(complete(name, v1::ActionOutcome::Helped, "r9")).await.unwrap_err(),
            ));
            of_one.push(whole(manager.create_action(new(employee, "Talk", "2030-01-01")).await.unwrap_err()));
            let exit = v1::ReportExitRequest { employee: format!("employees/{employee}"), ..exit.clone() };
            of_one.push(whole(elsewhere.report_exit(exit).await.unwrap_err()));
            answers.push(of_one);
        }
        assert_eq!(answers[0], answers[1]);
        assert!(answers[0].iter().all(|(code, _, _)| *code == Code::PermissionDenied));
        // Nothing of it was carried out.
        let untouched = partner.get_action(get(&names[1])).await.unwrap().into_inner().action.unwrap();
        assert_eq!((untouched.title.as_str(), untouched.state()), ("Talk", v1::ActionState::Open));
        assert_eq!(reason(&manager.report_exit(exit).await.unwrap_err()).1, "NOT_PERMITTED");
        // For somebody who left, nothing new is begun.
        let late = partner.create_action(new("left", "Talk", "2030-01-01")).await.unwrap_err();
        assert_eq!(reason(&late), (Code::NotFound, "EMPLOYEE_NOT_FOUND".to_owned()));
        let late = manager.create_action(new("left", "Talk", "2030-01-01")).await.unwrap_err();
        assert_eq!(reason(&late).1, "NOT_PERMITTED");
    })
    .await;
}
