//! The scoring path: a checked row in, a risk with interval, contributions and doubts out.

use crate::artifact::{Artifact, ArtifactContent, Target};
pub use crate::assessment::{AbstentionReason, Assessment, Band, HorizonRisk};
use crate::encoding::Encoding;
use crate::features::{self, Clock, FeatureInput, FeatureValues};
use crate::probability::{LogOdds, Probability};
use crate::rules::CompiledRules;
use crate::schema::{FeatureKind, FeatureRow, Schema};
use crate::sparse::{Sparse, dot, dot_in_lanes, sum_in_lanes};

/// Standard errors on each side of a 90 % interval.
pub const Z_90: f64 = 1.644_853_626_951_472_7;

/// A number beyond the range of training by this share of it is unlike anything seen; a curve says nothing there.
const FAR_OUTSIDE: f64 = 0.25;
/// The model abstains when more than this share of what usually moves its scores (the features' importance) is such.
const STRANGE_SHARE: f64 = 0.1;

/// A feature's encoding with its place among the columns.
#[derive(Clone, Debug)]
struct Slot {
    encoding: Encoding,
    start: usize,
    width: usize,
    /// Effect of the columns' means: what contributions are measured from.
    typical: f64,
    clock: Option<Clock>,
    /// Known values seen in training, for numeric features.
    range: Option<(f64, f64)>,
}

impl Slot {
    fn columns(&self) -> std::ops::Range<usize> {
        self.start..self.start + self.width
    }

    /// Whether a known value lies beyond what training saw by more than a share of its range, or is a level that training saw
    /// neither by itself nor among rare ones.
    fn is_outside(&self, value: f64, share: f64) -> bool {
        match (self.range, &self.encoding) {
            (Some((min, max)), _) => {
                let margin = share * (max - min);
                value < min - margin || value > max + margin
            }
            (None, Encoding::OneHot { levels, pooled: false, .. }) => value >= *levels as f64,
            (None, _) => false,
        }
    }
}

/// A model ready to score: what the artifact holds, laid out for the path that runs for every employee.
#[derive(Clone, Debug)]
pub struct Scorer {
    artifact: Artifact,
    schema: Schema,
    slots: Vec<Slot>,
    /// Coefficients with the calibration's slope in them.
    coefficients: Vec<f64>,
    reference_log_odds: f64,
    /// Of each pair its mean over the reference population.
    pair_means: Vec<f64>,
    rules: Option<CompiledRules>,
    /// Whether a pair or a rule asks for a feature that moves by itself.
    joint_clocks: bool,
    tenure: Option<usize>,
    /// Position in the native registry of each feature; `None` for a flat table.
    native: Option<Vec<usize>>,
    /// Positions of the features that move by themselves.
    clocks: Vec<usize>,
    /// Periods between the facts and the period that they predict.
    lead_periods: i32,
    /// Abstains where features of more importance than this have values that are far outside.
    most_strange: f64,
    /// The share of every contribution that is kept so many periods ahead, for those that are asked for at every score.
    kept: Vec<Vec<f64>>,
}

impl Scorer {
    /// Lays out a checked artifact.
    pub fn new(artifact: Artifact) -> Self {
        let content = artifact.content();
        let mut slots = Vec::with_capacity(content.features.len());
        let coefficients: Vec<f64> = content.coefficients.iter().map(|c| c * content.calibration.slope).collect();
        let means = &content.reference.column_means;
        let mut start = 0;
        let hazard = matches!(content.target, Target::Hazard { .. });
        for (feature, encoding) in content.features.iter().zip(&content.encodings) {
            let range = match feature.kind {
                FeatureKind::Numeric { min, max, .. } => Some((min, max)),
                FeatureKind::Categorical { .. } => None,
            };
            let clock = if hazard { Clock::of(&feature.name) } else { None };
            let width = encoding.width();
            let columns = start..start + width;
            let part = |all: &[f64]| all.get(columns.clone()).map(<[f64]>::to_vec).unwrap_or_default();
            let typical = dot(&part(&coefficients), &part(means));
            slots.push(Slot { encoding: encoding.clone(), start, width, typical, clock, range });
            start += width;
        }
        let slope = content.calibration.slope;
        let pair_means: Vec<f64> = content.pairs.iter().map(|pair| slope * pair.mean()).collect();
        let rules = content.rules.as_ref().map(|part| CompiledRules::new(&part.ensemble, slots.len()));
        let joint = pair_means.iter().sum::<f64>()
            + content.recurring.as_ref().map_or(0.0, |recurring| slope * recurring.mean)
            + content.rules.as_ref().zip(rules.as_ref()).map_or(0.0, |(part, rules)| part.weight * rules.mean());
        let reference_log_odds =
            slope * content.intercept + dot(&coefficients, means) + joint + content.calibration.intercept;
        let schema = Schema::new(content.features.clone());
        let native = if hazard {
            content.features.iter().map(|feature| features::position(&feature.name)).collect()
        } else {
            None
        };
        let clocks =
            (0..slots.len()).filter(|&i| slots.get(i).is_some_and(|slot: &Slot| slot.clock.is_some())).collect();
        let lead_periods = match content.target {
            Target::Hazard { blackout_days, period_months, .. } => {
                (f64::from(blackout_days) / crate::date::DAYS_PER_MONTH / f64::from(period_months)).round() as i32
            }
            Target::SinglePeriod { .. } => 0,
        };
        let periods = match &content.target {
            Target::Hazard { period_months, horizons_months, .. } => {
                horizons_months.iter().max().map_or(0, |months| months.div_ceil(*period_months) as usize)
            }
            Target::SinglePeriod { .. } => 0,
        };
        let tenure = schema.position("tenure_years");
        let is_clock = |feature: &usize| slots.get(*feature).is_some_and(|slot| slot.clock.is_some());
        let joint_clocks = content.pairs.iter().any(|pair| pair.features.iter().any(is_clock))
            || content.rules.as_ref().is_some_and(|part| {
                part.ensemble.members.iter().flatten().any(|tree| tree.features().iter().any(is_clock))
            });
        Self {
            schema,
            slots,
            coefficients,
            reference_log_odds,
            pair_means,
            rules,
            joint_clocks,
            tenure,
            native,
            clocks,
            lead_periods,
            most_strange: STRANGE_SHARE * content.importance.iter().sum::<f64>(),
            kept: (0..periods).map(|ahead| kept(content, ahead)).collect(),
            artifact,
        }
    }

