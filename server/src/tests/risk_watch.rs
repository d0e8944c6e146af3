//! Watching changes: nothing missed and nothing told twice, whatever happens to the stream.

use std::time::Duration;

use flight_risk_proto::v1;
use tokio::time::{Instant, timeout};
use tokio_stream::StreamExt;
use tonic::{Code, Request};
use tonic_types::StatusExt;

use super::databases::each_store;
use super::fixture::{Served, native, open_config};
use super::risk::{client, department, record, serve, with_risk};
use crate::clock::now_micros;
use crate::limits::DRAIN_DEADLINE;
use crate::store::{NewScore, OrgFacts};

fn watch(resume_token: &str, filter: &str) -> v1::WatchRiskChangesRequest {
    v1::WatchRiskChangesRequest { resume_token: resume_token.into(), filter: filter.into(), ..Default::default() }
}

/// Longest wait for a message that must come.
const SOON: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_who_is_cut_off_again_and_again_misses_nothing_and_is_told_nothing_twice() {
    const CHANGES: usize = 400;
    each_store(async |store| {
        let server = serve(&store).await;
        let mut client = client(&server).await;
        // A token before anything happens.
        let mut stream = client.watch_risk_changes(watch("", "")).await.unwrap().into_inner();
        let first = timeout(SOON, stream.next()).await.unwrap().unwrap().unwrap();
        assert!(first.change.is_none());
        let mut token = first.resume_token;
        drop(stream);
        let writer = {
            let store = store.clone();
            tokio::spawn(async move {
                let scorer = native();
                for batch in 0..CHANGES / 5 {
                    let scores: Vec<NewScore> = (0..5)
                        .map(|i| with_risk(&scorer, &format!("e-{:03}", batch * 5 + i), 0.5, OrgFacts::default()))
                        .map(|score| NewScore { scored_at: now_micros(), ..score })
                        .collect();
                    record(&store, &scorer, &scores).await;
                    tokio::time::sleep(Duration::from_millis(3)).await;
                }
            })
        };
        let mut told = Vec::new();
        let mut cuts = 0;
        while told.len() < CHANGES {
            let mut stream = client.watch_risk_changes(watch(&token, "")).await.unwrap().into_inner();
            // Cut off after another number of messages each time.
            for _ in 0..(7 * cuts) % 23 + 1 {
                let message = timeout(SOON, stream.next()).await.unwrap().unwrap().unwrap();
                told.extend(message.change.map(|change| change.employee_id));
                token = message.resume_token;
                if told.len() == CHANGES {
                    break;
                }
            }
            cuts += 1;
        }
        writer.await.unwrap();
        assert!(cuts > 10, "{cuts}");
        let mut stream = client.watch_risk_changes(watch(&token, "")).await.unwrap().into_inner();
        let last = timeout(SOON, stream.next()).await.unwrap().unwrap().unwrap();
        assert!(last.change.is_none(), "told twice");
        assert_eq!(told, (0..CHANGES).map(|i| format!("e-{i:03}")).collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test]
async fn changes_are_told_with_what_was_before_and_as_filtered() {
    each_store(async |store| {
        let scorer = native();
        let server = serve(&store).await;
        let mut client = client(&server).await;
        let mut stream =
            client.watch_risk_changes(watch("", "department = Sales AND band = HIGH")).await.unwrap().into_inner();
        timeout(SOON, stream.next()).await.unwrap().unwrap().unwrap();
        for (id, risk, unit) in
            [("a", 0.2, "Sales"), ("b", 0.5, "Legal"), ("a", 0.21, "Sales"), ("a", 0.5, "Sales"), ("c", 0.6, "Sales")]
        {
            record(&store, &scorer, &[with_risk(&scorer, id, risk, department(unit))]).await;
        }
        let mut next = async || {
            let message = timeout(SOON, stream.next()).await.unwrap().unwrap().unwrap();
            message.change.unwrap()
        };
        let rose = next().await;
        assert_eq!((rose.employee_id.as_str(), rose.kind()), ("a", v1::RiskChangeKind::BandRose));
        let (previous, current) = (rose.previous.unwrap(), rose.current.unwrap());
        assert_eq!((previous.risk, previous.band()), (Some(0.2), v1::RiskBand::Elevated));
        assert_eq!((current.risk, current.band()), (Some(0.5), v1::RiskBand::High));
        assert_eq!(rose.org.unwrap().department.as_deref(), Some("Sales"));
        let new = next().await;
        assert_eq!((new.employee_id.as_str(), new.kind(), new.previous), ("c", v1::RiskChangeKind::New, None));
    })
    .await;
}

#[tokio::test]
async fn tokens_that_are_too_old_or_made_up_are_refused() {
    each_store(async |store| {
        let folder = tempfile::tempdir().unwrap();
        let mut config = open_config();
        config.audit.key_file = Some(folder.path().join("audit.key"));
        let server = Served::start_on(store.clone(), native(), config.clone()).await;
        let mut client = client(&server).await;
        let mut stream = client.watch_risk_changes(watch("", "")).await.unwrap().into_inner();
        let token = stream.next().await.unwrap().unwrap().resume_token;
        for (request, field) in [(watch("made up", ""), "resume_token"), (watch(&token, "salary = 3"), "filter")] {
            let status = client.watch_risk_changes(request).await.unwrap_err();
            assert_eq!(status.code(), Code::InvalidArgument);
            assert!(status.message().starts_with(field), "{}", status.message());
        }
        config.store.retention_days = 0;
        let server = Served::start_on(store.clone(), native(), config).await;
        let status = super::risk::client(&server).await.watch_risk_changes(watch(&token, "")).await.unwrap_err();
        assert_eq!(status.code(), Code::OutOfRange);
        assert_eq!(status.get_details_error_info().unwrap().reason, "RESUME_TOKEN_EXPIRED");
    })
    .await;
}

#[tokio::test]
async fn a_watch_ends_at_the_clients_deadline_and_with_the_server() {
    each_store(async |store| {
        let mut server = serve(&store).await;
        let mut client = client(&server).await;
        let mut request = Request::new(watch("", ""));
        request.metadata_mut().insert("grpc-timeout", "300m".parse().unwrap());
        let mut late = client.watch_risk_changes(request).await.unwrap().into_inner();
        let mut open = client.watch_risk_changes(watch("", "")).await.unwrap().into_inner();
        assert!(late.next().await.unwrap().is_ok() && open.next().await.unwrap().is_ok());
        let status = timeout(Duration::from_secs(3), late.next()).await.unwrap().unwrap().unwrap_err();
        assert_eq!(status.code(), Code::DeadlineExceeded);
        let stopped = Instant::now();
        server.stop();
        let status = open.next().await.unwrap().unwrap_err();
        assert_eq!(status.code(), Code::Unavailable);
        assert_eq!(status.get_details_error_info().unwrap().reason, "SHUTTING_DOWN");
        server.end.await.unwrap().unwrap();
        assert!(stopped.elapsed() < DRAIN_DEADLINE / 2, "{:?}", stopped.elapsed());
    })
    .await;
}
