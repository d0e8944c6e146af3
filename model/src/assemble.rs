//! From a fit to the artifact's content: covariance, reference population, importance, bands and limits.

use flight_risk_scoring::artifact::{ArtifactContent, Bands, BaseRates, Limits, Provenance, Reference, Target};
use flight_risk_scoring::metrics::Metrics;
use flight_risk_scoring::{Artifact, Probability, Scorer};
use ndarray::{Array2, s};

use crate::fit::Fitted;
use crate::lead::{Pairs, lead_shifts, persistence};
use crate::pipeline::TrainError;
use crate::selection::Selection;
use crate::table::TrainingTable;

/// Odds of the base rate times this is an elevated risk.
const ELEVATED_ODDS: f64 = 1.5;
/// Odds of the base rate times this is a high risk.
const HIGH_ODDS: f64 = 3.0;
/// One in this many training rows knows less than the limit below which the model abstains.
const LITTLE_KNOWN_ONE_IN: usize = 1000;
/// The model answers up to this multiple of the largest standard error in training.
const STANDARD_ERROR_FACTOR: f64 = 2.0;

/// Everything but the fit that an artifact holds.
#[derive(Clone, Debug)]
pub(crate) struct Circumstances {
    pub(crate) target: Target,
    pub(crate) metrics: Metrics,
    pub(crate) provenance: Provenance,
}

/// Puts together the content of an artifact from a fit on `rows`.
pub(crate) fn assemble(
    table: &TrainingTable,
    rows: &[usize],
    selection: &Selection,
    fitted: Fitted,
    circumstances: Circumstances,
) -> Result<ArtifactContent, TrainError> {
    let Circumstances { target, metrics, provenance } = circumstances;
    let Fitted { design, intercept, coefficients, covariance, effect_doubts, pairs, recurring, .. } = fitted;
    let event_count = table.events_of(rows).into_iter().filter(|&event| event).count();
    let period = event_count as f64 / rows.len().max(1) as f64;
    let base_rates = base_rates(&target, period);
    let headline = base_rates.headline(&target);
    let times_odds = |factor: f64| {
        let odds = headline / (1.0 - headline) * factor;
        odds / (1.0 + odds)
    };
    let mut employees = table.groups_of(rows);
    employees.sort_unstable();
    employees.dedup();
    let size = covariance.nrows();
    // The intercept comes first, then the features' columns one behind the other.
    let mut start = 1;
    let doubts = design.encodings.iter().map(|encoding| {
        let columns = start..start + encoding.width();
        start = columns.end;
        lower_triangle(&effect_doubts, columns)
    });
    let effect_doubts = doubts.collect();
    let features = design.features.len();
    let mut content = ArtifactContent {
        importance: vec![0.0; features],
        persistence: vec![1.0; features],
        lead_shifts: Vec::new(),
        target,
        intercept,
        coefficients,
        covariance: lower_triangle(&covariance, 0..size),
        effect_doubts,
        pairs,
        recurring,
        calibration: selection.calibration,
        rules: selection.rules.clone(),
        reference: Reference {
            column_means: design.column_means.clone(),
            rows: rows.len() as u64,
            events: event_count as u64,
            employees: employees.len() as u64,
        },
        base_rates,
        bands: Bands { elevated: times_odds(ELEVATED_ODDS), high: times_odds(HIGH_ODDS) },
        limits: Limits { min_known_features: least_known(table, rows, &design), max_standard_error: f64::MAX },
        metrics,
        provenance,
        features: design.features.clone(),
        encodings: design.encodings.clone(),
    };
    let scorer = Scorer::new(Artifact::new(content.clone())?);
    let people = Pairs::new(table, rows, content.provenance.seed);
    let explained = people.explained(table, &design, &scorer);
    content.importance = importance(&explained, features);
    // A model of one constant column has no spread; the smallest positive limit still lets it answer what it knows.
    let largest = explained.iter().fold(f64::EPSILON.sqrt(), |largest, (_, error)| largest.max(*error));
    content.limits.max_standard_error = STANDARD_ERROR_FACTOR * largest;
    if let Target::Hazard { horizons_months, period_months, .. } = content.target.clone() {
        let periods = horizons_months.last().copied().unwrap_or_default() / period_months;
        content.persistence = persistence(table, &people, &design, &explained, periods);
        let scorer = Scorer::new(Artifact::new(content.clone())?);
        let lead = scorer.lead_periods();
        content.lead_shifts = lead_shifts(table, &people, &design, &scorer, lead, periods.saturating_sub(lead).max(1));
    }
    Ok(content)
}

/// The lower triangle of a part of a symmetric matrix, row by row.
fn lower_triangle(matrix: &Array2<f64>, part: std::ops::Range<usize>) -> Vec<f64> {
    part.clone().flat_map(|i| matrix.slice(s![i, part.start..=i]).to_vec()).collect()
}

/// The rate per period, and that of leaving in any period of each horizon.
fn base_rates(target: &Target, period: f64) -> BaseRates {
    let horizons = match target {
        Target::Hazard { horizons_months, period_months, .. } => horizons_months
            .iter()
            .map(|months| {
                let periods = (0..months / period_months).filter_map(|_| Probability::new(period));
                Probability::of_any(periods).get()
            })
            .collect(),
        Target::SinglePeriod { .. } => Vec::new(),
    };
    BaseRates { period, horizons }
}

fn least_known(table: &TrainingTable, rows: &[usize], design: &crate::design::Design) -> u32 {
    let known = |&row: &usize| design.packed_row(table, row).iter().filter(|value| !value.is_nan()).count() as u32;
    let mut counts: Vec<u32> = rows.iter().map(known).collect();
    counts.sort_unstable();
    counts.get(rows.len() / LITTLE_KNOWN_ONE_IN).copied().unwrap_or_default()
}

/// Mean absolute contribution of every feature over the rows.
fn importance(explained: &[(Vec<f64>, f64)], features: usize) -> Vec<f64> {
    let mut sums = vec![0.0; features];
    for (contributions, _) in explained {
        sums.iter_mut().zip(contributions).for_each(|(sum, x)| *sum += x.abs());
    }
    sums.iter().map(|sum| sum / explained.len().max(1) as f64).collect()
}
