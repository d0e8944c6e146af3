//! Which model scores: found, listed, activated while it is asked, rolled back, refused, and kept over a restart.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use flight_risk_proto::v1;
use flight_risk_proto::v1::model_service_client::ModelServiceClient;
use flight_risk_scoring::{Artifact, Scorer};
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::databases::each_url;
use super::fixture::{Served, assessment, history, native, of_history, open_config};
use crate::app::App;
use crate::config::ServerConfig;
use crate::models::ModelFolder;
use crate::store::Store;

/// A native model of its own, with data until a day.
fn model(intercept: f64, data_until: &str) -> Scorer {
    let mut content = native().artifact().content().clone();
    content.intercept = intercept;
    content.provenance.data_until = Some(data_until.to_owned());
    Scorer::new(Artifact::new(content).unwrap())
}

fn name(scorer: &Scorer) -> String {
    format!("models/{}", scorer.artifact().model_version())
}

fn write(folder: &Path, directory: &str, scorer: &Scorer) {
    fs::create_dir_all(folder.join(directory)).unwrap();
    fs::write(folder.join(directory).join("model.json"), scorer.artifact().to_json().unwrap()).unwrap();
}

/// Changes one digit of a model's file, so that neither its length nor its date tells.
fn damage(folder: &Path, directory: &str) {
    let file = folder.join(directory).join("model.json");
    let date = fs::metadata(&file).unwrap().modified().unwrap();
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen("0.9", "0.8", 1)).unwrap();
    fs::File::options().write(true).open(&file).unwrap().set_modified(date).unwrap();
}

/// The configuration, with a key of the audit log that outlives the server.
fn config(folder: &Path) -> ServerConfig {
    let mut config = open_config();
    config.audit.key_file = Some(folder.join("audit.key"));
    config
}

async fn serve(models: &Path, url: &str, keys: &Path) -> Served {
    let app = App::open(ModelFolder::open(models).unwrap(), Store::open(url).await.unwrap(), config(keys)).await;
    Served::of(app.unwrap()).await
}

async fn end(mut server: Served) {
    server.stop();
    server.end.await.unwrap().unwrap();
}

type Client = ModelServiceClient<Channel>;

async fn activate(client: &mut Client, name: &str, etag: &str, request_id: &str) -> Result<v1::Model, Status> {
    let request = v1::ActivateModelRequest {
        name: name.into(),
        etag: etag.into(),
        request_id: request_id.into(),
        purpose: String::new(),
    };
    Ok(client.activate_model(request).await?.into_inner().model.unwrap())
}

async fn roll_back(client: &mut Client, etag: &str) -> Result<v1::Model, Status> {
    let request = v1::RollbackModelRequest { etag: etag.into(), ..Default::default() };
    Ok(client.rollback_model(request).await?.into_inner().model.unwrap())
}

async fn active(client: &mut Client) -> v1::Model {
    let request = v1::GetModelRequest { name: "models/active".into() };
    client.get_model(request).await.unwrap().into_inner().model.unwrap()
}

fn refusal(status: &Status) -> (Code, String) {
    (status.code(), status.get_details_error_info().unwrap().reason)
}

