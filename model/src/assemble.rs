//! From a fit to the artifact's content: covariance, reference population, importance, bands and limits.

use flight_risk_scoring::artifact::{
    ArtifactContent, Bands, BaseRates, Calibration, Limits, Provenance, Reference, Target,
};
use flight_risk_scoring::metrics::Metrics;
use flight_risk_scoring::{Artifact, Probability, Scorer};
use ndarray::{Array2, Axis, s};

use crate::covariance::covariance;
use crate::fit::Fitted;
use crate::lead::{Pairs, lead_shifts, persistence};
use crate::pipeline::TrainError;
use crate::solver::{EXACT, Problem};
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
    pub(crate) calibration: Calibration,
    pub(crate) metrics: Metrics,
    pub(crate) provenance: Provenance,
}

/// Puts together the content of an artifact from a fit on `rows`.
pub(crate) fn assemble(
    table: &TrainingTable,
    rows: &[usize],
    fitted: Fitted,
    circumstances: Circumstances,
) -> Result<ArtifactContent, TrainError> {
    let Circumstances { target, calibration, metrics, provenance } = circumstances;
    let Fitted { design, solution } = fitted;
    let matrix = design.matrix(table, rows);
    let events: Vec<bool> = rows.iter().map(|&row| table.events.get(row).copied().unwrap_or_default()).collect();
    let groups: Vec<u32> = rows.iter().map(|&row| table.groups.get(row).copied().unwrap_or_default()).collect();
    let problem = Problem { matrix: matrix.view(), events: &events, penalty: provenance.penalty, tolerance: EXACT };
    let covariance = covariance(&problem, &solution, &groups).ok_or(TrainError::Covariance)?;
    let event_count = events.iter().filter(|&&event| event).count();
    let period = event_count as f64 / rows.len().max(1) as f64;
    let base_rates = base_rates(&target, period);
    let headline = match &target {
        Target::Hazard { horizons_months, risk_horizon_months, .. } => {
            let position = horizons_months.iter().position(|months| months == risk_horizon_months);
            position.and_then(|i| base_rates.horizons.get(i)).copied().unwrap_or(period)
        }
        Target::SinglePeriod { .. } => period,
    };
    let times_odds = |factor: f64| {
        let odds = headline / (1.0 - headline) * factor;
        odds / (1.0 + odds)
    };
    let mut employees = groups;
    employees.sort_unstable();
    employees.dedup();
    let limits = Limits {
        min_known_features: least_known(table, rows, &design),
        max_standard_error: STANDARD_ERROR_FACTOR * calibration.slope * largest_standard_error(&matrix, &covariance),
    };
    let pairs = match target {
        Target::Hazard { .. } => Some(Pairs::new(table, rows, provenance.seed)),
        Target::SinglePeriod { .. } => None,
    };
    let coefficients = solution.coefficients.to_vec();
    let persistence = match &pairs {
        Some(pairs) => persistence(table, pairs, &design, &coefficients),
        None => vec![1.0; design.features.len()],
    };
    let size = covariance.nrows();
    let lower = (0..size).flat_map(|i| covariance.slice(s![i, ..=i]).to_vec()).collect();
    let mut content = ArtifactContent {
        importance: importance(&matrix, &design, &coefficients, calibration),
        persistence,
        lead_shifts: Vec::new(),
        target,
        intercept: solution.intercept,
        coefficients,
        covariance: lower,
        calibration,
        reference: Reference {
            column_means: design.column_means.clone(),
            rows: rows.len() as u64,
            events: event_count as u64,
            employees: employees.len() as u64,
        },
        base_rates,
        bands: Bands { elevated: times_odds(ELEVATED_ODDS), high: times_odds(HIGH_ODDS) },
        limits,
        metrics,
        provenance,
        features: design.features.clone(),
        encodings: design.encodings.clone(),
    };
    if let (Some(pairs), Target::Hazard { horizons_months, period_months, .. }) = (&pairs, &content.target) {
        let periods = horizons_months.last().copied().unwrap_or_default() / period_months;
        let scorer = Scorer::new(Artifact::new(content.clone())?);
        let lead = scorer.lead_periods();
        content.lead_shifts = lead_shifts(table, pairs, &design, &scorer, lead, periods.saturating_sub(lead).max(1));
    }
    Ok(content)
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

/// Largest standard error of the log-odds over the rows.
fn largest_standard_error(matrix: &Array2<f64>, covariance: &Array2<f64>) -> f64 {
    let (intercept, cross, inner) = (covariance[[0, 0]], covariance.slice(s![1.., 0]), covariance.slice(s![1.., 1..]));
    let mut largest = 0.0_f64;
    for chunk in matrix.axis_chunks_iter(Axis(0), 4096) {
        let product = chunk.dot(&inner);
        let linear = chunk.dot(&cross);
        for ((row, image), linear) in chunk.axis_iter(Axis(0)).zip(product.axis_iter(Axis(0))).zip(linear) {
            largest = largest.max(intercept + 2.0 * linear + row.dot(&image));
        }
    }
    // A model of one constant column has no spread; the smallest positive limit still lets it answer what it knows.
    largest.max(f64::EPSILON).sqrt()
}

/// Mean absolute contribution of every feature over the rows.
fn importance(
    matrix: &Array2<f64>,
    design: &crate::design::Design,
    coefficients: &[f64],
    calibration: Calibration,
) -> Vec<f64> {
    let mut start = 0;
    let mut importance = Vec::with_capacity(design.encodings.len());
    for encoding in &design.encodings {
        let range = start..start + encoding.width();
        start = range.end;
        let weights = ndarray::aview1(coefficients.get(range.clone()).unwrap_or_default());
        let means = ndarray::aview1(design.column_means.get(range.clone()).unwrap_or_default());
        let effect = matrix.slice(s![.., range]).dot(&weights);
        let at_mean = means.dot(&weights);
        importance.push(calibration.slope * effect.mapv(|x| (x - at_mean).abs()).mean().unwrap_or_default());
    }
    importance
}
