//! The requests, and the answers that they must get.
//!
//! An answer is decoded and held against the model once, before the load; under load its bytes are compared.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use bytes::Bytes;
use flight_risk_data::{NativeOptions, read_native};
use flight_risk_proto::v1;
use flight_risk_scoring::artifact::FILE_NAME;
use flight_risk_scoring::features::FeatureInput;
use flight_risk_scoring::schema::FeatureRow;
use flight_risk_scoring::{Artifact, Day, Scorer};
use prost::Message;

use crate::drive::{self, BATCH, SCORE, SCORES};
use crate::echo;
use crate::servers::{Server, program};

/// Different employees that are asked about.
const EMPLOYEES: usize = 512;
/// Different batches.
const BATCHES: usize = 4;
/// Rows of a batch.
pub(crate) const BATCH_ROWS: usize = 1_000;
/// Factors of streams and batches.
const FIVE: u32 = 5;

/// Requests and what must come back.
#[derive(Clone)]
pub(crate) struct Exchange {
    pairs: Arc<Vec<(Bytes, Bytes)>>,
    /// The method.
    pub(crate) path: &'static str,
}

impl Exchange {
    /// A request and its answer; any position will do.
    pub(crate) fn pair(&self, position: usize) -> (Bytes, Bytes) {
        self.pairs[position % self.pairs.len()].clone()
    }

    /// Mean size of a request in bytes.
    pub(crate) fn request_bytes(&self) -> usize {
        self.pairs.iter().map(|pair| pair.0.len()).sum::<usize>() / self.pairs.len()
    }

    /// Mean size of an answer in bytes.
    pub(crate) fn reply_bytes(&self) -> usize {
        self.pairs.iter().map(|pair| pair.1.len()).sum::<usize>() / self.pairs.len()
    }

    /// Messages of the same sizes for the echo. What surrounds the bytes in protobuf is taken off.
    pub(crate) fn as_echo(&self, path: &'static str) -> Self {
        let sized = |total: usize| total - Vec::from([0_u8; 1]).encoded_len() - 1;
        let pairs = self.pairs.iter().map(|(request, reply)| {
            let request = echo::request(sized(request.len()), sized(reply.len()));
            let reply = echo::reply(&request);
            (Bytes::from(request.encode_to_vec()), Bytes::from(reply.encode_to_vec()))
        });
        Self { pairs: Arc::new(pairs.collect()), path }
    }
}

/// What is asked for.
pub(crate) struct Workload {
    scorer: Scorer,
    rows: Vec<FeatureRow>,
}

