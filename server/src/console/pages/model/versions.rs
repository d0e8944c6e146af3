//! Which models there are, which of them scores, and who made it so.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use flight_risk_proto::v1;
use flight_risk_proto::v1::model_service_server::ModelService;
use flight_risk_scoring::wording::numbers::{count, fixed};
use serde::Deserialize;

use crate::console::error::{PageError, encoded};
use crate::console::frame::{Frame, Pager, Tab};
use crate::console::methods;
use crate::console::pages::model::{change, href, tabs};
use crate::console::pages::place::Place;
use crate::console::pages::{Page, show};
use crate::console::site::Site;
use crate::console::visit::Visit;
use crate::console::words::{day, moment};

/// Models on a page.
const PAGE_SIZE: i32 = 50;
/// Activations shown.
const ACTIVATIONS_SHOWN: i64 = 100;

/// A model in the list.
pub(super) struct VersionRow {
    version: String,
    href: Option<String>,
    active: bool,
    data_until: String,
    pairs: String,
    rows: String,
    refusal: String,
    activate: Option<String>,
}

/// An activation.
pub(super) struct ActivationRow {
    when: String,
    version: String,
    href: String,
    who: String,
}

#[derive(Template)]
#[template(path = "model_versions.html")]
struct VersionsPage {
    frame: Frame,
    tabs: Vec<Tab>,
    rows: Vec<VersionRow>,
    pager: Option<Pager>,
    activations: Option<Vec<ActivationRow>>,
    /// Whether they may go back to the model before.
    back: bool,
}

/// Where one is in the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    page: String,
    back: String,
}

/// The models.
pub(super) async fn page(State(site): State<Site>, visit: Visit, Query(asked): Query<Asked>) -> Page {
    let request = v1::ListModelsRequest { page_size: PAGE_SIZE, page_token: asked.page.clone() };
    let listed = site.api().models.list_models(visit.ask(request)).await?.into_inner();
    let may_activate = visit.may(methods::ACTIVATE_MODEL);
    let rows: Vec<VersionRow> = listed.models.iter().map(|summary| row(summary, may_activate)).collect();
    let next = listed.next_page_token.as_str();
    let said = format!("{} on this page", crate::console::words::count(rows.len(), "model", "models"));
    let pager =
        Place::of(&asked.page, "", &asked.back).pager(said, next, rows.len(), |place| match place.page.as_str() {
            "" => "/model/versions".to_owned(),
            page => format!("/model/versions?page={}&back={}", encoded(page), encoded(&place.back)),
        });
    let pager = (!next.is_empty() || !asked.page.is_empty()).then_some(pager);
    show(&VersionsPage {
        frame: visit.frame(&site, "Models", "/model"),
        tabs: tabs(&visit, false, true),
        rows,
        pager,
        activations: activations(&site, &visit).await?,
        back: may_activate && site.core().store.activation_before().await?.is_some(),
    })
}

fn row(summary: &v1::ModelSummary, may_activate: bool) -> VersionRow {
    let version = summary.name.trim_start_matches("models/").to_owned();
    let good = summary.refusal.is_empty();
    VersionRow {
        href: (good || summary.active).then(|| href(&version)),
        activate: (good && !summary.active && may_activate).then(|| change::href(&version)),
        active: summary.active,
        data_until: summary.data_until.as_deref().map_or_else(String::new, day),
        pairs: summary.auc.map_or_else(String::new, |auc| format!("{} of 100", fixed(auc * 100.0, 0))),
        rows: if summary.training_rows == 0 { String::new() } else { count(summary.training_rows) },
        refusal: summary.refusal.clone(),
        version,
    }
}

/// Who made which model score, where who looks may know; the table of who may is that of the API.
async fn activations(site: &Site, visit: &Visit) -> Result<Option<Vec<ActivationRow>>, PageError> {
    if !visit.may(methods::LIST_ACTIVATIONS) {
        return Ok(None);
    }
    let mut extensions = tonic::Extensions::new();
    extensions.insert(Arc::clone(&visit.caller));
    let core = site.core();
    core.gate.admit(&extensions, methods::LIST_ACTIVATIONS, "").map_err(|error| error.into_status(None))?;
    let past = core.store.past_activations(ACTIVATIONS_SHOWN).await?;
    let row = |past: &crate::store::activations::PastActivation| ActivationRow {
        when: moment(past.at),
        href: href(&past.model_version),
        version: past.model_version.clone(),
        who: past.actor.clone(),
    };
    Ok(Some(past.iter().map(row).collect()))
}
