//! The two documents that go with a model: a report for people who use it and a card for people who answer for it.
//!
//! Both are pure functions of the artifact: no clock, no chance, no network, so the same model always gives the same bytes.
//! Names and labels come from somebody's data; whatever they hold, they appear as text.

mod card;
mod chart;
mod effect_charts;
#[cfg(test)]
mod effect_tests;
mod escape;
mod guards;
mod joint;
mod joint_charts;
mod page;
mod quality_charts;
#[cfg(test)]
pub(crate) mod sample;
mod sections;
mod tables;
#[cfg(test)]
mod tests;
mod time_chart;

use flight_risk_scoring::Artifact;
use flight_risk_scoring::effects;
use flight_risk_scoring::wording::{numbers, statements, summary, verdict};

/// Name of the report in a model directory.
pub const REPORT_FILE_NAME: &str = "report.html";
/// Name of the model card in a model directory.
pub const CARD_FILE_NAME: &str = "model-card.md";

/// The report: one self-contained HTML page with charts, for screen and paper.
pub fn report_html(artifact: &Artifact) -> String {
    page::render(artifact)
}

/// The model card in Markdown.
pub fn model_card(artifact: &Artifact) -> String {
    card::render(artifact)
}

/// Where the model comes from, as names and texts.
fn provenance(artifact: &Artifact) -> Vec<(String, String)> {
    let content = artifact.content();
    let provenance = &content.provenance;
    let calibration = content.calibration;
    let entries = [
        ("model version", artifact.model_version().to_owned()),
        ("SHA-256 of the model", artifact.sha256().to_owned()),
        ("SHA-256 of the data", provenance.data_digest.clone()),
        ("data window", verdict::window(content).unwrap_or_else(|| "no time in the data".to_owned())),
        ("software version", provenance.software_version.clone()),
        ("seed", provenance.seed.to_string()),
        ("effective parameters", numbers::fixed(content.metrics.verdict.effective_parameters, 1)),
        (
            "calibration of the log-odds",
            if calibration == flight_risk_scoring::artifact::Calibration::NONE {
                "none needed".to_owned()
            } else {
                format!(
                    "slope {}, intercept {}",
                    numbers::fixed(calibration.slope, 3),
                    numbers::fixed(calibration.intercept, 3)
                )
            },
        ),
        ("columns of the linear model", numbers::count(content.coefficients.len() as u64)),
    ];
    entries.into_iter().map(|(name, text)| (name.to_owned(), text)).collect()
}
