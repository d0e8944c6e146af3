//! What features do together, beyond what each does alone: the tables of pairs, and the rules, made ready to be shown.

use flight_risk_scoring::ArtifactContent;
use flight_risk_scoring::features::Unit;
use flight_risk_scoring::pair::{Axis, Pair};
use flight_risk_scoring::rules::{Condition, RuleTree};
use flight_risk_scoring::schema::{FeatureKind, SourceFeature};

use super::effects::Effect;
use super::escape::shortened;
use super::numbers::{self, multiple, percent};
use super::summary::heading;

/// Sets of features that are shown of the rules.
const SHOWN_INTERACTIONS: usize = 12;
/// A cell with fewer of the people than this is no example.
const FEW_PEOPLE: f64 = 0.005;
/// A pair whose cells move the odds by less than a twentieth is weak.
const WEAK: f64 = 0.05;
/// Levels of a shared bin that are named.
const NAMED_LEVELS: usize = 3;
/// Characters of a level's name inside the name of a bin.
const LEVEL_CHARACTERS: usize = 24;

/// One cell of a pair.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cell {
    /// Effect beyond those of the two features, against its mean over everybody.
    pub(super) effect: Effect,
    /// Share of the people in it.
    pub(super) share: f64,
}

/// One side of a pair: its feature and the names of its bins that hold anybody.
#[derive(Clone, Debug)]
pub(super) struct SideOfPair<'a> {
    /// The feature.
    pub(super) feature: &'a SourceFeature,
    /// Names of the bins.
    pub(super) bins: Vec<String>,
}

/// A pair made ready to be drawn.
#[derive(Clone, Debug)]
pub(super) struct JointEffect<'a> {
    /// Down.
    pub(super) rows: SideOfPair<'a>,
    /// Across.
    pub(super) columns: SideOfPair<'a>,
    /// Row by row.
    pub(super) cells: Vec<Vec<Cell>>,
}

/// The pairs of a model, in its order: strongest first.
pub(super) fn pairs(content: &ArtifactContent) -> Vec<JointEffect<'_>> {
    content.pairs.iter().filter_map(|pair| joint_effect(content, pair)).collect()
}

fn joint_effect<'a>(content: &'a ArtifactContent, pair: &Pair) -> Option<JointEffect<'a>> {
    let slope = content.calibration.slope;
    let mean = pair.mean();
    let [first, second] = pair.features;
    let (down, across) = (content.features.get(first)?, content.features.get(second)?);
    let [down_axis, across_axis] = &pair.axes;
    let width = across_axis.len();
    let cell = |row: usize, column: usize| {
        let at = row * width + column;
        let error = pair.variances.get(at).copied().unwrap_or_default().max(0.0).sqrt();
        let log_odds = pair.effects.get(at).copied().unwrap_or_default() - mean;
        let effect = Effect { log_odds: slope * log_odds, error: slope * error };
        Cell { effect, share: pair.shares.get(at).copied().unwrap_or_default() }
    };
    // Bins that nobody is in, such as that of unknown values where all are known, are not drawn.
    let row_holds = |row: &usize| (0..width).any(|column| cell(*row, column).share > 0.0);
    let rows: Vec<usize> = (0..down_axis.len()).filter(row_holds).collect();
    let columns: Vec<usize> =
        (0..width).filter(|&column| rows.iter().any(|&row| cell(row, column).share > 0.0)).collect();
    let names = |bins: &[usize], axis: &Axis, feature: &SourceFeature| -> Vec<String> {
        bins.iter().map(|&bin| bin_name(axis, feature, bin)).collect()
    };
    let cells: Vec<Vec<Cell>> =
        rows.iter().map(|&row| columns.iter().map(|&column| cell(row, column)).collect()).collect();
    let whole = JointEffect {
        rows: SideOfPair { feature: down, bins: names(&rows, down_axis, down) },
        columns: SideOfPair { feature: across, bins: names(&columns, across_axis, across) },
        cells,
    };
    // Names of levels have more room on the left; numbers run from left to right.
    let turned = matches!((down_axis, across_axis), (Axis::Cuts { .. }, Axis::Levels { .. }));
    Some(if turned { whole.turned() } else { whole })
}