fn carry_out(arguments: &[&str], path: &Path, last: Option<&Path>) {
    let mut command = Command::new(program());
    command.args(arguments).arg(path);
    if let Some(last) = last {
        command.arg("--out").arg(last);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Where the model lies in the folder of a measurement.
pub(crate) fn model_folder(folder: &Path) -> PathBuf {
    folder.join("models")
}

/// Where the training rows lie, for the Python servers.
pub(crate) fn training_rows(folder: &Path) -> PathBuf {
    folder.join("rows.parquet")
}

impl Workload {
    /// Generates a company and trains on it with the default plan.
    pub(crate) fn prepare(folder: &Path, employees: u32) -> Self {
        let (data, model) = (folder.join("data"), model_folder(folder));
        carry_out(&["-q", "generate", "--employees", &employees.to_string(), "--years", "4", "--out"], &data, None);
        carry_out(&["-q", "train", "--data"], &data, Some(&model));
        carry_out(&["-q", "features", "--data"], &data, Some(&training_rows(folder)));
        let scorer =
            Scorer::new(Artifact::from_json(&std::fs::read_to_string(model.join(FILE_NAME)).unwrap()).unwrap());
        let options =
            NativeOptions { today: Day::from_ymd(2100, 1, 1).unwrap(), data_end: None, protected: Vec::new() };
        let company = read_native(&data, &options).unwrap().company;
        let as_of = company.data_end();
        let teams = company.teams_on(as_of);
        let row = |employee: usize| {
            let input = FeatureInput {
                history: &company.histories()[employee],
                team: &teams.context(employee),
                coverage: company.coverage(),
                as_of,
            };
            scorer.row(&input).unwrap()
        };
        let present = (0..company.histories().len()).filter(|&i| company.histories()[i].employed_on(as_of));
        let rows = present.take(EMPLOYEES).map(row).collect();
        Self { scorer, rows }
    }

    /// Number of features of the model.
    pub(crate) fn features(&self) -> usize {
        self.scorer.schema().features().len()
    }

    /// Their names in the order of packed values, with commas between.
    pub(crate) fn feature_names(&self) -> String {
        self.scorer.schema().features().iter().map(|feature| feature.name.as_str()).collect::<Vec<_>>().join(",")
    }

    fn request(&self, employee: usize, max_factors: Option<u32>, record: bool) -> v1::ScoreEmployeeRequest {
        let packed = v1::PackedValues {
            values: self.rows[employee % self.rows.len()].values().to_vec(),
            schema_digest: self.scorer.schema().digest().to_owned(),
        };
        let packed = v1::feature_row::Values::Packed(packed);
        v1::ScoreEmployeeRequest {
            employee_id: format!("{employee:06}"),
            subject: Some(v1::score_employee_request::Subject::Features(v1::FeatureRow { values: Some(packed) })),
            max_factors,
            request_id: Some(format!("r{employee:06}")),
            record,
            as_of: "2026-01-01".to_owned(),
            ..Default::default()
        }
    }

    fn check(&self, employee: usize, score: Option<v1::EmployeeScore>) {
        let own = self.scorer.score(&self.rows[employee % self.rows.len()]);
        match score.expect("a score").outcome.expect("an outcome") {
            v1::employee_score::Outcome::Abstention(_) => assert!(!own.doubts.is_empty()),
            v1::employee_score::Outcome::Assessment(sent) => {
                assert_eq!(sent.risk.to_bits(), own.risk.get().to_bits(), "another risk than the model's");
                let parts: f64 = sent.factors.iter().filter_map(|factor| factor.contribution_log_odds).sum();
                let sum = sent.reference_log_odds + parts + sent.remaining_contribution_log_odds;
                assert!((sum - sent.log_odds).abs() < 1e-9, "the factors do not add up");
            }
        }
    }

    async fn learned(
        &self,
        server: &Server,
        path: &'static str,
        requests: Vec<Bytes>,
        check: impl Fn(usize, &[u8]),
    ) -> Exchange {
        let mut pairs = Vec::new();
        for (position, request) in requests.into_iter().enumerate() {
            let reply = drive::once(server, path, request.clone()).await;
            check(position, &reply);
            pairs.push((request, reply));
        }
        Exchange { pairs: Arc::new(pairs), path }
    }

    /// ScoreEmployee with all factors.
    pub(crate) async fn unary(&self, server: &Server, record: bool) -> Exchange {
        let requests = (0..EMPLOYEES).map(|i| self.request(i, None, record).encode_to_vec().into()).collect();
        self.learned(server, SCORE, requests, |i, reply| {
            self.check(i, v1::ScoreEmployeeResponse::decode(reply).unwrap().score);
        })
        .await
    }

    /// StreamScores with five factors.
    pub(crate) async fn stream(&self, server: &Server) -> Exchange {
        let request = |i| v1::StreamScoresRequest {
            correlation_id: format!("c{i:06}"),
            request: Some(self.request(i, Some(FIVE), false)),
        };
        let requests = (0..EMPLOYEES).map(|i| request(i).encode_to_vec().into()).collect();
        self.learned(server, SCORES, requests, |i, reply| {
            match v1::StreamScoresResponse::decode(reply).unwrap().result {
                Some(v1::stream_scores_response::Result::Score(score)) => self.check(i, Some(score)),
                other => panic!("{other:?}"),
            }
        })
        .await
    }

    /// BatchScoreEmployees with five factors.
    pub(crate) async fn batch(&self, server: &Server) -> Exchange {
        let request = |batch: usize| v1::BatchScoreEmployeesRequest {
            requests: (0..BATCH_ROWS).map(|i| self.request(batch * BATCH_ROWS + i, Some(FIVE), false)).collect(),
            request_id: Some("batch".to_owned()),
            ..Default::default()
        };
        let requests = (0..BATCHES).map(|batch| request(batch).encode_to_vec().into()).collect();
        self.learned(server, BATCH, requests, |batch, reply| {
            let reply = v1::BatchScoreEmployeesResponse::decode(reply).unwrap();
            assert_eq!(reply.results.len(), BATCH_ROWS);
            for (i, result) in reply.results.into_iter().enumerate() {
                match result.result {
                    Some(v1::score_result::Result::Score(score)) => self.check(batch * BATCH_ROWS + i, Some(score)),
                    other => panic!("{other:?}"),
                }
            }
        })
        .await
    }
}