#[tokio::test]
async fn models_are_found_listed_and_described_whether_they_score_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let [old, new, later] = [model(-4.0, "2023-12-31"), model(-3.0, "2024-12-31"), model(-2.0, "2025-12-31")];
    write(folder.path(), "a", &new);
    write(folder.path(), "b", &old);
    write(folder.path(), "copy of b", &old);
    write(folder.path(), "cut short", &old);
    fs::write(folder.path().join("cut short/model.json"), "{}").unwrap();
    fs::create_dir(folder.path().join("notes")).unwrap();
    let server = serve(folder.path(), folder.path().join("store.db").to_str().unwrap(), folder.path()).await;
    let mut client = server.models().await;
    let list = async |client: &mut Client, page_size: i32| {
        let mut all = Vec::new();
        let mut page_token = String::new();
        loop {
            let reply = client.list_models(v1::ListModelsRequest { page_size, page_token }).await.unwrap().into_inner();
            all.extend(reply.models);
            page_token = reply.next_page_token;
            if page_token.is_empty() {
                return all;
            }
        }
    };
    let models = list(&mut client, 0).await;
    // Nothing was active before: the one that learned from the latest data scores.
    let by_version: BTreeMap<&str, bool> = models.iter().map(|m| (m.name.as_str(), m.active)).collect();
    let expected = [(name(&old), false), (name(&new), true), ("models/cut-short".to_owned(), false)];
    assert_eq!(by_version, expected.iter().map(|(name, active)| (name.as_str(), *active)).collect());
    assert!(models[0].active, "the active one comes first");
    assert!(models[1..].is_sorted_by(|a, b| a.name < b.name));
    assert_eq!((models[0].auc, models[0].data_until.as_deref()), (Some(0.75), Some("2024-12-31")));
    let refused = models.iter().find(|model| !model.refusal.is_empty()).unwrap();
    assert_eq!(refused.name, "models/cut-short");
    assert!(!refused.refusal.contains(folder.path().to_str().unwrap()), "{}", refused.refusal);
    for page_size in [1, 2] {
        assert_eq!(list(&mut client, page_size).await, models, "pages of {page_size}");
    }
    let got = client.get_model(v1::GetModelRequest { name: name(&old) }).await.unwrap().into_inner().model.unwrap();
    assert_eq!((got.active, got.sha256.as_str()), (false, old.artifact().sha256()));
    assert_eq!(got.etag, active(&mut client).await.etag);
    // One that was trained meanwhile is found.
    write(folder.path(), "later", &later);
    assert_eq!(list(&mut client, 0).await.len(), 4);
    assert!(activate(&mut client, &name(&later), "", "").await.unwrap().active);
    let status = client.get_model(v1::GetModelRequest { name: "models/cut-short".into() }).await.unwrap_err();
    assert_eq!(refusal(&status), (Code::FailedPrecondition, "MODEL_REFUSED".into()));
}

#[tokio::test]
async fn a_model_is_activated_under_load_and_every_answer_is_of_one_model() {
    let folder = tempfile::tempdir().unwrap();
    let models = [model(-4.0, "2024-12-31"), model(-3.0, "2023-12-31")];
    write(folder.path(), "a", &models[0]);
    write(folder.path(), "b", &models[1]);
    let server = serve(folder.path(), folder.path().join("store.db").to_str().unwrap(), folder.path()).await;
    let risks: Arc<BTreeMap<String, u64>> = Arc::new(
        models
            .iter()
            .map(|scorer| {
                let values = [1_582.0 / 365.25, 2.0, 0.75].to_vec();
                let risk = scorer.score(&scorer.schema().packed_row(values).unwrap()).risk.get();
                (scorer.artifact().model_version().to_owned(), risk.to_bits())
            })
            .collect(),
    );
    let stop = Arc::new(AtomicBool::new(false));
    let mut askers = Vec::new();
    for _ in 0..4 {
        let (mut client, risks, stop) = (server.scoring().await, Arc::clone(&risks), Arc::clone(&stop));
        askers.push(tokio::spawn(async move {
            let mut seen: BTreeMap<String, usize> = BTreeMap::new();
            while !stop.load(Ordering::Relaxed) {
                let score = client.score_employee(of_history(history())).await.unwrap().into_inner().score.unwrap();
                let version = score.model_version.clone();
                assert_eq!(assessment(score).risk.to_bits(), risks[&version], "{version}");
                *seen.entry(version).or_default() += 1;
            }
            seen
        }));
    }
    let mut client = server.models().await;
    for turn in 0..6 {
        tokio::time::sleep(Duration::from_millis(30)).await;
        activate(&mut client, &name(&models[1 - turn % 2]), "", "").await.unwrap();
        // From the answer on only the new one answers.
        let mut scoring = server.scoring().await;
        let score = scoring.score_employee(of_history(history())).await.unwrap().into_inner().score.unwrap();
        assert_eq!(score.model_version, models[1 - turn % 2].artifact().model_version());
    }
    stop.store(true, Ordering::Relaxed);
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for asker in askers {
        asker.await.unwrap().into_iter().for_each(|(version, count)| *seen.entry(version).or_default() += count);
    }
    assert!(seen.len() == 2 && seen.values().all(|count| *count > 10), "{seen:?}");
}