    /// The artifact.
    pub fn artifact(&self) -> &Artifact {
        &self.artifact
    }

    /// What the model expects of an employee.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Periods between the facts and the period that they predict: the blackout, in whole periods.
    pub fn lead_periods(&self) -> u32 {
        self.lead_periods.unsigned_abs()
    }

    /// Log-odds of the reference population, from which contributions are measured.
    pub fn reference_log_odds(&self) -> LogOdds {
        LogOdds(self.reference_log_odds)
    }

    /// The base rate at the headline horizon.
    pub fn base_rate(&self) -> f64 {
        let content = self.artifact.content();
        content.base_rates.headline(&content.target)
    }

    /// The row of an employee of native tables; `None` when the model was trained on a flat table.
    pub fn row(&self, input: &FeatureInput<'_>) -> Option<FeatureRow> {
        self.row_of(&features::compute(input))
    }

    /// The row of computed features; `None` when the model was trained on a flat table.
    pub fn row_of(&self, values: &FeatureValues) -> Option<FeatureRow> {
        let native = self.native.as_ref()?;
        let row = native.iter().map(|&position| values.get(position).copied().unwrap_or(f64::NAN)).collect();
        // Features are finite or NaN; a row of the wrong shape is impossible, one with an infinity is refused.
        self.schema.packed_row(row).ok()
    }

    /// Every feature's contribution, in the schema's order, and the standard error of the log-odds.
    ///
    /// The interventional Shapley values against the reference population, exactly: an effect of one feature is its own; a
    /// purified pair is shared in halves; a rule's cells are few enough to go through all coalitions.
    pub fn contributions(&self, row: &FeatureRow) -> (Vec<f64>, f64) {
        let content = self.artifact.content();
        let slope = content.calibration.slope;
        let values = row.values();
        let mut columns = Sparse::with_capacity(2 * self.slots.len() + 1);
        columns.push(0, 1.0);
        let effects = self.slots.iter().zip(values).map(|(slot, &value)| {
            let weights = self.coefficients.get(slot.columns()).unwrap_or_default();
            let at = |column: usize| weights.get(column).copied().unwrap_or_default();
            // The intercept comes first.
            let first = slot.start + 1;
            let means = content.reference.column_means.get(slot.columns()).unwrap_or_default();
            let mut effect = 0.0;
            slot.encoding.cells(value).each(means, |column, x| {
                columns.push(first + column, x);
                effect += x * at(column);
            });
            effect - slot.typical
        });
        let mut contributions: Vec<f64> = effects.collect();
        let mut variance = positive(columns.quadratic_form(&content.covariance));
        for (pair, mean) in content.pairs.iter().zip(&self.pair_means) {
            let cell = pair.cell(values);
            let effect = slope * pair.effects.get(cell).copied().unwrap_or_default() - mean;
            variance += pair.variances.get(cell).copied().unwrap_or_default();
            for feature in pair.features {
                if let Some(contribution) = contributions.get_mut(feature) {
                    *contribution += effect / 2.0;
                }
            }
        }
        if let Some(recurring) = &content.recurring {
            let (effect, more) = recurring.at(values);
            variance += more;
            if let Some(contribution) = contributions.get_mut(recurring.feature) {
                *contribution += slope * (effect - recurring.mean);
            }
        }
        let mut variance = slope * slope * variance;
        if let (Some(part), Some(rules)) = (&content.rules, &self.rules) {
            let score = rules.explain(values, part.weight, &mut contributions);
            variance += (part.weight * score.standard_error).powi(2);
        }
        (contributions, variance.sqrt())
    }

