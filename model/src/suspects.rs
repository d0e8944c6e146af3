//! Features that tell almost by themselves who left: mostly written when, or because, somebody left.

use rayon::prelude::*;

use crate::config::TrainingPlan;
use crate::folds::{folds, sample};
use crate::metrics::auc;
use crate::table::{ColumnValues, TrainingTable, UNKNOWN_LEVEL};

/// Rows that are looked at.
const MAX_ROWS: usize = 40_000;
/// A feature is suspected from this AUC of its own on. Strong honest ones reach 0.9.
const SUSPECTED_AUC: f64 = 0.98;
/// Few exits reach any AUC by luck: it must be above this one by more than noise.
const HONEST_AUC: f64 = 0.95;
/// One-sided 95 % point of the normal distribution.
const Z_95: f64 = 1.645;
/// Intervals of a number's values, by quantiles.
const INTERVALS: usize = 50;
/// A level, or a value being known or not, is suspected when surely this share of those who have it left ...
const PURE: f64 = 0.9;
/// ... and it covers this share of all who left.
const COVERED: f64 = 0.2;
/// Or when it covers this share of the rows and has next to none of the exits that its share would bring, which are this many.
const EXPECTED_EXITS: f64 = 30.0;
/// Next to none: this share of them.
const SPARED: f64 = 0.02;

/// A feature that tells almost by itself who left.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Suspect {
    /// Its name.
    pub(crate) name: String,
    /// How it tells.
    pub(crate) how: String,
}

/// The suspected features of a table, in its order.
pub(crate) fn suspects(table: &TrainingTable, plan: &TrainingPlan) -> Vec<Suspect> {
    let all: Vec<usize> = (0..table.rows()).collect();
    let rows = sample(table, &all, MAX_ROWS, plan.seed);
    let events = table.events_of(&rows);
    let fold = fold_of_each(table, &rows, plan);
    let suspect = |position: usize| {
        let column = table.columns.get(position)?;
        let bins = bins(&column.values, &rows);
        let how = telling_value(&bins, &events).or_else(|| {
            let auc = out_of_fold_auc(&bins.of_row, bins.count, &events, &fold)?.max(plain_auc(
                &column.values,
                &rows,
                &events,
            ));
            (auc >= suspected_from(&events))
                .then(|| format!("by itself it ranks those who left above those who stayed with an AUC of {auc:.3}"))
        })?;
        Some(Suspect { name: column.name().to_owned(), how })
    };
    (0..table.columns.len()).into_par_iter().filter_map(suspect).collect()
}

fn fold_of_each(table: &TrainingTable, rows: &[usize], plan: &TrainingPlan) -> Vec<usize> {
    let mut fold = vec![0; rows.len()];
    for (number, held_out) in folds(table, rows, plan.folds as usize, plan.seed).iter().enumerate() {
        for row in held_out {
            if let Some(slot) = rows.binary_search(row).ok().and_then(|place| fold.get_mut(place)) {
                *slot = number;
            }
        }
    }
    fold
}

/// The lowest AUC that is suspected: above [`HONEST_AUC`] by more than the noise of so many exits (Hanley & McNeil 1982).
fn suspected_from(events: &[bool]) -> f64 {
    let positives = events.iter().filter(|&&event| event).count().max(1) as f64;
    let negatives = (events.len() as f64 - positives).max(1.0);
    let a = HONEST_AUC;
    let (q1, q2) = (a / (2.0 - a), 2.0 * a * a / (1.0 + a));
    let variance =
        (a * (1.0 - a) + (positives - 1.0) * (q1 - a * a) + (negatives - 1.0) * (q2 - a * a)) / (positives * negatives);
    (HONEST_AUC + Z_95 * variance.sqrt()).clamp(SUSPECTED_AUC, 0.9999)
}

/// The values of a column as bins: levels, or intervals of numbers with frequent values by themselves; unknown values are one.
struct Bins {
    of_row: Vec<usize>,
    count: usize,
    /// What is said of the rows of a bin, where its rows can be spoken of.
    names: Vec<Option<String>>,
}

const UNKNOWN: usize = 0;

