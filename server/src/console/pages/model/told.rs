//! What the API says of a model, in the words of the page.

use flight_risk_proto::v1;
use flight_risk_scoring::wording::numbers::{count, fixed};
use flight_risk_scoring::wording::summary::capitalised;

use crate::console::frame::{Band, Notice, NoticeKind};
use crate::console::site::Site;
use crate::console::words::{day, percent};

/// A name and what stands beside it.
pub(super) struct Figure {
    pub(super) label: String,
    pub(super) figure: String,
    pub(super) note: String,
}

impl Figure {
    fn new(label: &str, figure: impl Into<String>, note: impl Into<String>) -> Self {
        Self { label: label.to_owned(), figure: figure.into(), note: note.into() }
    }
}

/// How far the model may be used, as a notice above everything else.
pub(super) fn standing(verdict: &v1::ModelVerdict, then: &str) -> Notice {
    let (kind, words) = standing_words(verdict.standing());
    Notice::new(kind, format!("{words}{then}"), verdict.headline.clone())
}

/// How far the model may be used, in two or three words.
pub(super) fn standing_words(standing: v1::ModelStanding) -> (NoticeKind, &'static str) {
    match standing {
        v1::ModelStanding::Usable => (NoticeKind::Done, "Usable"),
        v1::ModelStanding::WithCare => (NoticeKind::Caution, "Usable with care"),
        v1::ModelStanding::NotUsable => (NoticeKind::Error, "Not usable"),
        v1::ModelStanding::Unspecified => (NoticeKind::Info, "Not judged"),
    }
}

/// A guard against leaks.
pub(super) struct GuardRow {
    pub(super) subject: &'static str,
    pub(super) finding: &'static str,
    pub(super) band: Band,
    pub(super) text: String,
}

impl GuardRow {
    pub(super) fn of(guard: &v1::ModelGuard) -> Self {
        let subject = match guard.kind() {
            v1::ModelGuardKind::ExactDuplicates => "Equal rows",
            v1::ModelGuardKind::OneEmployee => "Several rows of one employee",
            v1::ModelGuardKind::SingleFeature => "A fact that tells by itself",
            v1::ModelGuardKind::LaterFacts => "Facts written later",
            v1::ModelGuardKind::Blackout => "Facts of the notice period",
            v1::ModelGuardKind::ConfidentialAnswers => "Confidential answers worked out from the rest",
            v1::ModelGuardKind::Unspecified => "Something else",
        };
        let (finding, band) = match guard.finding() {
            v1::ModelGuardFinding::Suspected => ("Suspected: somebody should look", Band::High),
            v1::ModelGuardFinding::CannotTell => ("Cannot be told from this data", Band::NotScored),
            v1::ModelGuardFinding::Kept => ("In order", Band::Low),
            v1::ModelGuardFinding::Unspecified => ("Not known", Band::NotScored),
        };
        Self { subject, finding, band, text: capitalised(&guard.text.replace('`', "")) + "." }
    }
}

/// A test against giving everybody the same risk.
pub(super) struct EvidenceRow {
    pub(super) judged_on: String,
    pub(super) events: String,
    pub(super) pairs: String,
    pub(super) passed: &'static str,
}

impl EvidenceRow {
    pub(super) fn of(evidence: &v1::ModelEvidence) -> Self {
        Self {
            judged_on: match &evidence.split {
                Some(v1::model_evidence::Split::ByTime(split)) => format!("later time, from {}", day(&split.from)),
                Some(v1::model_evidence::Split::CrossValidation(split)) => {
                    format!("people that the judging model had not seen ({} parts)", split.folds)
                }
                None => "not told".to_owned(),
            },
            events: count(evidence.events),
            pairs: match (evidence.auc, evidence.auc_standard_error) {
                (Some(auc), Some(error)) => {
                    format!("{} of 100, give or take {}", fixed(auc * 100.0, 0), fixed(error * 200.0, 0))
                }
                (Some(auc), None) => format!("{} of 100", fixed(auc * 100.0, 0)),
                (None, _) => "cannot be told".to_owned(),
            },
            passed: if evidence.passed { "yes" } else { "no" },
        }
    }
}

