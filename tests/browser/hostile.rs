//! Hostile text in every field that takes one: it shows as text, on every page, and nothing runs.
//!
//! The pages' own policy would keep most of it from running, so it is switched off here: what is tested is that no page lets a
//! text become anything else in the first place.

use std::collections::BTreeSet;

use flight_risk_proto::v1;
use flight_risk_proto::v1::action_service_client::ActionServiceClient;
use flight_risk_proto::v1::scoring_service_client::ScoringServiceClient;
use serde_json::{Value, json};
use tonic::Request;

use crate::browser::Browser;
use crate::company::{Account, Console, create_account, sign_in, sign_in_as, state_purpose};
use crate::payloads::{COUNT, payloads};
use crate::support::{ClientCompany, flight_risk, sample_company};

/// Everything that a page of ours is made of, and the attributes; anything else came out of a text. Given many addresses, reads
/// each page as a browser would and tells what is foreign in it, and which of the texts expected on it are missing.
const READ: &str = r#"
const [wanted, done] = [arguments[0], arguments[arguments.length - 1]];
const forbidden = 'script,iframe,object,embed,base,style,math,template,xss,marquee,audio,video,image,plaintext,body *[onload],link:not([rel=stylesheet]),img,animate,noscript,foreignObject,use,[style],[srcdoc],[formaction],a[href^="javascript:" i],a[href^="data:" i],a[href^="//"],a[href^="http"],form[action^="javascript:" i],form[action^="//"]';
const read = async ([path, texts]) => {
  const answer = await fetch(path);
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const problems = [];
  if (answer.status !== 200) problems.push('status ' + answer.status);
  for (const element of page.querySelectorAll(forbidden)) problems.push(element.outerHTML.slice(0, 200));
  for (const element of page.querySelectorAll('*'))
    for (const attribute of element.attributes)
      if (/^on|[^a-z0-9:_-]/i.test(attribute.name)) problems.push(attribute.name + ' in ' + element.outerHTML.slice(0, 200));
  const shown = page.body.textContent.replace(/\s+/g, ' ');
  for (const text of texts) if (!shown.includes(text.replace(/\s+/g, ' ').trim())) problems.push('not shown as text: ' + text);
  return problems.map(problem => path + ': ' + problem);
};
const all = async () => { const found = []; for (const one of wanted) found.push(...await read(one)); return found; };
all().then(done, error => done(['cannot be read: ' + error]));"#;

/// A browser whose pages are not protected by their own policy.
async fn unprotected(console: &Console, account: Account) -> Browser {
    let browser = console.signed_in(account).await;
    // Of the pages that are opened from now on.
    browser.devtools("Page.setBypassCSP", json!({"enabled": true})).await;
    browser.open("/").await;
    browser
}

/// What is wrong with these pages, each of which must show these texts.
async fn read(browser: &Browser, pages: Vec<(String, Vec<String>)>) -> Vec<String> {
    let found = browser.run_async(READ, vec![json!(pages)]).await;
    found.as_array().expect("a list").iter().map(|text| text.as_str().unwrap_or_default().to_owned()).collect()
}

/// Opens pages as people do; nothing may have run.
async fn open(browser: &Browser, paths: &[String]) {
    for path in paths {
        browser.open(path).await;
        assert_eq!(browser.dialog().await, None, "{path}");
        assert_eq!(browser.run("return top.hostile === undefined", Vec::new()).await, Value::Bool(true), "{path}");
        assert!(!browser.path().await.contains("evil"), "{path} led away");
    }
}

fn key(console: &Console, role: &str) -> String {
    let store = console.store.display().to_string();
    let arguments = ["keys", "create", "--store", &store, "--name", role, "--role", role, "--purpose", "testing"];
    flight_risk(arguments).ok().stdout.trim().to_owned()
}

fn signed<T>(message: T, key: &str) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
    request
}

