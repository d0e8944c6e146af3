//! Small models built by hand, a server of them on a free port, and requests that they accept.

use std::net::SocketAddr;
use std::sync::Arc;

use flight_risk_proto::v1;
use flight_risk_proto::v1::model_service_client::ModelServiceClient;
use flight_risk_proto::v1::privacy_service_client::PrivacyServiceClient;
use flight_risk_proto::v1::scoring_service_client::ScoringServiceClient;
use flight_risk_scoring::artifact::{
    ArtifactContent, Bands, BaseRates, Calibration, Limits, Provenance, Reference, Target,
};
use flight_risk_scoring::encoding::Encoding;
use flight_risk_scoring::features::{Family, PlausibleDirection, Unit, registry};
use flight_risk_scoring::metrics::{HorizonQuality, ListLift, Metrics, Quality, ReliabilityGroup, Split, Verdict};
use flight_risk_scoring::schema::{FeatureKind, SourceFeature};
use flight_risk_scoring::{Artifact, Scorer};
use prost::Message;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::transport::Channel;

use crate::access::caller::Caller;
use crate::access::fields::FieldRules;
use crate::app::{App, ServeError};
use crate::config::{AccessMode, ServerConfig};
use crate::grpc::encode_score::ShapeCache;
use crate::grpc::score_row::{self, Defaults};
use crate::grpc::status::ApiError;
use crate::listen::bind;
use crate::store::Store;
use crate::store::db::Db;

/// Names of the native model's features, in its order. The third comes from confidential answers.
pub(super) const NATIVE: [&str; 3] = ["tenure_years", "one_on_ones_90d_count", "engagement_index"];

fn quality() -> Quality {
    Quality {
        rows: 1000,
        events: 20,
        observed_rate: 0.02,
        mean_predicted: 0.021,
        log_loss: 0.09,
        log_loss_base_rate: 0.1,
        auc: Some(0.75),
        average_precision: None,
        brier: 0.018,
        brier_base_rate: 0.0196,
        calibration_error: 0.004,
        lift: vec![ListLift { length: 100, expected: 7.5, found: 8, lift: 4.0 }],
        reliability: vec![ReliabilityGroup { rows: 100, predicted: 0.01, observed: 0.02 }],
        roc: Vec::new(),
        precision_recall: Vec::new(),
    }
}

fn content(target: Target, features: Vec<SourceFeature>, encodings: Vec<Encoding>) -> ArtifactContent {
    let columns: usize = encodings.iter().map(Encoding::width).sum();
    let mut covariance = Vec::new();
    for row in 0..=columns {
        covariance.extend((0..=row).map(|column| if column == row { 0.01 } else { 0.0 }));
    }
    let horizons = match &target {
        Target::Hazard { horizons_months, .. } => horizons_months.iter().map(|m| f64::from(*m) * 0.01).collect(),
        Target::SinglePeriod { .. } => Vec::new(),
    };
    let horizon = (!horizons.is_empty()).then(|| HorizonQuality {
        months: 12,
        as_of: "2024-01-01".into(),
        censored: 3,
        quality: quality(),
    });
    let features_count = features.len();
    ArtifactContent {
        target,
        features,
        encodings,
        importance: vec![0.1; features_count],
        persistence: vec![1.0; features_count],
        lead_shifts: Vec::new(),
        intercept: -4.0,
        coefficients: (0..columns).map(|i| 0.3 - 0.17 * i as f64).collect(),
        covariance,
        effect_doubts: Vec::new(),
        pairs: Vec::new(),
        recurring: None,
        rules: None,
        calibration: Calibration { slope: 0.9, intercept: 0.05 },
        reference: Reference {
            column_means: (0..columns).map(|i| 0.1 * i as f64).collect(),
            rows: 1000,
            events: 20,
            employees: 100,
        },
        base_rates: BaseRates { period: 0.02, horizons },
        bands: Bands { elevated: 0.15, high: 0.3 },
        limits: Limits { min_known_features: 1, max_standard_error: 3.0 },
        metrics: Metrics {
            split: Split::ByTime { from: "2024-01-01".into() },
            rows: quality(),
            horizon,
            verdict: Verdict {
                publishable: true,
                reasons: Vec::new(),
                allowed_weak: false,
                evidence: Vec::new(),
                events: 20,
                effective_parameters: 3.0,
            },
            guards: Vec::new(),
            stability: Vec::new(),
            backtest: Vec::new(),
        },
        provenance: Provenance {
            software_version: "0.1.0".into(),
            data_digest: "00".into(),
            data_from: Some("2020-01-01".into()),
            data_until: None,
            config: "secret = \"not for clients\"".into(),
            seed: 7,
            blocks: Vec::new(),
            notes: vec!["a note".into()],
        },
    }
}

