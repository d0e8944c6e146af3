//! The features of a model: what it looks at, how much each matters, and what each does to the risk.

use askama::Template;
use axum::extract::{Path, State};
use flight_risk_proto::v1;
use flight_risk_scoring::wording::summary::capitalised;

use crate::console::charts::{Categories, Chart, Curve, CurvePoint, Estimate, Level, Markup, Real};
use crate::console::error::{PageError, encoded};
use crate::console::frame::{Crumb, Frame};
use crate::console::pages::model::{NamedFeature, ask, href as model_href};
use crate::console::pages::{Page, show};
use crate::console::site::Site;
use crate::console::visit::Visit;
use crate::console::words::percent;

/// A feature in the table.
pub(super) struct FeatureRow {
    pub(super) label: String,
    pub(super) href: String,
    pub(super) family: &'static str,
    /// Its weight beside the strongest, in hundredths, for a bar.
    pub(super) share: u32,
    pub(super) matters: &'static str,
    pub(super) trend: String,
    pub(super) against: bool,
    pub(super) known: String,
    pub(super) actionable: bool,
    pub(super) confidential: bool,
}

/// The features, the strongest first.
pub(super) fn rows(model: &v1::Model) -> Vec<FeatureRow> {
    let strongest = model.features.iter().map(|feature| feature.importance).fold(0.0, f64::max);
    let mut features: Vec<&v1::ModelFeature> = model.features.iter().collect();
    features.sort_by(|a, b| b.importance.total_cmp(&a.importance));
    features.into_iter().map(|feature| row(model, feature, strongest)).collect()
}

fn row(model: &v1::Model, feature: &v1::ModelFeature, strongest: f64) -> FeatureRow {
    let share = if strongest > 0.0 { (feature.importance / strongest).clamp(0.0, 1.0) } else { 0.0 };
    FeatureRow {
        label: feature.label.clone(),
        href: href(&model.version, &feature.name),
        family: family(feature.family()),
        share: (share * 100.0).round() as u32,
        matters: match share {
            share if share >= 0.5 => "much",
            share if share >= 0.2 => "some",
            share if share >= 0.02 => "little",
            _ => "hardly",
        },
        trend: feature.trend.clone(),
        against: feature.against_expectation,
        known: percent(feature.known_share),
        actionable: feature.actionable,
        confidential: feature.confidential,
    }
}

/// Where the page of a feature is.
pub(in crate::console::pages) fn href(version: &str, name: &str) -> String {
    format!("{}/feature?name={}", model_href(version), encoded(name))
}

/// What a family of features is called.
pub(in crate::console::pages) fn family(family: v1::FeatureFamily) -> &'static str {
    match family {
        v1::FeatureFamily::Tenure => "Tenure",
        v1::FeatureFamily::Role => "Role",
        v1::FeatureFamily::Pay => "Pay",
        v1::FeatureFamily::Engagement => "Engagement",
        v1::FeatureFamily::Feedback => "Feedback",
        v1::FeatureFamily::ManagerAndTeam => "Manager and team",
        v1::FeatureFamily::Other | v1::FeatureFamily::Unspecified => "Other",
    }
}

#[derive(Template)]
#[template(path = "model_feature.html")]
struct FeaturePage {
    frame: Frame,
    row: FeatureRow,
    name: String,
    picture: Option<Markup>,
    outlines: bool,
}

/// What one feature does to the risk.
pub(super) async fn page(
    State(site): State<Site>,
    visit: Visit,
    Path(version): Path<String>,
    axum::extract::Query(named): NamedFeature,
) -> Page {
    let model = ask(&site, &visit, &version).await?;
    let found = model.features.iter().find(|feature| feature.name == named.name);
    let feature = found.ok_or(PageError::NotFound)?;
    let strongest = model.features.iter().map(|feature| feature.importance).fold(0.0, f64::max);
    let mut frame = visit.frame(&site, heading(feature), "/model");
    let (label, href) = match model.active {
        true => ("The model".to_owned(), "/model".to_owned()),
        false => (format!("Model {}", model.version), model_href(&model.version)),
    };
    frame.breadcrumbs = vec![Crumb { label, href }];
    show(&FeaturePage {
        frame,
        row: row(&model, feature, strongest),
        name: feature.name.clone(),
        picture: picture(feature),
        outlines: feature.confidential,
    })
}

/// A label as a heading; the name of a column of somebody's table stays as it is.
fn heading(feature: &v1::ModelFeature) -> String {
    match feature.family() {
        v1::FeatureFamily::Other | v1::FeatureFamily::Unspecified => feature.label.clone(),
        _ => capitalised(&feature.label),
    }
}

/// The curve of a number, or the levels of a category.
pub(in crate::console::pages) fn picture(feature: &v1::ModelFeature) -> Option<Markup> {
    let effect = feature.effect.as_ref()?;
    let told = |effect: Option<&v1::LogOddsEffect>| {
        let effect = effect?;
        Estimate::new(effect.log_odds, effect.low, effect.high)
    };
    let title = format!("What {} does to the risk", feature.label);
    let points: Vec<CurvePoint> = effect
        .points
        .iter()
        .filter_map(|point| Some(CurvePoint { at: Real::new(point.value)?, effect: told(point.effect.as_ref())? }))
        .collect();
    let unknown = told(effect.unknown.as_ref());
    if points.len() > 1 {
        let across = match unit(feature.unit()) {
            "" => feature.label.clone(),
            unit => format!("{}, {unit}", feature.label),
        };
        return Some(Curve { title, across, points, unknown }.figure());
    }
    let mut levels: Vec<Level> = effect
        .levels
        .iter()
        .filter_map(|level| {
            Some(Level { label: level.level.clone(), effect: told(level.effect.as_ref())?, people: None })
        })
        .collect();
    levels.extend(unknown.map(|effect| Level { label: "not known".to_owned(), effect, people: None }));
    (!levels.is_empty()).then(|| Categories { title, levels }.figure())
}

/// A mean value with its unit.
pub(in crate::console::pages) fn value(mean: f64, unit: v1::FeatureUnit) -> String {
    match unit {
        v1::FeatureUnit::Years => format!("{mean} years"),
        v1::FeatureUnit::Months => format!("{mean} months"),
        v1::FeatureUnit::Days => format!("{mean} days"),
        v1::FeatureUnit::Percent => format!("{mean}\u{a0}%"),
        v1::FeatureUnit::Flag => format!("yes for {}", percent(mean)),
        _ => format!("{mean}"),
    }
}

fn unit(unit: v1::FeatureUnit) -> &'static str {
    match unit {
        v1::FeatureUnit::Years => "years",
        v1::FeatureUnit::Months => "months",
        v1::FeatureUnit::Days => "days",
        v1::FeatureUnit::Percent => "percent",
        v1::FeatureUnit::Share => "as a share from 0 to 1",
        v1::FeatureUnit::Ratio => "as a ratio",
        v1::FeatureUnit::Count | v1::FeatureUnit::Flag | v1::FeatureUnit::Number | v1::FeatureUnit::Unspecified => "",
    }
}