/// The figures that people ask for first.
pub(super) fn tiles(site: &Site, model: &v1::Model, metrics: &v1::ModelMetrics) -> Vec<Figure> {
    let quality = metrics.horizon.as_ref().and_then(|horizon| horizon.quality.as_ref()).or(metrics.rows.as_ref());
    let mut tiles = Vec::new();
    if let Some(auc) = quality.and_then(|quality| quality.auc) {
        let figure = format!("{} of 100", fixed(auc * 100.0, 0));
        tiles.push(Figure::new("Leaver ranked above stayer", figure, "a coin reaches 50"));
    }
    if let Some(quality) = quality {
        let figure = format!("{} / {}", percent(quality.mean_predicted), percent(quality.observed_rate));
        tiles.push(Figure::new("Said / happened, on average", figure, "on people it had not seen"));
    }
    if let Some(rate) = headline_rate(model) {
        tiles.push(Figure::new("Usual risk", percent(rate), site.within()));
    }
    if let Some(provenance) = &model.provenance {
        let figure = count(provenance.training_employees);
        let note = format!("with {} who left of their own accord", count(provenance.training_events));
        tiles.push(Figure::new("Learned from employees", figure, note));
    }
    tiles
}

fn headline_rate(model: &v1::Model) -> Option<f64> {
    let rates = model.base_rates.as_ref()?;
    match &model.target {
        Some(v1::model::Target::Hazard(target)) => {
            rates.horizons.iter().find(|rate| rate.months == target.risk_horizon_months).map(|rate| rate.rate)
        }
        _ => Some(rates.period),
    }
}

/// What it speaks about and what it learned from.
pub(super) fn facts(model: &v1::Model) -> Vec<Figure> {
    let mut facts = Vec::new();
    let mut fact = |label: &str, text: String| facts.push(Figure::new(label, text, ""));
    match &model.target {
        Some(v1::model::Target::Hazard(target)) => {
            let months: Vec<String> = target.horizons_months.iter().map(u32::to_string).collect();
            fact("Predicts", format!("leaving of one’s own accord within {} months", months.join(", ")));
            if target.blackout_days > 0 {
                let text = format!("facts of the last {} days before the predicted time", target.blackout_days);
                fact("Never uses", text);
            }
        }
        Some(v1::model::Target::SinglePeriod(target)) => {
            fact("Predicts", format!("that “{}” is “{}”", target.target, target.positive));
        }
        None => {}
    }
    if let Some(it) = &model.provenance {
        fact(
            "Records from",
            match (&it.data_from, &it.data_until) {
                (Some(from), Some(until)) => format!("{} to {}", day(from), day(until)),
                (Some(from), None) => format!("{} on", day(from)),
                (None, Some(until)) => format!("the time until {}", day(until)),
                (None, None) => "no time: the records have no dates".to_owned(),
            },
        );
        fact("Employees", count(it.training_employees));
        fact("Leavers among them", count(it.training_events));
        fact("Rows", count(it.training_rows));
    }
    if let Some(bands) = &model.bands {
        fact("Elevated risk", format!("from {}", percent(bands.elevated)));
        fact("High risk", format!("from {}", percent(bands.high)));
    }
    for rate in model.base_rates.iter().flat_map(|rates| &rates.horizons) {
        fact(&format!("Usual risk within {} months", rate.months), percent(rate.rate));
    }
    facts
}

/// What an analyst or an auditor notes down.
pub(super) fn technical(model: &v1::Model) -> Vec<Figure> {
    let mut facts = Vec::new();
    let mut fact = |label: &str, text: String| facts.push(Figure::new(label, text, ""));
    fact("Version", model.version.clone());
    fact("SHA-256 of the model", model.sha256.clone());
    fact("Digest of its features", model.schema_digest.clone());
    if let Some(it) = &model.provenance {
        fact("SHA-256 of the data", it.data_digest.clone());
        fact("Trained by", format!("flight-risk {}", it.software_version));
        fact("Seed", it.seed.to_string());
        fact("Effective parameters", fixed(it.effective_parameters, 1));
    }
    let quality = model.metrics.as_ref().and_then(|metrics| metrics.rows.as_ref());
    if let Some(quality) = quality {
        let beside = |own: f64, base: f64| format!("{} (base rate: {})", fixed(own, 4), fixed(base, 4));
        fact("Log-loss per row", beside(quality.log_loss, quality.log_loss_base_rate));
        fact("Brier score per row", beside(quality.brier, quality.brier_base_rate));
        if let Some(precision) = quality.average_precision {
            fact(
                "Average precision per row",
                format!("{} (chance: {})", fixed(precision, 3), fixed(quality.observed_rate, 3)),
            );
        }
        fact("Calibration error per row", fixed(quality.calibration_error, 4));
    }
    facts
}
