//! What must hold of every method of the API: pages, idempotency, purposes, details of errors, deadlines. The methods are read
//! from the descriptors, so that none is forgotten.

use prost_types::field_descriptor_proto::{Label, Type};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::fixture::{Served, native, open_config};
use super::raw_calls::{Made, Method, call, field, methods};
use crate::access::policy::policy;
use crate::config::ServerConfig;
use crate::limits::MAX_TEXT_BYTES;

/// What methods that change something begin with. Erasing twice is erasing once: an answer kept for a repeated request would be
/// something held about the person.
const CHANGING: [&str; 6] = ["Create", "Update", "Complete", "Report", "Activate", "Rollback"];
/// Of them, those that change what others may have changed meanwhile.
const CONTESTED: [&str; 4] = ["UpdateAction", "CompleteAction", "ActivateModel", "RollbackModel"];
/// The domain of every ErrorInfo.
const DOMAIN: &str = "flightrisk";

fn has(message: &prost_types::DescriptorProto, name: &str, kind: Type) -> bool {
    field(message, name).is_some_and(|field| field.r#type() == kind && field.label() != Label::Repeated)
}

#[test]
fn lists_have_pages_changes_have_a_request_id_and_questions_about_people_a_purpose() {
    let mut wrong = Vec::new();
    for method in methods() {
        let mut must = |holds: bool, what: &str| {
            if !holds {
                wrong.push(format!("{}: {what}", method.path));
            }
        };
        if method.name.starts_with("List") {
            must(has(&method.request, "page_size", Type::Int32), "no page_size");
            must(has(&method.request, "page_token", Type::String), "no page_token");
            must(has(&method.response, "next_page_token", Type::String), "no next_page_token");
            must(method.response.field.iter().any(|field| field.label() == Label::Repeated), "no list");
        }
        if CHANGING.iter().any(|start| method.name.starts_with(start)) {
            must(has(&method.request, "request_id", Type::String), "no request_id");
        }
        if CONTESTED.contains(&method.name.as_str()) {
            let action = field(&method.request, "action").is_some();
            must(has(&method.request, "etag", Type::String) || action, "no etag");
        }
        if method.name.starts_with("Update") {
            must(has(&method.request, "update_mask", Type::Message), "no update_mask");
        }
        let verb = ["Get", "List", "Create", "Update"].iter().any(|verb| method.name.starts_with(verb));
        must(!(verb && method.streams_out), "a standard method streams");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What is wrong with the details of an error.
fn wrong_details(status: &Status) -> Option<String> {
    let Some(info) = status.get_details_error_info() else { return Some("no ErrorInfo".into()) };
    if info.domain != DOMAIN {
        return Some(format!("the domain is {}", info.domain));
    }
    if info.reason.is_empty() || !info.reason.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') {
        return Some(format!("the reason is {:?}", info.reason));
    }
    if status.message().is_empty() {
        return Some("no message".into());
    }
    let fields = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
    let told = fields.iter().all(|violation| !violation.field.is_empty() && !violation.description.is_empty());
    match info.reason.as_str() {
        "INVALID_FIELDS" if fields.is_empty() || !told || status.code() != Code::InvalidArgument => {
            Some(format!("{:?} with fields {fields:?}", status.code()))
        }
        _ => None,
    }
}

/// The fields that an answer calls wrong.
fn wrong_fields(answer: &Result<Option<Vec<u8>>, Status>) -> Vec<String> {
    let Err(status) = answer else { return Vec::new() };
    let bad = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
    bad.into_iter().map(|violation| violation.field).collect()
}

/// The methods whose errors are those of the whole call: StreamScores tells what is wrong with a row in its place, and answers
/// rows before it looks at the clock.
fn methods_of_one_message() -> Vec<Method> {
    methods().into_iter().filter(|method| method.name != "StreamScores").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_error_of_every_method_has_its_reason_and_the_fields() {
    let server = Served::start_with(native(), open_config()).await;
    let long = "x".repeat(MAX_TEXT_BYTES + 1);
    let mut wrong = Vec::new();
    let mut errors = 0;
    for method in &methods_of_one_message() {
        let made = || Made::of(&method.request);
        for (what, message) in [
            ("nothing", made().bytes()),
            ("texts that are too long", made().every_text(&long).bytes()),
            ("texts that mean nothing", made().every_text("nothing").bytes()),
            ("a NUL in every text", made().every_text("a\0b").bytes()),
            (
                "names of nobody",
                made().text("name", "employees/nobody/risk").text("parent", "employees/nobody").bytes(),
            ),
        ] {
            if let Err(status) = call(&server, method, message, &[]).await {
                errors += 1;
                wrong.extend(
                    wrong_details(&status).map(|why| format!("{} sent {what}: {why}: {status:?}", method.path)),
                );
                if matches!(status.code(), Code::Internal | Code::Unknown | Code::Unavailable | Code::Unimplemented) {
                    wrong.push(format!("{} sent {what}: {status:?}", method.path));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(errors > 50, "only {errors} errors seen");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_cannot_be_is_refused_by_every_list() {
    let server = Served::start_with(native(), open_config()).await;
    let mut wrong = Vec::new();
    for method in methods().iter().filter(|method| method.name.starts_with("List")) {
        let request = || Made::of(&method.request).text("parent", "employees/e-1").int("group_by", 1);
        for (name, message) in [
            ("page_size", request().int("page_size", -1).bytes()),
            ("page_token", request().text("page_token", "no token of ours").bytes()),
            ("page_token", request().text("page_token", "AAAA").bytes()),
        ] {
            let answer = call(&server, method, message, &[]).await;
            let code = answer.as_ref().err().map(Status::code);
            if code != Some(Code::InvalidArgument) || !wrong_fields(&answer).iter().any(|field| field == name) {
                wrong.push(format!("{} with a wrong {name}: {code:?} {:?}", method.path, wrong_fields(&answer)));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_has_passed_is_told_by_every_method() {
    let server = Served::start_with(native(), open_config()).await;
    let (mut wrong, mut late) = (Vec::new(), 0);
    for method in methods_of_one_message() {
        let request = Made::of(&method.request).text("name", "employees/e-1/risk").text("parent", "employees/e-1");
        match call(&server, &method, request.bytes(), &[("grpc-timeout", "1n")]).await {
            Err(status) if status.code() == Code::DeadlineExceeded => {
                late += 1;
                wrong.extend(wrong_details(&status).map(|why| format!("{}: {why}", method.path)));
            }
            other => wrong.push(format!("{}: {other:?}", method.path)),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(late > 0, "there are no methods");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_without_a_key_learns_anything_of_any_method() {
    let server = Served::start_with(native(), ServerConfig::default()).await;
    for method in methods() {
        assert!(policy(&method.path).is_some(), "{}", method.path);
        for headers in [&[][..], &[("authorization", "Bearer frk_AAAAAAAA_nothing")]] {
            let status = call(&server, &method, Vec::new(), headers).await.unwrap_err();
            assert_eq!(status.code(), Code::Unauthenticated, "{}", method.path);
            assert_eq!(wrong_details(&status), None, "{}", method.path);
            assert_eq!(status.get_details_error_info().unwrap().reason, "UNAUTHENTICATED");
        }
    }
}
