//! Making another model score, and going back to the one before: asked first, with what changes, and why.

use askama::Template;
use axum::extract::{Path, State};
use flight_risk_proto::v1;
use flight_risk_proto::v1::model_service_server::ModelService;
use flight_risk_scoring::wording::numbers::fixed;
use serde::Deserialize;

use crate::console::error::PageError;
use crate::console::frame::{Crumb, Frame, Notice, NoticeKind};
use crate::console::methods;
use crate::console::pages::model::{self, ask, told};
use crate::console::pages::{Page, request_id, show};
use crate::console::posted::Posted;
use crate::console::site::Site;
use crate::console::visit::{Visit, having};
use crate::console::words::percent;
use crate::grpc::status::ApiError;

/// The form.
#[derive(Debug, Deserialize)]
pub(super) struct Sent {
    #[serde(default)]
    etag: String,
    #[serde(default)]
    request_id: String,
    #[serde(default)]
    purpose: String,
}

/// One figure of both models.
struct Compared {
    label: &'static str,
    now: String,
    then: String,
}

#[derive(Template)]
#[template(path = "model_change.html")]
struct ChangePage {
    frame: Frame,
    action: String,
    button: &'static str,
    now: String,
    then: String,
    standing: Notice,
    other_question: Option<Notice>,
    compared: Vec<Compared>,
    added: Vec<String>,
    removed: Vec<String>,
    etag: String,
    request_id: String,
}

/// Where the page is that asks whether a model is to score.
pub(super) fn href(version: &str) -> String {
    format!("{}/activate", model::href(version))
}

/// Asks whether a model is to score.
pub(super) async fn ask_activate(State(site): State<Site>, visit: Visit, Path(version): Path<String>) -> Page {
    // The button would be refused: then there is no page with it. Whoever sends the form is asked again by the service.
    visit.permitted(methods::ACTIVATE_MODEL)?;
    let then = ask(&site, &visit, &version).await?;
    confirm(&site, &visit, then, "Activate this model?", href(&version), "Activate").await
}

/// Asks whether the model before is to score again.
pub(super) async fn ask_roll_back(State(site): State<Site>, visit: Visit) -> Page {
    visit.permitted(methods::ROLLBACK_MODEL)?;
    let before = site.core().store.activation_before().await?;
    let before = before.ok_or_else(|| PageError::from(ApiError::NoEarlierModel.into_status(None)))?;
    let then = ask(&site, &visit, &before.model_version).await?;
    confirm(&site, &visit, then, "Go back to the model before?", "/model/roll-back".to_owned(), "Go back").await
}

async fn confirm(
    site: &Site,
    visit: &Visit,
    then: v1::Model,
    title: &'static str,
    action: String,
    button: &'static str,
) -> Page {
    let now = ask(site, visit, "active").await?;
    let mut frame = visit.frame(site, title, "/model");
    frame.breadcrumbs = vec![Crumb { label: "Versions".to_owned(), href: "/model/versions".to_owned() }];
    let verdict = then.verdict.clone().unwrap_or_default();
    show(&ChangePage {
        frame,
        action,
        button,
        standing: told::standing(&verdict, ""),
        other_question: (now.target != then.target).then(|| {
            let text = "Its scores answer another question than those of the active model: they cannot be compared with them, and lists \
                        that hold both mix the two.";
            Notice::new(NoticeKind::Caution, "It predicts something else", text)
        }),
        compared: compared(&now, &then),
        added: only_in(&then, &now),
        removed: only_in(&now, &then),
        etag: now.etag.clone(),
        request_id: request_id()?,
        now: now.version,
        then: then.version,
    })
}

/// What both models say of themselves, side by side.
fn compared(now: &v1::Model, then: &v1::Model) -> Vec<Compared> {
    let quality = |model: &v1::Model| -> Option<v1::Quality> {
        let metrics = model.metrics.clone()?;
        metrics.horizon.and_then(|horizon| horizon.quality).or(metrics.rows)
    };
    let pairs = |model: &v1::Model| {
        let auc = quality(model).and_then(|quality| quality.auc);
        auc.map_or_else(|| "cannot be told".to_owned(), |auc| format!("{} of 100", fixed(auc * 100.0, 0)))
    };
    let level = |model: &v1::Model| {
        let quality = quality(model);
        quality.map_or_else(String::new, |quality| {
            format!("said {}, {} left", percent(quality.mean_predicted), percent(quality.observed_rate))
        })
    };
    let standing = |model: &v1::Model| {
        model.verdict.as_ref().map_or("Not judged", |verdict| told::standing_words(verdict.standing()).1).to_owned()
    };
    let mut rows = vec![
        Compared { label: "Verdict", now: standing(now), then: standing(then) },
        Compared { label: "Leaver ranked above stayer", now: pairs(now), then: pairs(then) },
        Compared { label: "On average", now: level(now), then: level(then) },
    ];
    let facts = |model: &v1::Model| told::facts(model);
    for label in ["Predicts", "Records from", "Employees", "Leavers among them", "Elevated risk", "High risk"] {
        let of = |model: &v1::Model| {
            facts(model).into_iter().find(|fact| fact.label == label).map_or_else(String::new, |fact| fact.figure)
        };
        rows.push(Compared { label, now: of(now), then: of(then) });
    }
    rows
}

/// The labels of features that only the first one has.
fn only_in(model: &v1::Model, other: &v1::Model) -> Vec<String> {
    let known = |feature: &&v1::ModelFeature| !other.features.iter().any(|it| it.name == feature.name);
    model.features.iter().filter(known).map(|feature| feature.label.clone()).collect()
}

/// Makes a model score.
pub(super) async fn activate(State(site): State<Site>, Path(version): Path<String>, posted: Posted<Sent>) -> Page {
    let Posted { visit, form } = posted;
    let request = v1::ActivateModelRequest {
        name: format!("models/{version}"),
        etag: form.confirmed()?,
        request_id: form.request_id,
        purpose: form.purpose.trim().to_owned(),
    };
    site.api().models.activate_model(visit.ask(request)).await?;
    visit.lead_to(&having("/model", "model-activated")).await
}

/// Makes the model before score again.
pub(super) async fn roll_back(State(site): State<Site>, posted: Posted<Sent>) -> Page {
    let Posted { visit, form } = posted;
    let request = v1::RollbackModelRequest {
        etag: form.confirmed()?,
        request_id: form.request_id,
        purpose: form.purpose.trim().to_owned(),
    };
    site.api().models.rollback_model(visit.ask(request)).await?;
    visit.lead_to(&having("/model", "model-rolled-back")).await
}

impl Sent {
    /// What was active when they were asked: without it nobody was asked.
    fn confirmed(&self) -> Result<String, PageError> {
        if self.etag.is_empty() {
            return Err(PageError::Form("it does not say which model was active when you were asked".to_owned()));
        }
        Ok(self.etag.clone())
    }
}