impl JointEffect<'_> {
    fn turned(self) -> Self {
        let turned = |column: usize| self.cells.iter().filter_map(|row| row.get(column).copied()).collect();
        let cells = (0..self.columns.bins.len()).map(turned).collect();
        Self { rows: self.columns, columns: self.rows, cells }
    }

    /// Both features.
    pub(super) fn title(&self) -> String {
        format!("{} with {}", heading(self.rows.feature), self.columns.feature.label)
    }

    /// Where it matters most, in one sentence: the cells that move most people furthest, up and down.
    pub(super) fn sentence(&self) -> String {
        if self.is_weak() {
            let most = multiple(self.reach());
            return format!("Together they do hardly more than each alone: nowhere more than {most}, up or down.");
        }
        let weight =
            |cell: &Cell| if cell.share >= FEW_PEOPLE { cell.effect.log_odds * cell.share.sqrt() } else { 0.0 };
        let all =
            self.cells.iter().enumerate().flat_map(|(i, row)| row.iter().enumerate().map(move |(j, c)| (i, j, c)));
        let by_weight = |a: &(usize, usize, &Cell), b: &(usize, usize, &Cell)| weight(a.2).total_cmp(&weight(b.2));
        let highest = all.clone().max_by(by_weight).filter(|(_, _, cell)| weight(cell) > 0.0);
        let lowest = all.min_by(by_weight).filter(|(_, _, cell)| weight(cell) < 0.0);
        let place = |(i, j, cell): (usize, usize, &Cell)| {
            let bin = |side: &SideOfPair<'_>, at: usize| side.bins.get(at).cloned().unwrap_or_default();
            format!(
                "where {} is {} and {} is {} ({}; {} of the people)",
                self.rows.feature.label,
                bin(&self.rows, i),
                self.columns.feature.label,
                bin(&self.columns, j),
                multiple(cell.effect.log_odds),
                percent(cell.share)
            )
        };
        match (highest, lowest) {
            (Some(up), Some(down)) => format!(
                "Beyond what each does alone, together they raise the odds most {}, and lower them most {}.",
                place(up),
                place(down)
            ),
            _ => "Together they do hardly more than each alone.".to_owned(),
        }
    }

    /// Whether it is too weak to matter to anybody.
    pub(super) fn is_weak(&self) -> bool {
        self.reach() < WEAK
    }

    /// The strongest effect of a cell that holds more than a few.
    pub(super) fn reach(&self) -> f64 {
        let held = self.cells.iter().flatten().filter(|cell| cell.share >= FEW_PEOPLE);
        held.map(|cell| cell.effect.log_odds.abs()).fold(0.0, f64::max)
    }
}

/// The values of a bin, as people would say them.
fn bin_name(axis: &Axis, feature: &SourceFeature, bin: usize) -> String {
    if bin + 1 == axis.len() {
        return "not known".to_owned();
    }
    match (axis, &feature.kind) {
        (Axis::Cuts { cuts }, FeatureKind::Numeric { min, max, .. }) => {
            let low = bin.checked_sub(1).and_then(|before| cuts.get(before)).copied();
            let high = cuts.get(bin).copied();
            range_name(feature, cuts, (*min, *max), (low, high))
        }
        (Axis::Levels { bins }, FeatureKind::Categorical { levels, .. }) => {
            let inside: Vec<&String> =
                levels.iter().zip(bins).filter(|(_, at)| **at as usize == bin).map(|(level, _)| level).collect();
            match inside.len() {
                0 => "any other".to_owned(),
                1..=NAMED_LEVELS => {
                    inside.iter().map(|level| shortened(level, LEVEL_CHARACTERS)).collect::<Vec<_>>().join(", ")
                }
                others => format!("{others} other levels"),
            }
        }
        _ => format!("group {}", bin + 1),
    }
}

/// The name of the bin between two cuts, where there are any, of a feature seen from `min` to `max`.
fn range_name(
    feature: &SourceFeature,
    cuts: &[f64],
    (min, max): (f64, f64),
    (low, high): (Option<f64>, Option<f64>),
) -> String {
    let (factor, unit) = match feature.unit {
        Unit::Years if max < 2.0 => (12.0, " months"),
        Unit::Years => (1.0, " years"),
        Unit::Months => (1.0, " months"),
        Unit::Days => (1.0, " days"),
        Unit::Percent => (1.0, "\u{a0}%"),
        Unit::Share | Unit::Ratio => (100.0, "\u{a0}%"),
        Unit::Count | Unit::Number => (1.0, ""),
        Unit::Flag => return if low.is_some() { "yes" } else { "no" }.to_owned(),
    };
    let year = numbers::is_calendar_year(feature);
    let text = |x: f64| if year { numbers::fixed(x, 0) } else { numbers::number(x * factor) };
    // Whole numbers are named themselves: those from the cut below up to the cut above.
    let halves = |x: &f64| (x.fract().abs() - 0.5).abs() < 1e-9;
    let whole = |x: f64| x.fract().abs() < 1e-9;
    if (feature.unit == Unit::Count || cuts.iter().all(halves)) && whole(min) && whole(max) {
        let (first, last) = (low.map_or(min, f64::ceil), high.map_or(max, |high| high.ceil() - 1.0));
        return match (last > first, high) {
            (true, None) => format!("{} or more{unit}", text(first)),
            (true, Some(_)) => format!("{} to {}{unit}", text(first), text(last)),
            (false, _) => format!("{}{unit}", text(first)),
        };
    }
    match (low, high) {
        (None, Some(high)) => format!("under {}{unit}", text(high)),
        (Some(low), None) => format!("{}{unit} or more", text(low)),
        (Some(low), Some(high)) => format!("{} to {}{unit}", text(low), text(high)),
        (None, None) => "any".to_owned(),
    }
}