fn bins(values: &ColumnValues, rows: &[usize]) -> Bins {
    match values {
        ColumnValues::Categorical { codes, levels } => {
            let of_row = rows.iter().map(|&row| match codes.get(row) {
                Some(&code) if code != UNKNOWN_LEVEL => code as usize + 1,
                _ => UNKNOWN,
            });
            let names = std::iter::once(None).chain(levels.iter().map(|level| Some(format!("it is `{level}`"))));
            Bins { of_row: of_row.collect(), count: levels.len() + 1, names: names.collect() }
        }
        ColumnValues::Numeric(values) => {
            let value = |row: usize| values.get(row).copied().unwrap_or(f64::NAN);
            let mut known: Vec<f64> = rows.iter().map(|&row| value(row)).filter(|v| !v.is_nan()).collect();
            known.sort_unstable_by(f64::total_cmp);
            let mut cuts: Vec<f64> =
                (1..INTERVALS).filter_map(|i| known.get(i * known.len() / INTERVALS)).copied().collect();
            cuts.dedup();
            let bin = |v: f64| {
                let below = cuts.partition_point(|&cut| cut < v);
                let at_cut = cuts.get(below).is_some_and(|cut| cut.total_cmp(&v).is_eq());
                1 + 2 * below + usize::from(at_cut)
            };
            let of_row =
                rows.iter().map(|&row| value(row)).map(|v| if v.is_nan() { UNKNOWN } else { bin(v) }).collect();
            Bins { of_row, count: 2 * cuts.len() + 2, names: Vec::new() }
        }
    }
}

/// A level, or being known or unknown, that nearly only those have who left, or hardly anybody of them.
fn telling_value(bins: &Bins, events: &[bool]) -> Option<String> {
    let mut counts = vec![(0.0_f64, 0.0_f64); bins.count];
    for (&bin, &event) in bins.of_row.iter().zip(events) {
        if let Some((rows, left)) = counts.get_mut(bin) {
            *rows += 1.0;
            *left += f64::from(u8::from(event));
        }
    }
    let total = events.len() as f64;
    let all_left: f64 = counts.iter().map(|count| count.1).sum();
    let unknown = counts.get(UNKNOWN).copied().unwrap_or_default();
    let known = (total - unknown.0, all_left - unknown.1);
    let base_rate = all_left / total.max(1.0);
    if known.0 == 0.0 || base_rate >= 0.5 {
        return None;
    }
    let pure = |&(rows, left): &(f64, f64)| {
        // Lower end of Wilson's interval.
        let (rate, z2) = (left / rows, Z_95 * Z_95);
        let half = Z_95 * (rate * (1.0 - rate) / rows + z2 / (4.0 * rows * rows)).sqrt();
        rows > 0.0 && left >= COVERED * all_left && (rate + z2 / (2.0 * rows) - half) / (1.0 + z2 / rows) >= PURE
    };
    let spared = |&(rows, left): &(f64, f64)| {
        let expected = rows * base_rate;
        rows >= COVERED * total && expected >= EXPECTED_EXITS && left <= SPARED * expected
    };
    let say = |what: &str, (rows, left): (f64, f64)| format!("where {what}, {left} of {rows} left");
    for (what, count) in [("it is known", known), ("it is blank", unknown)] {
        // Where nearly all rows are of one kind, the other kind is what tells.
        if pure(&count) || (unknown.0 > 0.0 && spared(&count)) {
            return Some(say(what, count));
        }
    }
    let level = bins.names.iter().zip(&counts).skip(1).find(|(_, count)| pure(count));
    level.and_then(|(name, &count)| Some(say(name.as_deref()?, count)))
}

/// AUC of the rates of the bins, each row's without its fold.
fn out_of_fold_auc(of_row: &[usize], count: usize, events: &[bool], fold: &[usize]) -> Option<f64> {
    let folds = fold.iter().max().map_or(1, |&last| last + 1);
    // Rows and exits of each bin, of all folds and of each.
    let mut all = vec![(0.0_f64, 0.0_f64); count];
    let mut own = vec![(0.0_f64, 0.0_f64); count * folds];
    for ((&bin, &event), &fold) in of_row.iter().zip(events).zip(fold) {
        let left = f64::from(u8::from(event));
        for slot in [all.get_mut(bin), own.get_mut(bin * folds + fold)].into_iter().flatten() {
            slot.0 += 1.0;
            slot.1 += left;
        }
    }
    let base_rate = events.iter().filter(|&&event| event).count() as f64 / events.len().max(1) as f64;
    let rate = |(&bin, &fold): (&usize, &usize)| {
        let (all, own) =
            (all.get(bin).copied().unwrap_or_default(), own.get(bin * folds + fold).copied().unwrap_or_default());
        (all.1 - own.1 + base_rate) / (all.0 - own.0 + 1.0)
    };
    let rates: Vec<f64> = of_row.iter().zip(fold).map(rate).collect();
    auc(events, &rates)
}