/// A model of native tables with the features [`NATIVE`].
pub(super) fn native() -> Scorer {
    let features = NATIVE.map(|name| {
        let spec = registry().find(|spec| spec.name == name).unwrap();
        SourceFeature::native(spec, FeatureKind::Numeric { min: 0.0, max: 40.0, typical: 4.0 }, 0.9)
    });
    let encodings = vec![Encoding::Standardised { mean: 2.0, scale: 3.0, unknown: true }; features.len()];
    let target = Target::Hazard {
        period_months: 1,
        blackout_days: 30,
        horizons_months: vec![3, 6, 12],
        risk_horizon_months: 12,
    };
    Scorer::new(Artifact::new(content(target, features.into(), encodings)).unwrap())
}

/// The native model with talks that count: none in 90 days is a high risk, six are a low one.
pub(super) fn talkative() -> Scorer {
    let mut content = native().artifact().content().clone();
    // Tenure, talks and engagement, each as a number and as unknown.
    content.coefficients = vec![-0.2, 0.0, -0.8, 0.0, -0.3, 0.0];
    content.intercept = -5.0;
    Scorer::new(Artifact::new(content).unwrap())
}

/// A model of a flat table with a number `Age` and a category `Department`.
pub(super) fn flat() -> Scorer {
    let feature = |name: &str, kind| SourceFeature {
        name: name.into(),
        label: name.to_lowercase(),
        family: Family::Other,
        unit: Unit::Number,
        direction: PlausibleDirection::Either,
        actionable: false,
        confidential: false,
        phrase: format!("{name} is {{value}}"),
        otherwise: format!("{name} not known"),
        kind,
        known_share: 1.0,
    };
    let levels = vec!["Research".to_owned(), "Sales".to_owned()];
    let features = vec![
        feature("Age", FeatureKind::Numeric { min: 18.0, max: 65.0, typical: 37.0 }),
        feature("Department", FeatureKind::Categorical { levels, typical: "Sales".into() }),
    ];
    let encodings = vec![
        Encoding::Standardised { mean: 37.0, scale: 9.0, unknown: false },
        Encoding::OneHot { levels: 2, pooled: true, unknown: true },
    ];
    let target = Target::SinglePeriod { target: "Attrition".into(), positive: "Yes".into(), id_column: None };
    Scorer::new(Artifact::new(content(target, features, encodings)).unwrap())
}

/// A server under test.
pub(super) struct Served {
    pub(super) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    pub(super) end: JoinHandle<Result<(), ServeError>>,
    /// Where the metrics are, where the configuration wants them.
    pub(super) metrics: Option<SocketAddr>,
    /// Where its store lies, if it has one of its own.
    folder: Option<tempfile::TempDir>,
}

/// The default configuration with access control off.
pub(super) fn open_config() -> ServerConfig {
    let mut config = ServerConfig::default();
    config.access.mode = AccessMode::Off;
    config
}

impl Served {
    pub(super) async fn start(scorer: Scorer) -> Self {
        Self::start_with(scorer, open_config()).await
    }

    pub(super) async fn start_with(scorer: Scorer, config: ServerConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store.db").to_str().unwrap()).await.unwrap();
        Self { folder: Some(folder), ..Self::start_on(store, scorer, config).await }
    }

    /// With the store of `databases::each_store`. On PostgreSQL, beside which no file can lie, the key of the audit log is in a
    /// folder of its own unless the configuration names one.
    pub(super) async fn start_on(store: Store, scorer: Scorer, mut config: ServerConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        if matches!(store.db(), Db::Postgres(_)) {
            config.audit.key_file.get_or_insert_with(|| folder.path().join("audit.key"));
        }
        let app = App::new(scorer, store, config).await.unwrap();
        Self { folder: Some(folder), ..Self::of(app).await }
    }

    pub(super) async fn of(app: App) -> Self {
        let mut any_port = ServerConfig::default();
        any_port.listen.address = "127.0.0.1:0".parse().unwrap();
        let listener = bind(&any_port).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let metrics = app.metrics_address();
        let end = tokio::spawn(app.serve(listener, async move {
            let _ = stopped.await;
        }));
        Self { address, stop: Some(stop), end, metrics, folder: None }
    }

    /// The URL of a store of its own, to open it a second time.
    pub(super) fn store_url(&self) -> String {
        self.folder.as_ref().unwrap().path().join("store.db").to_str().unwrap().to_owned()
    }

    pub(super) fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    pub(super) async fn channel(&self) -> Channel {
        Channel::from_shared(format!("http://{}", self.address)).unwrap().connect().await.unwrap()
    }

