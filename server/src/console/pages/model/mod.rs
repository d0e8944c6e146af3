//! How good the model is, what it learned from, and which one is active.

mod change;
pub(in crate::console::pages) mod feature;
mod judged;
mod told;
mod versions;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::routing::get;
use flight_risk_proto::v1;
use flight_risk_proto::v1::action_service_server::ActionService;
use flight_risk_proto::v1::model_service_server::ModelService;
use serde::Deserialize;
use tonic::Code;
use tonic_types::StatusExt;

use crate::console::charts::Markup;
use crate::console::error::{PageError, encoded};
use crate::console::frame::{Crumb, Frame, Notice, NoticeKind, Tab};
use crate::console::methods;
use crate::console::pages::model::feature::FeatureRow;
use crate::console::pages::model::judged::{JudgedSet, PeriodTable, Realised};
use crate::console::pages::model::told::{Figure, GuardRow};
use crate::console::pages::{Page, show};
use crate::console::site::Site;
use crate::console::visit::Visit;

/// Features that are shown before the others are folded away.
const STRONGEST: usize = 12;

/// What is said where the calibration is not there yet.
const LATER: &str = "With many employees that takes a while. Open the page again in a minute to see it.";

/// The pages.
pub(crate) fn routes() -> Router<Site> {
    Router::new()
        .route("/model", get(active))
        .route("/model/versions", get(versions::page))
        .route("/model/roll-back", get(change::ask_roll_back).post(change::roll_back))
        .route("/model/{version}", get(one))
        .route("/model/{version}/feature", get(feature::page))
        .route("/model/{version}/activate", get(change::ask_activate).post(change::activate))
}

#[derive(Template)]
#[template(path = "model.html")]
struct ModelPage {
    frame: Frame,
    tabs: Vec<Tab>,
    standing: Notice,
    sentences: Vec<String>,
    cautions: Vec<Notice>,
    tiles: Vec<Figure>,
    lift: Option<Markup>,
    sets: Vec<JudgedSet>,
    realised: Option<Realised>,
    periods: Vec<PeriodTable>,
    evidence: Vec<told::EvidenceRow>,
    strongest: Vec<FeatureRow>,
    others: Vec<FeatureRow>,
    guards: Vec<GuardRow>,
    facts: Vec<Figure>,
    technical: Vec<Figure>,
    notes: Vec<String>,
    intended: String,
    prohibited: Vec<String>,
    law: &'static str,
    limits: Vec<String>,
    activate_href: Option<String>,
}

/// Where the page of a model is.
fn href(version: &str) -> String {
    format!("/model/{}", encoded(version))
}

/// The active model.
async fn active(State(site): State<Site>, visit: Visit) -> Page {
    page(&site, &visit, "active").await
}

/// The model of a version.
async fn one(State(site): State<Site>, visit: Visit, Path(version): Path<String>) -> Page {
    page(&site, &visit, &version).await
}

/// What the API says of a model.
async fn ask(site: &Site, visit: &Visit, version: &str) -> Result<v1::Model, PageError> {
    let request = v1::GetModelRequest { name: format!("models/{version}") };
    let reply = site.api().models.get_model(visit.ask(request)).await?.into_inner();
    reply.model.ok_or(PageError::NotFound)
}

async fn page(site: &Site, visit: &Visit, version: &str) -> Page {
    let model = ask(site, visit, version).await?;
    let (realised, later) = match realised(site, visit, &model).await {
        // The rest of the page need not wait for it.
        Err(PageError::Status(status))
            if status.code() == Code::Unavailable && status.get_details_retry_info().is_some() =>
        {
            (None, Some(Notice::new(NoticeKind::Info, "What came of the scores is being worked out", LATER)))
        }
        told => (told?, None),
    };
    let metrics = model.metrics.clone().unwrap_or_default();
    let verdict = model.verdict.clone().unwrap_or_default();
    let sets = judged::sets(&model, &metrics);
    let mut features = feature::rows(&model);
    let others = features.split_off(features.len().min(STRONGEST));
    let title = if model.active { "The model".to_owned() } else { format!("Model {}", model.version) };
    let mut frame = visit.frame(site, title, "/model");
    frame.notices.extend(later);
    if !model.active {
        frame.breadcrumbs = vec![Crumb { label: "Versions".to_owned(), href: "/model/versions".to_owned() }];
    }
    show(&ModelPage {
        frame,
        tabs: tabs(visit, model.active, false),
        standing: told::standing(&verdict, if model.active { "" } else { "; not active" }),
        sentences: verdict.sentences.clone(),
        cautions: verdict.cautions.iter().map(|text| Notice::new(NoticeKind::Caution, "", text)).collect(),
        tiles: told::tiles(site, &model, &metrics),
        lift: judged::lift(&metrics),
        sets,
        realised,
        periods: judged::periods(&model),
        evidence: verdict.evidence.iter().map(told::EvidenceRow::of).collect(),
        strongest: features,
        others,
        guards: model.guards.iter().map(GuardRow::of).collect(),
        facts: told::facts(&model),
        technical: told::technical(&model),
        notes: model.provenance.as_ref().map(|it| it.notes.clone()).unwrap_or_default(),
        intended: model.intended_use.clone(),
        prohibited: model.prohibited_uses.clone(),
        law: flight_risk_scoring::wording::statements::LAW,
        limits: model.limitations.clone(),
        activate_href: (!model.active && visit.may(methods::ACTIVATE_MODEL)).then(|| change::href(&model.version)),
    })
}

/// The tabs; the second one where it may be opened.
fn tabs(visit: &Visit, of_active: bool, of_versions: bool) -> Vec<Tab> {
    if !visit.may(methods::LIST_MODELS) {
        return Vec::new();
    }
    let tab =
        |label: &str, href: &str, current| Tab { label: label.to_owned(), count: None, href: href.to_owned(), current };
    vec![tab("The active model", "/model", of_active), tab("Versions and history", "/model/versions", of_versions)]
}

/// What came of the model's scores, where who looks may know and the model speaks of a time that passes.
async fn realised(site: &Site, visit: &Visit, model: &v1::Model) -> Result<Option<Realised>, PageError> {
    if !visit.may(methods::GET_REALIZED_CALIBRATION) || !matches!(model.target, Some(v1::model::Target::Hazard(_))) {
        return Ok(None);
    }
    let request = v1::GetRealizedCalibrationRequest { model: model.name.clone() };
    let reply = site.api().actions.get_realized_calibration(visit.ask(request)).await?.into_inner();
    Ok(Some(Realised::of(&reply, model)))
}

/// Which feature.
#[derive(Debug, Deserialize)]
struct Named {
    #[serde(default)]
    name: String,
}

/// The query of a page about one feature.
type NamedFeature = Query<Named>;