/// AUC of a number as it stands, in the better direction, where most who left have one.
fn plain_auc(values: &ColumnValues, rows: &[usize], events: &[bool]) -> f64 {
    let ColumnValues::Numeric(values) = values else { return 0.0 };
    let known = rows.iter().zip(events).filter_map(|(&row, &event)| Some((event, *values.get(row)?)));
    let (known_events, known_values): (Vec<bool>, Vec<f64>) = known.filter(|(_, value)| !value.is_nan()).unzip();
    let left = |events: &[bool]| events.iter().filter(|&&event| event).count();
    if 2 * left(&known_events) < left(events) {
        return 0.0;
    }
    auc(&known_events, &known_values).map_or(0.0, |auc| auc.max(1.0 - auc))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TrainingConfig;
    use crate::folds::mixed;
    use crate::table::{FlatFeature, Origin, SourceColumn};

    const ROWS: usize = 3000;

    fn uniform(seed: u64, row: usize) -> f64 {
        (mixed(seed, row as u64) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// About the normal distribution.
    fn normal(seed: u64, row: usize) -> f64 {
        (0..12).map(|i| uniform(seed * 100 + i, row)).sum::<f64>() - 6.0
    }

    fn named(events: &[bool], values: ColumnValues) -> bool {
        let origin = Origin::Flat(FlatFeature { name: "x".to_owned(), ..FlatFeature::default() });
        let table = TrainingTable {
            columns: vec![SourceColumn { origin, values }],
            events: events.to_vec(),
            groups: (0..events.len() as u32).collect(),
            named: false,
            times: None,
        };
        TrainingConfig::default().check().is_ok_and(|plan| !suspects(&table, &plan).is_empty())
    }

    fn numeric(events: &[bool], value: impl Fn(usize, bool) -> f64) -> bool {
        named(events, ColumnValues::Numeric(events.iter().enumerate().map(|(row, &event)| value(row, event)).collect()))
    }

    fn levels(events: &[bool], level: impl Fn(usize, bool) -> u32) -> bool {
        let codes = events.iter().enumerate().map(|(row, &event)| level(row, event)).collect();
        named(events, ColumnValues::Categorical { codes, levels: (0..500).map(|l| format!("{l:03}")).collect() })
    }

    #[test]
    fn leaks_are_named_and_strong_honest_features_are_not() {
        let events: Vec<bool> = (0..ROWS).map(|row| uniform(1, row) < 0.1).collect();
        let shifted = |by: f64| move |row: usize, event: bool| normal(7, row) + if event { by } else { 0.0 };
        let unless = |blank: bool| if blank { f64::NAN } else { 1.0 };
        let chance = |row: usize, p: f64| uniform(3, row) < p;
        for (what, found, expected) in [
            ("a copy of the outcome", numeric(&events, |_, event| f64::from(u8::from(event))), true),
            ("AUC .99", numeric(&events, shifted(3.3)), true),
            ("AUC .99, the other way", numeric(&events, |row, event| -shifted(3.3)(row, event)), true),
            ("AUC .9", numeric(&events, shifted(1.81)), false),
            ("AUC .95", numeric(&events, shifted(2.33)), false),
            ("noise", numeric(&events, shifted(0.0)), false),
            (
                "in the middle",
                numeric(&events, |row, event| if event { uniform(5, row) * 0.1 } else { normal(7, row).abs() + 0.11 }),
                true,
            ),
            (
                "an exit interview of half of them",
                numeric(&events, |row, event| unless(!(event && chance(row, 0.5)))),
                true,
            ),
            (
                "a review that only those have who are still here",
                numeric(&events, |row, event| unless(event || chance(row, 0.3))),
                true,
            ),
            (
                "blank more often",
                numeric(&events, |row, event| unless(chance(row, if event { 0.7 } else { 0.2 }))),
                false,
            ),
            ("blank at random", numeric(&events, |row, _| unless(chance(row, 0.9))), false),
            ("a reason for leaving", levels(&events, |row, event| if event { 1 + (row % 3) as u32 } else { 0 }), true),
            (
                "a status that half of them have",
                levels(&events, |row, event| u32::from(event && chance(row, 0.5))),
                true,
            ),
            ("identifiers", levels(&events, |row, _| (row % 500) as u32), false),
            (
                "a strong level",
                levels(&events, |row, event| u32::from(chance(row, if event { 0.8 } else { 0.1 }))),
                false,
            ),
        ] {
            assert_eq!(found, expected, "{what}");
        }
    }

    #[test]
    fn few_exits_do_not_make_a_leak() {
        let accused = (0..200_u64)
            .filter(|&seed| {
                let events: Vec<bool> = (0..300).map(|row| row < 12).collect();
                numeric(&events, |row, event| normal(1000 + seed, row) + if event { 1.81 } else { 0.0 })
            })
            .count();
        assert!(accused <= 1, "{accused} of 200 honest features with an AUC of .9 and twelve exits");
    }
}