    pub(super) async fn scoring(&self) -> ScoringServiceClient<Channel> {
        ScoringServiceClient::new(self.channel().await)
    }

    pub(super) async fn privacy(&self) -> PrivacyServiceClient<Channel> {
        PrivacyServiceClient::new(self.channel().await)
    }

    pub(super) async fn models(&self) -> ModelServiceClient<Channel> {
        ModelServiceClient::new(self.channel().await)
    }
}

/// A history that the native model accepts.
pub(super) fn history() -> v1::EmployeeHistory {
    v1::EmployeeHistory {
        hire_date: "2020-03-01".into(),
        as_of: "2024-06-30".into(),
        assignments: vec![v1::Assignment {
            effective_date: "2020-03-01".into(),
            job_level: Some("L3".into()),
            annual_pay: Some(50_000.0),
            ..Default::default()
        }],
        survey_responses: vec![v1::SurveyResponse {
            date: "2024-05-01".into(),
            survey: "spring".into(),
            driver: "growth".into(),
            score: Some(4.0),
            scale_min: Some(1.0),
            scale_max: Some(5.0),
        }],
        feedback: ["2024-06-01", "2024-05-20", "2024-01-01"]
            .map(|date| v1::FeedbackEvent { date: date.into(), kind: "one_on_one".into(), rating: None })
            .into(),
        ..Default::default()
    }
}

pub(super) fn of_history(history: v1::EmployeeHistory) -> v1::ScoreEmployeeRequest {
    v1::ScoreEmployeeRequest {
        employee_id: "e-1".into(),
        subject: Some(v1::score_employee_request::Subject::History(history)),
        ..Default::default()
    }
}

pub(super) fn of_row(values: v1::feature_row::Values) -> v1::ScoreEmployeeRequest {
    v1::ScoreEmployeeRequest {
        employee_id: "e-1".into(),
        subject: Some(v1::score_employee_request::Subject::Features(v1::FeatureRow { values: Some(values) })),
        ..Default::default()
    }
}

pub(super) fn number(name: &str, number: f64) -> v1::NamedValue {
    v1::NamedValue { name: name.into(), value: Some(v1::named_value::Value::Number(number)) }
}

pub(super) fn level(name: &str, level: &str) -> v1::NamedValue {
    v1::NamedValue { name: name.into(), value: Some(v1::named_value::Value::Level(level.into())) }
}

pub(super) fn named(values: impl Into<Vec<v1::NamedValue>>) -> v1::ScoreEmployeeRequest {
    of_row(v1::feature_row::Values::Named(v1::NamedValues { values: values.into() }))
}

pub(super) fn packed(values: impl Into<Vec<f64>>, digest: &str) -> v1::ScoreEmployeeRequest {
    let values = v1::PackedValues { values: values.into(), schema_digest: digest.into() };
    of_row(v1::feature_row::Values::Packed(values))
}

pub(super) fn assessment(score: v1::EmployeeScore) -> v1::Assessment {
    match score.outcome {
        Some(v1::employee_score::Outcome::Assessment(assessment)) => assessment,
        other => panic!("{other:?}"),
    }
}

/// A model of a flat table with many numeric features that have long names.
pub(super) fn wide(features: usize) -> Scorer {
    let features: Vec<SourceFeature> = (0..features)
        .map(|i| SourceFeature { name: format!("feature {i}"), label: "l".repeat(100), ..flat_number() })
        .collect();
    let encodings = vec![Encoding::Standardised { mean: 0.0, scale: 100.0, unknown: true }; features.len()];
    let target = Target::SinglePeriod { target: "Attrition".into(), positive: "Yes".into(), id_column: None };
    let mut content = content(target, features, encodings);
    content.coefficients.fill(0.01);
    content.limits.max_standard_error = 1e6;
    Scorer::new(Artifact::new(content).unwrap())
}

fn flat_number() -> SourceFeature {
    flat().artifact().content().features[0].clone()
}

/// What rows take from a call of somebody who may see everything.
pub(super) fn defaults() -> Defaults {
    let caller = Arc::new(Caller::anybody());
    let fields = FieldRules::of(&caller, true);
    Defaults { request_id: "r".into(), max_factors: None, record: false, caller, fields }
}

/// The answer to a row.
pub(super) fn score(
    scorer: &Scorer,
    mut request: v1::ScoreEmployeeRequest,
    defaults: &Defaults,
) -> Result<v1::EmployeeScore, ApiError> {
    let shapes = ShapeCache::default().of(scorer);
    let employee_id = std::mem::take(&mut request.employee_id);
    let scored = score_row::score(scorer, &shapes, &employee_id, request, defaults)?;
    Ok(v1::EmployeeScore::decode(scored.reply.score).unwrap())
}