/// Features that act together by rules, and how strongly beside the strongest set.
#[derive(Clone, Debug)]
pub(super) struct Interaction {
    /// Their labels.
    pub(super) labels: Vec<String>,
    /// Share of the strength of the strongest.
    pub(super) strength: f64,
}

/// The rules of a model in words and strengths.
#[derive(Clone, Debug)]
pub(super) struct RulesShown {
    /// How many rules there are.
    pub(super) rules: u64,
    /// Most questions of a rule.
    pub(super) questions: u64,
    /// How many times each part of the rows was learned from.
    pub(super) members: u64,
    /// Factor of their log-odds.
    pub(super) weight: f64,
    /// The strongest sets of two and three features.
    pub(super) interactions: Vec<Interaction>,
    /// How many more there are.
    pub(super) more: usize,
    /// The questions of one rule, as an example.
    pub(super) example: Vec<String>,
}

/// The rules of a model; `None` where there are none.
pub(super) fn rules(content: &ArtifactContent) -> Option<RulesShown> {
    let part = content.rules.as_ref()?;
    let ranked = part.ensemble.interactions();
    let strongest = ranked.first().map_or(1.0, |(_, strength)| *strength);
    let label = |feature: &usize| content.features.get(*feature).map(|feature| feature.label.clone());
    let shown = ranked.iter().take(SHOWN_INTERACTIONS).map(|(features, strength)| Interaction {
        labels: features.iter().filter_map(label).collect(),
        strength: strength / strongest,
    });
    let interactions: Vec<Interaction> = shown.collect();
    let trees = || part.ensemble.members.iter().flatten();
    // It asks for all of the strongest set, and one thing of each feature.
    let of_strongest = |tree: &&RuleTree| {
        let features = tree.features();
        let all = ranked.first().is_none_or(|(set, _)| set.iter().all(|feature| features.contains(feature)));
        all && features.len() == tree.conditions.len()
    };
    let span = |tree: &RuleTree| {
        let most = tree.values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        most - tree.values.iter().copied().fold(f64::INFINITY, f64::min)
    };
    let example = trees().filter(of_strongest).max_by(|a, b| span(a).total_cmp(&span(b)));
    let questions = example.map(|tree| tree.conditions.iter().map(|c| question(content, c)).collect());
    Some(RulesShown {
        rules: trees().count() as u64,
        questions: trees().map(|tree| tree.conditions.len()).max().unwrap_or_default() as u64,
        members: part.ensemble.members.len() as u64,
        weight: part.weight,
        more: ranked.len() - interactions.len(),
        interactions,
        example: questions.unwrap_or_default(),
    })
}

fn question(content: &ArtifactContent, condition: &Condition) -> String {
    let Some(feature) = content.features.get(condition.feature()) else { return String::new() };
    match (condition, &feature.kind) {
        (Condition::OneOf { levels: chosen, .. }, FeatureKind::Categorical { levels, .. }) => {
            let name = |level: &u32| levels.get(*level as usize).map_or("any other", String::as_str);
            let names: Vec<String> =
                chosen.iter().take(NAMED_LEVELS).map(|level| shortened(name(level), LEVEL_CHARACTERS)).collect();
            let more = if chosen.len() > NAMED_LEVELS { " or another of its group" } else { "" };
            format!("is “{}” {}{more}?", feature.label, names.join(" or "))
        }
        (Condition::Above { threshold, .. }, _) => {
            format!("is “{}” above {}?", feature.label, numbers::value(feature, *threshold))
        }
        _ => format!("what is “{}”?", feature.label),
    }
}