#[tokio::test]
async fn a_damaged_model_is_refused_and_the_one_before_scores_on() {
    let folder = tempfile::tempdir().unwrap();
    let [good, bad] = [model(-4.0, "2024-12-31"), model(-3.0, "2023-12-31")];
    write(folder.path(), "good", &good);
    write(folder.path(), "bad", &bad);
    let server = serve(folder.path(), folder.path().join("store.db").to_str().unwrap(), folder.path()).await;
    let mut client = server.models().await;
    let before = active(&mut client).await;
    damage(folder.path(), "bad");
    let status = activate(&mut client, &name(&bad), "", "r-1").await.unwrap_err();
    assert_eq!(refusal(&status), (Code::FailedPrecondition, "MODEL_REFUSED".into()));
    assert!(status.message().contains("altered") && !status.message().contains("/"), "{}", status.message());
    for (wrong, expected) in [
        ("models/0123456789ab", (Code::NotFound, "MODEL_NOT_FOUND".to_owned())),
        ("models/active", (Code::NotFound, "MODEL_NOT_FOUND".to_owned())),
        ("models/../good", (Code::InvalidArgument, "INVALID_FIELDS".to_owned())),
        ("", (Code::InvalidArgument, "INVALID_FIELDS".to_owned())),
    ] {
        assert_eq!(refusal(&activate(&mut client, wrong, "", "").await.unwrap_err()), expected, "{wrong}");
    }
    assert_eq!(active(&mut client).await, before);
    let score = server.scoring().await.score_employee(of_history(history())).await.unwrap().into_inner().score.unwrap();
    assert_eq!(score.model_version, good.artifact().model_version());
    // What failed was not carried out: repaired, the same request is.
    write(folder.path(), "bad", &bad);
    assert_eq!(activate(&mut client, &name(&bad), "", "r-1").await.unwrap().name, name(&bad));
}

#[tokio::test]
async fn rollbacks_go_further_and_further_back() {
    let folder = tempfile::tempdir().unwrap();
    let models = [model(-4.0, "2024-12-31"), model(-3.0, "2023-12-31"), model(-2.0, "2022-12-31")];
    for (directory, model) in ["a", "b", "c"].iter().zip(&models) {
        write(folder.path(), directory, model);
    }
    each_url(async |url| {
        let server = serve(folder.path(), url, folder.path()).await;
        let mut client = server.models().await;
        assert_eq!(
            refusal(&roll_back(&mut client, "").await.unwrap_err()),
            (Code::FailedPrecondition, "NO_EARLIER_MODEL".into())
        );
        for model in [&models[1], &models[1], &models[2]] {
            activate(&mut client, &name(model), "", "").await.unwrap();
        }
        for expected in [&models[1], &models[0]] {
            let etag = active(&mut client).await.etag;
            let model = roll_back(&mut client, &etag).await.unwrap();
            assert_eq!((model.name.clone(), model.active), (name(expected), true));
            assert_eq!(active(&mut client).await, model);
            assert_eq!(refusal(&roll_back(&mut client, &etag).await.unwrap_err()).0, expected_code(&models, expected));
        }
        end(server).await;
    })
    .await;
}