/// One of them in the place of each text that is told of a person; every one is in every place once.
fn person(
    texts: &[String],
    number: usize,
    subject: &v1::score_employee_request::Subject,
    as_of: &str,
) -> v1::ScoreEmployeeRequest {
    let text = |field: usize| Some(texts[(number + field * 101) % texts.len()].clone());
    let org = v1::OrgFacts {
        department: text(1),
        location: text(2),
        manager_id: text(3),
        job_level: text(4),
        display_name: text(5),
        ..Default::default()
    };
    v1::ScoreEmployeeRequest {
        employee_id: texts[number].clone(),
        subject: Some(subject.clone()),
        record: true,
        org: Some(org),
        as_of: as_of.to_owned(),
        ..Default::default()
    }
}

/// A text as a part of an address.
fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_identifiers_and_places_show_as_text_and_nothing_runs() {
    let console = Console::start();
    let texts = payloads();
    let tables = ClientCompany::read(sample_company());
    let somebody = tables.employed_on(&tables.data_end)[0].to_owned();
    let history = tables.history(&somebody, &tables.data_end);
    let subject = v1::score_employee_request::Subject::History(history);
    let mut scoring = ScoringServiceClient::new(console.server.channel().await);
    let hris = key(&console, "hris");
    for chunk in (0..COUNT).collect::<Vec<_>>().chunks(100) {
        let requests = chunk.iter().map(|number| person(&texts, *number, &subject, "")).collect();
        let message = v1::BatchScoreEmployeesRequest { requests, ..Default::default() };
        let answers = scoring.batch_score_employees(signed(message, &hris)).await.expect("scored").into_inner();
        for result in &answers.results {
            assert!(!matches!(result.result, Some(v1::score_result::Result::Error(_))), "{result:?}");
        }
    }

    let browser = unprotected(&console, Account::Partner).await;
    browser.open(&format!("/people/{}", encoded(&somebody))).await;
    state_purpose(&browser).await;
    // Every person's own page, and the list of those who have one of the texts for a department.
    let mut pages = Vec::new();
    for (number, id) in texts.iter().enumerate() {
        let field = |field: usize| texts[(number + field * 101) % COUNT].clone();
        let id = id.trim();
        pages.push((format!("/people/{}", encoded(id)), vec![id.to_owned(), field(1), field(2)]));
        let places = vec![id.to_owned(), field(1), field(2), field(3)];
        pages.push((
            format!("/at-risk?view=all&department={}&q={}", encoded(&field(1)), encoded(id).replace('*', "%2A")),
            places,
        ));
    }
    let mut wrong = Vec::new();
    for chunk in pages.chunks(50) {
        wrong.extend(read(&browser, chunk.to_vec()).await);
    }
    assert!(wrong.is_empty(), "{} problems:\n{}", wrong.len(), wrong[..wrong.len().min(40)].join("\n"));

    // The whole list, and some people, opened as people open them.
    browser.open("/at-risk?view=all").await;
    let mut shown: BTreeSet<String> = BTreeSet::new();
    loop {
        shown.extend(browser.texts("table.people tbody th a").await);
        assert_eq!(browser.run("return top.hostile === undefined", Vec::new()).await, Value::Bool(true));
        if !browser.has("a[rel=next]").await {
            break;
        }
        browser.click("a[rel=next]").await;
    }
    assert!(texts.iter().filter(|text| shown.contains(text.trim())).count() > 480, "{shown:?}");
    let some: Vec<String> = texts.iter().step_by(25).map(|id| format!("/people/{}", encoded(id.trim()))).collect();
    open(&browser, &some).await;
    open(&browser, &["/hot-spots", "/drivers", "/actions", "/model", "/privacy"].map(str::to_owned)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_titles_notes_and_names_show_as_text_and_nothing_runs() {
    let console = Console::start();
    let texts = payloads();
    let partner = key(&console, "hr_partner");
    let mut actions = ActionServiceClient::new(console.server.channel().await);
    let browser = unprotected(&console, Account::Partner).await;
    browser.open("/at-risk").await;
    let somebody = browser.texts("table.people tbody th a").await.remove(0);
    let mut pages = Vec::new();
    for number in 0..COUNT {
        let text = |field: usize| texts[(number + field * 101) % COUNT].clone();
        let action = v1::Action {
            employee_id: somebody.clone(),
            title: text(0),
            assignee: text(1),
            note: text(2),
            due_date: "2026-12-31".to_owned(),
            ..Default::default()
        };
        let message = v1::CreateActionRequest { action: Some(action), ..Default::default() };
        let made = actions.create_action(signed(message, &partner)).await.expect("an action").into_inner();
        let name = made.action.expect("an action").name;
        pages.push((format!("/{name}"), vec![text(0), text(1), text(2)]));
    }
    browser.open(&format!("/people/{}", encoded(&somebody))).await;
    state_purpose(&browser).await;
    let mut wrong = Vec::new();
    for chunk in pages.chunks(50) {
        wrong.extend(read(&browser, chunk.to_vec()).await);
    }
    assert!(wrong.is_empty(), "{} problems:\n{}", wrong.len(), wrong[..wrong.len().min(40)].join("\n"));
    let some: Vec<String> = pages.iter().step_by(25).map(|(path, _)| path.clone()).collect();
    open(&browser, &some).await;
    open(&browser, &[format!("/people/{}", encoded(&somebody)), "/actions".to_owned()]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_accounts_and_purposes_show_as_text_and_nothing_runs() {
    let console = Console::start();
    let texts = payloads();
    let browser = unprotected(&console, Account::Partner).await;
    browser.press("Sign out").await;
    for (number, name) in texts.iter().step_by(100).enumerate() {
        create_account(&console.store, name, "hr_partner", &[]);
        sign_in_as(&browser, name).await;
        assert!(browser.text().await.contains(name.trim()) || name != &name.to_lowercase(), "{name}");
        browser.open("/purpose?next=/at-risk").await;
        browser.fill("other", &texts[number * 90 + 1]).await;
        browser.press("Go on").await;
        assert_eq!(browser.run("return top.hostile === undefined", Vec::new()).await, Value::Bool(true), "{name}");
        let person = browser.attributes("table.people tbody th a", "href").await.remove(0);
        browser.open(&person).await;
        browser.press("Sign out").await;
    }
    // Where an auditor reads who looked and why.
    sign_in(&browser, Account::Auditor).await;
    let shown: Vec<String> = texts.iter().step_by(100).map(|name| name.to_lowercase()).collect();
    let wrong = read(&browser, vec![("/audit".to_owned(), shown)]).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    open(&browser, &["/audit".to_owned()]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_addresses_show_as_text_and_nothing_runs() {
    let console = Console::start();
    let browser = unprotected(&console, Account::Partner).await;
    let texts = payloads();
    let mut paths = Vec::new();
    for text in texts.iter().step_by(5) {
        let text = encoded(text);
        paths.extend(
            ["q", "department", "manager", "level", "capacity", "page", "view"]
                .map(|field| (format!("/at-risk?{field}={text}"), ())),
        );
        paths.push((format!("/sign-in?next={text}"), ()));
        paths.push((format!("/purpose?next={text}"), ()));
    }
    let fetched = "const done = arguments[arguments.length - 1];
const all = async () => { const found = []; for (const path of arguments[0]) {
  const page = new DOMParser().parseFromString(await (await fetch(path)).text(), 'text/html');
  if (page.querySelector('script,iframe,object,embed,base,style,math,img,xss,marquee,audio,video,[onload],[onerror],[onfocus],[onmouseover],a[href^=\"javascript:\" i]')) found.push(path); } return found; };
all().then(done, error => done(['cannot be read: ' + error]));";
    let paths: Vec<String> = paths.into_iter().map(|(path, ())| path).collect();
    for chunk in paths.chunks(100) {
        assert_eq!(browser.run_async(fetched, vec![json!(chunk)]).await, json!([]));
    }
    open(&browser, &paths.iter().step_by(53).cloned().collect::<Vec<_>>()).await;
}