    /// The log-odds that come from pairs and rules.
    fn joint_log_odds(&self, values: &[f64]) -> f64 {
        let content = self.artifact.content();
        let effect = |pair: &crate::pair::Pair| pair.effects.get(pair.cell(values)).copied().unwrap_or_default();
        let pairs = content.calibration.slope * content.pairs.iter().map(effect).sum::<f64>();
        let rules = content.rules.as_ref().zip(self.rules.as_ref());
        pairs + rules.map_or(0.0, |(part, rules)| part.weight * rules.log_odds(values))
    }

    /// Scores a row: risk, interval, contributions and doubts.
    pub fn score(&self, row: &FeatureRow) -> Assessment {
        let content = self.artifact.content();
        let values = row.values();
        let (contributions, standard_error) = self.contributions(row);
        let log_odds = self.reference_log_odds + contributions.iter().sum::<f64>();
        let spread = Z_90 * standard_error;
        let (horizons, headline) = self.horizons(values, &contributions, log_odds, spread);
        let doubts = self.doubts(values, standard_error);
        let base_rate = self.base_rate();
        let band = if !doubts.is_empty() {
            Band::Abstained
        } else if headline.risk.get() >= content.bands.high {
            Band::High
        } else if headline.risk.get() >= content.bands.elevated {
            Band::Elevated
        } else {
            Band::Low
        };
        Assessment {
            log_odds: LogOdds(log_odds),
            risk: headline.risk,
            low: headline.low,
            high: headline.high,
            horizons,
            multiple_of_base_rate: headline.risk.get() / base_rate,
            band,
            contributions,
            doubts,
        }
    }

    /// Risk at every horizon, and at the headline one: the chance of leaving in any of its periods. All periods share the
    /// interval's shift, for their errors come from the same coefficients.
    fn horizons(
        &self,
        values: &[f64],
        contributions: &[f64],
        log_odds: f64,
        spread: f64,
    ) -> (Vec<HorizonRisk>, HorizonRisk) {
        let p = |shift: f64| LogOdds(log_odds + shift).probability();
        let now = HorizonRisk { months: 0, risk: p(0.0), low: p(-spread), high: p(spread) };
        let Target::Hazard { period_months, horizons_months, risk_horizon_months, .. } =
            &self.artifact.content().target
        else {
            return (Vec::new(), now);
        };
        /// Odds beyond e to the power of it are those of certainty.
        const CERTAIN: f64 = 700.0;
        // By which the odds differ at the ends of the interval, in every period.
        let wide = if spread > CERTAIN { CERTAIN } else { spread };
        let factors = [1.0, (-wide).exp(), wide.exp()];
        let mut survival = [1.0; 3];
        let mut period = 0;
        let mut horizons = Vec::with_capacity(horizons_months.len());
        let mut headline = now;
        let shifts = self.period_shifts(values, contributions, self.kept.len());
        let mut shifts = shifts.iter();
        for &months in horizons_months {
            while period * period_months < months {
                let period_log_odds = log_odds + shifts.next().copied().unwrap_or_default();
                let odds = period_log_odds.clamp(-CERTAIN, CERTAIN).exp();
                for (s, factor) in survival.iter_mut().zip(factors) {
                    *s /= 1.0 + odds * factor;
                }
                period += 1;
            }
            let [risk, low, high] = survival.map(|s| Probability::new(1.0 - s).unwrap_or(now.risk));
            let horizon = HorizonRisk { months, risk, low, high };
            if months == *risk_horizon_months {
                headline = horizon;
            }
            horizons.push(horizon);
        }
        (horizons, headline)
    }

    /// Log-odds of leaving in each of the first `periods` coming periods, given that the employee is still there at its start.
    /// Empty for a model of a flat table.
    pub fn period_log_odds(&self, row: &FeatureRow, periods: u32) -> Vec<LogOdds> {
        if self.native.is_none() {
            return Vec::new();
        }
        let assessment = self.score(row);
        let shifts = self.period_shifts(row.values(), &assessment.contributions, periods as usize);
        shifts.into_iter().map(|shift| LogOdds(assessment.log_odds.0 + shift)).collect()
    }