/// With the old etag a rollback fails for the etag, or because there is nothing further back.
fn expected_code(models: &[Scorer; 3], now: &Scorer) -> Code {
    if name(now) == name(&models[0]) { Code::FailedPrecondition } else { Code::Aborted }
}

#[tokio::test]
async fn of_two_who_read_the_same_etag_one_wins_and_a_request_sent_twice_is_carried_out_once() {
    let folder = tempfile::tempdir().unwrap();
    let models = [model(-4.0, "2024-12-31"), model(-3.0, "2023-12-31"), model(-2.0, "2022-12-31")];
    for (directory, model) in ["a", "b", "c"].iter().zip(&models) {
        write(folder.path(), directory, model);
    }
    each_url(async |url| {
        let server = serve(folder.path(), url, folder.path()).await;
        let (mut one, mut other) = (server.models().await, server.models().await);
        let etag = active(&mut one).await.etag;
        let names = [name(&models[1]), name(&models[2])];
        let (first, second) =
            tokio::join!(activate(&mut one, &names[0], &etag, ""), activate(&mut other, &names[1], &etag, ""));
        let (won, lost) = match (first, second) {
            (Ok(won), Err(lost)) | (Err(lost), Ok(won)) => (won, lost),
            both => panic!("{both:?}"),
        };
        assert_eq!(refusal(&lost), (Code::Aborted, "ETAG_MISMATCH".into()));
        assert_eq!(active(&mut one).await, won);
        let once = activate(&mut one, &name(&models[0]), "", "r-1").await.unwrap();
        let after = activate(&mut one, &name(&models[1]), "", "r-2").await.unwrap();
        assert_eq!(activate(&mut one, &name(&models[0]), "", "r-1").await.unwrap(), once, "the same answer");
        assert_eq!(active(&mut one).await, after, "and nothing was done again");
        let status = activate(&mut one, &name(&models[2]), "", "r-1").await.unwrap_err();
        assert_eq!(refusal(&status), (Code::AlreadyExists, "REQUEST_ID_REUSED".into()));
        end(server).await;
    })
    .await;
}

#[tokio::test]
async fn a_restart_serves_the_same_model_as_long_as_it_is_sound() {
    let [old, new] = [model(-4.0, "2023-12-31"), model(-3.0, "2024-12-31")];
    each_url(async |url| {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "old", &old);
        write(folder.path(), "new", &new);
        let server = serve(folder.path(), url, folder.path()).await;
        let mut client = server.models().await;
        assert_eq!(active(&mut client).await.name, name(&new));
        let activated = activate(&mut client, &name(&old), "", "").await.unwrap();
        end(server).await;

        let server = serve(folder.path(), url, folder.path()).await;
        assert_eq!(active(&mut server.models().await).await, activated);
        end(server).await;

        damage(folder.path(), "old");
        let server = serve(folder.path(), url, folder.path()).await;
        let instead = active(&mut server.models().await).await;
        assert_eq!(instead.name, name(&new));
        assert_ne!(instead.etag, activated.etag);
        end(server).await;

        write(folder.path(), "old", &old);
        let server = serve(folder.path(), url, folder.path()).await;
        assert_eq!(active(&mut server.models().await).await, activated, "mended, it scores again");
        end(server).await;
    })
    .await;
}

#[tokio::test]
async fn servers_of_one_store_follow_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let [old, new] = [model(-4.0, "2023-12-31"), model(-3.0, "2024-12-31")];
    write(folder.path(), "old", &old);
    write(folder.path(), "new", &new);
    each_url(async |url| {
        let (one, other) =
            (serve(folder.path(), url, folder.path()).await, serve(folder.path(), url, folder.path()).await);
        let activated = activate(&mut one.models().await, &name(&old), "", "").await.unwrap();
        let mut client = other.models().await;
        let began = Instant::now();
        while active(&mut client).await != activated {
            assert!(began.elapsed() < Duration::from_secs(10), "the other server does not follow");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        end(one).await;
        end(other).await;
    })
    .await;
}