    /// By how much the log-odds of each of the first coming periods differ from those that today's facts give for the period that
    /// starts a blackout from today. Three things differ: the clocks have moved; what is not a clock has faded towards the typical,
    /// each feature as fast as training saw it fade; and a shift makes the mean that of what was observed so far ahead.
    fn period_shifts(&self, values: &[f64], contributions: &[f64], periods: usize) -> Vec<f64> {
        let content = self.artifact.content();
        let mut shifts = vec![0.0; periods];
        let Target::Hazard { period_months, .. } = content.target else { return shifts };
        self.add_clocks(values, period_months as i32, &mut shifts);
        let today = sum_in_lanes(contributions);
        for (shift, moved) in shifts.iter_mut().zip(-self.lead_periods..) {
            // The period that starts a blackout from today is the one that the log-odds are of.
            if moved == 0 {
                *shift = 0.0;
            }
            let Some(ahead) = usize::try_from(moved).ok().filter(|ahead| *ahead > 0) else { continue };
            let faded = match self.kept.get(ahead) {
                Some(kept) => dot_in_lanes(contributions, kept),
                None => dot_in_lanes(contributions, &kept(content, ahead)),
            };
            *shift += faded - today;
            *shift += content.lead_shifts.get(ahead).copied().unwrap_or_default();
        }
        shifts
    }

    /// Adds by how much the log-odds of each of the first coming periods move as the clocks move.
    fn add_clocks(&self, values: &[f64], period_months: i32, shifts: &mut [f64]) {
        let tenure_years = self.tenure.and_then(|i| values.get(i)).copied().unwrap_or(f64::NAN);
        let months = |period: usize| (period as i32 - self.lead_periods) * period_months;
        let mut moved = if self.joint_clocks { vec![values.to_vec(); shifts.len()] } else { Vec::new() };
        for &position in &self.clocks {
            let (Some(slot), Some(&value)) = (self.slots.get(position), values.get(position)) else { continue };
            let (Some(clock), Some(weights)) = (slot.clock, self.coefficients.get(slot.columns())) else { continue };
            let later = |period: usize| clock.advance(value, tenure_years, months(period));
            for (period, row) in moved.iter_mut().enumerate() {
                if let Some(cell) = row.get_mut(position) {
                    *cell = later(period);
                }
            }
            // A known clock stays known, and most are straight lines.
            if let (Encoding::Standardised { scale, .. }, [weight, ..], false) =
                (&slot.encoding, weights, value.is_nan())
            {
                for (period, shift) in shifts.iter_mut().enumerate() {
                    *shift += weight * (later(period) - value) / scale;
                }
            } else {
                let effect = |value: f64| slot.encoding.effect(value, weights, slot.typical);
                let now = effect(value);
                for (period, shift) in shifts.iter_mut().enumerate() {
                    *shift += effect(later(period)) - now;
                }
            }
        }
        if self.joint_clocks {
            let now = self.joint_log_odds(values);
            // Where no clock has moved, nothing has.
            for ((shift, values), period) in shifts.iter_mut().zip(&moved).zip(0..) {
                if period != self.lead_periods {
                    *shift = *shift + self.joint_log_odds(values) - now;
                }
            }
        }
    }

    fn doubts(&self, values: &[f64], standard_error: f64) -> Vec<AbstentionReason> {
        let limits = &self.artifact.content().limits;
        let mut doubts = Vec::new();
        let known = values.iter().filter(|value| !value.is_nan()).count() as u32;
        if known < limits.min_known_features {
            doubts.push(AbstentionReason::TooLittleKnown { known, of: self.slots.len() as u32 });
        }
        let outside = |(slot, value): &(&Slot, &f64)| slot.is_outside(**value, 0.0);
        let strangers = self.slots.iter().zip(values).zip(&self.artifact.content().importance);
        let strange: f64 = strangers
            .filter(|((slot, value), _)| slot.is_outside(**value, FAR_OUTSIDE))
            .map(|(_, importance)| importance)
            .sum();
        // Not `>` alone: values so large that the error is not a number are outside of everything.
        let too_uncertain = standard_error.is_nan() || standard_error > limits.max_standard_error;
        if too_uncertain || strange > self.most_strange {
            let pairs = self.slots.iter().zip(values).enumerate();
            let features = pairs.filter(|(_, pair)| outside(pair)).map(|(position, _)| position).collect();
            doubts.push(AbstentionReason::OutsideRange { features });
        }
        doubts
    }
}

/// The share of every contribution that is kept after so many periods.
fn kept(content: &ArtifactContent, periods: usize) -> Vec<f64> {
    let periods = i32::try_from(periods).unwrap_or(i32::MAX);
    content.persistence.iter().map(|kept| kept.powi(periods)).collect()
}

/// The value, or 0 where rounding made it negative; not a number stays so.
fn positive(value: f64) -> f64 {
    if value < 0.0 { 0.0 } else { value }
}
