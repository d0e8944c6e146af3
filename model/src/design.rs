//! From source features to the columns of the linear model: what is learned from the training rows, and the matrix.

use flight_risk_scoring::encoding::Encoding;
use flight_risk_scoring::schema::{FeatureKind, SourceFeature};
use ndarray::{Array2, ShapeBuilder};

use crate::table::{ColumnValues, SourceColumn, TrainingTable, UNKNOWN_LEVEL};
use crate::tail;

/// Fewest rows on both sides before unknown values get a column of their own.
const MIN_UNKNOWN_ROWS: usize = 5;

/// A design learned from some rows: the features that can be used, and how each becomes columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Design {
    /// Source features, in the order of packed rows.
    pub features: Vec<SourceFeature>,
    /// Their encodings.
    pub encodings: Vec<Encoding>,
    /// Position of each feature in the table's columns.
    positions: Vec<usize>,
    /// For a categorical feature, the column of each of the table's level codes.
    level_columns: Vec<Vec<u32>>,
    /// Mean of every column over the rows learned from.
    pub column_means: Vec<f64>,
    /// Features left out, and why.
    pub notes: Vec<String>,
}

impl Design {
    /// Learns means, scales, levels and which values are unknown from the given rows of a table. A feature without known
    /// values, or with one value only, is left out and noted.
    pub fn learn(table: &TrainingTable, rows: &[usize], min_level_rows: u32) -> Self {
        let mut design = Self {
            features: Vec::new(),
            encodings: Vec::new(),
            positions: Vec::new(),
            level_columns: Vec::new(),
            column_means: Vec::new(),
            notes: Vec::new(),
        };
        let mut left_out: std::collections::BTreeMap<&str, Vec<&str>> = std::collections::BTreeMap::new();
        for (position, column) in table.columns.iter().enumerate() {
            let learned = match &column.values {
                ColumnValues::Numeric(values) => numeric(column, values, rows, &table.events),
                ColumnValues::Categorical { codes, levels } => categorical(column, codes, levels, rows, min_level_rows),
            };
            match learned {
                Ok(Learned { feature, encoding, level_columns, means }) => {
                    design.features.push(feature);
                    design.encodings.push(encoding);
                    design.positions.push(position);
                    design.level_columns.push(level_columns);
                    design.column_means.extend(means);
                }
                Err(reason) => left_out.entry(reason).or_default().push(column.name()),
            }
        }
        let told =
            left_out.into_iter().map(|(reason, names)| format!("left out because {reason}: {}", names.join(", ")));
        design.notes = told.collect();
        design
    }

    /// Number of columns.
    pub fn width(&self) -> usize {
        self.column_means.len()
    }

    /// The packed value of a feature in a row: a number, the column of its level, or NaN where unknown.
    fn packed(&self, table: &TrainingTable, feature: usize, row: usize) -> f64 {
        let column = self.positions.get(feature).and_then(|&position| table.columns.get(position));
        match column.map(|column| &column.values) {
            Some(ColumnValues::Numeric(values)) => values.get(row).copied().unwrap_or(f64::NAN),
            Some(ColumnValues::Categorical { codes, .. }) => codes
                .get(row)
                .filter(|&&code| code != UNKNOWN_LEVEL)
                .and_then(|&code| self.level_columns.get(feature)?.get(code as usize))
                .map_or(f64::NAN, |&column| f64::from(column)),
            None => f64::NAN,
        }
    }

    /// The packed values of a row, in the order of the features.
    pub fn packed_row(&self, table: &TrainingTable, row: usize) -> Vec<f64> {
        (0..self.features.len()).map(|feature| self.packed(table, feature, row)).collect()
    }

    /// The packed values of a feature in the given rows.
    pub fn packed_column(&self, table: &TrainingTable, feature: usize, rows: &[usize]) -> Vec<f64> {
        rows.iter().map(|&row| self.packed(table, feature, row)).collect()
    }

    /// The columns of a feature.
    pub fn columns_of(&self, feature: usize) -> std::ops::Range<usize> {
        let widths = |count: usize| self.encodings.iter().take(count).map(Encoding::width).sum::<usize>();
        widths(feature)..widths(feature + 1)
    }

    /// The means of a feature's columns.
    pub fn means_of(&self, feature: usize) -> Vec<f64> {
        self.column_means.get(self.columns_of(feature)).unwrap_or_default().to_vec()
    }

    /// The matrix of the given rows, column-major: the solver reads columns, and beyond the cache row-major costs 2.5 times.
    pub fn matrix(&self, table: &TrainingTable, rows: &[usize]) -> Array2<f64> {
        let mut matrix = Array2::zeros((rows.len(), self.width()).f());
        let mut start = 0;
        for (feature, encoding) in self.encodings.iter().enumerate() {
            let width = encoding.width();
            let means = self.column_means.get(start..start + width).unwrap_or_default();
            for (target, &row) in rows.iter().enumerate() {
                encoding.cells(self.packed(table, feature, row)).each(means, |offset, x| {
                    if let Some(entry) = matrix.get_mut((target, start + offset)) {
                        *entry = x;
                    }
                });
            }
            start += width;
        }
        matrix
    }

    /// The monotone features, each with the sign that its effect may have.
    pub fn signs(&self, table: &TrainingTable) -> Vec<(usize, f64)> {
        let sign = |(feature, position): (usize, &usize)| {
            Some((feature, table.columns.get(*position).and_then(SourceColumn::required_sign)?))
        };
        self.positions.iter().enumerate().filter_map(sign).collect()
    }

    /// What each column stands for.
    pub fn column_names(&self) -> Vec<String> {
        let names = self.features.iter().zip(&self.encodings).map(|(feature, encoding)| {
            let levels = match &feature.kind {
                FeatureKind::Categorical { levels, .. } => levels.as_slice(),
                FeatureKind::Numeric { .. } => &[],
            };
            encoding.column_names(&feature.name, levels)
        });
        names.flatten().collect()
    }
}

struct Learned {
    feature: SourceFeature,
    encoding: Encoding,
    level_columns: Vec<u32>,
    means: Vec<f64>,
}

fn share(count: usize, of: usize) -> f64 {
    count as f64 / of.max(1) as f64
}

fn numeric(column: &SourceColumn, values: &[f64], rows: &[usize], events: &[bool]) -> Result<Learned, &'static str> {
    let mut known: Vec<f64> = rows.iter().filter_map(|&row| values.get(row)).copied().filter(|v| !v.is_nan()).collect();
    let unknown_rows = rows.len() - known.len();
    // Scaled by the largest magnitude first, so that sums of squares of huge values stay finite.
    let largest = known.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    if known.is_empty() {
        return Err("no value is known");
    }
    let unit = if largest > 0.0 { largest } else { 1.0 };
    let (mean, deviation) = moments(known.iter().copied(), unit);
    let has_unknown_column = unknown_rows >= MIN_UNKNOWN_ROWS && known.len() >= MIN_UNKNOWN_ROWS;
    // Below this the values differ by rounding alone.
    let varies = deviation > 1e-12 * unit;
    if !varies && !has_unknown_column {
        return Err("every known value is the same");
    }
    let unknown = has_unknown_column;
    let encoding = if varies && tail::is_better_as_logarithm(values, rows, events, (mean, deviation)) {
        let (mean, scale) = moments(known.iter().map(|v| v.ln_1p()), 1.0);
        Encoding::LogStandardised { mean, scale, unknown }
    } else {
        let scale = if varies { usual_deviation(&mut known, unit, deviation) } else { 1.0 };
        Encoding::Standardised { mean, scale, unknown }
    };
    let middle = (known.len() - 1) / 2;
    let (_, typical, _) = known.select_nth_unstable_by(middle, f64::total_cmp);
    let typical = *typical;
    let (min, max) = known.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &v| (a.min(v), b.max(v)));
    let feature = column.source_feature(FeatureKind::Numeric { min, max, typical }, share(known.len(), rows.len()));
    let mut means = vec![0.0];
    if has_unknown_column {
        means.push(share(unknown_rows, rows.len()));
    }
    Ok(Learned { feature, encoding, level_columns: Vec::new(), means })
}

/// Mean and standard deviation, by way of numbers divided by `unit`.
fn moments(values: impl ExactSizeIterator<Item = f64> + Clone, unit: f64) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.clone().map(|v| v / unit).sum::<f64>() / count * unit;
    let variance = values.map(|v| ((v - mean) / unit).powi(2)).sum::<f64>() / count;
    (mean, variance.sqrt() * unit)
}

/// The unit in which the penalty measures a number: its standard deviation, or where a few far values make most of that, what
/// the rest lets expect. The penalty holds back what has a large effect per unit: in a unit of which usual values are small
/// parts, it would be nearly all that a number does.
fn usual_deviation(known: &mut [f64], unit: f64, deviation: f64) -> f64 {
    /// The share at each end that is left out: a twentieth.
    const OUTER: usize = 20;
    /// Standard deviation of what is then left of a normal distribution with a standard deviation of 1.
    const LEFT_OF_NORMAL: f64 = 0.79;
    /// Numbers that are mostly the same are not told by the rest of them.
    const LEAST: f64 = 1.0 / 3.0;
    let cut = known.len() / OUTER;
    let Some(last_below) = cut.checked_sub(1) else { return deviation };
    let (_, _, above) = known.select_nth_unstable_by(last_below, f64::total_cmp);
    let kept = above.len() - cut;
    above.select_nth_unstable_by(kept - 1, f64::total_cmp);
    let (_, inner) = moments(above.iter().take(kept).copied(), unit);
    (inner / LEFT_OF_NORMAL).clamp(deviation * LEAST, deviation)
}

fn categorical(
    column: &SourceColumn,
    codes: &[u32],
    levels: &[String],
    rows: &[usize],
    min_level_rows: u32,
) -> Result<Learned, &'static str> {
    let mut counts = vec![0_usize; levels.len()];
    let mut unknown_rows = 0;
    for &row in rows {
        match codes.get(row).and_then(|&code| counts.get_mut(code as usize)) {
            Some(count) => *count += 1,
            None => unknown_rows += 1,
        }
    }
    let keep = |count: usize| count >= min_level_rows as usize;
    let kept: Vec<usize> = (0..levels.len()).filter(|&level| counts.get(level).copied().is_some_and(keep)).collect();
    let known_rows = rows.len() - unknown_rows;
    let kept_rows: usize = kept.iter().filter_map(|&level| counts.get(level)).sum();
    let pooled_rows = known_rows - kept_rows;
    let (pooled, unknown) = (pooled_rows > 0, unknown_rows > 0);
    let columns = kept.len() + usize::from(pooled) + usize::from(unknown);
    if known_rows == 0 {
        return Err("no value is known");
    }
    if columns < 2 {
        return Err("every known value is the same");
    }
    let typical = (0..levels.len()).max_by_key(|&level| (counts.get(level), std::cmp::Reverse(level)));
    let typical = typical.and_then(|level| levels.get(level)).cloned().unwrap_or_default();
    let mut level_columns = vec![kept.len() as u32; levels.len()];
    for (position, &level) in kept.iter().enumerate() {
        if let Some(slot) = level_columns.get_mut(level) {
            *slot = position as u32;
        }
    }
    let kept_levels = kept.iter().filter_map(|&level| levels.get(level)).cloned().collect();
    let mut means: Vec<f64> =
        kept.iter().filter_map(|&level| counts.get(level)).map(|&count| share(count, rows.len())).collect();
    if pooled {
        means.push(share(pooled_rows, rows.len()));
    }
    if unknown {
        means.push(share(unknown_rows, rows.len()));
    }
    let kind = FeatureKind::Categorical { levels: kept_levels, typical };
    Ok(Learned {
        feature: column.source_feature(kind, share(known_rows, rows.len())),
        encoding: Encoding::OneHot { levels: kept.len(), pooled, unknown },
        level_columns,
        means,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl Iterator<Item = f64>) -> (f64, f64) {
        let mut known: Vec<f64> = values.collect();
        let (_, deviation) = moments(known.iter().copied(), 1.0);
        (usual_deviation(&mut known, 1.0, deviation), deviation)
    }

    #[test]
    fn far_values_do_not_set_the_unit() {
        // Nearly normal: the sum of three even parts.
        let even = |i: u32, step: u32| f64::from(i.wrapping_mul(step) % 1009) / 1009.0;
        let usual = |i: u32| even(i, 271) + even(i, 523) + even(i, 739);
        let (unit, deviation) = of((0..1009).map(usual));
        assert!((unit / deviation - 1.0).abs() < 0.05, "{unit} {deviation}");
        let (far, far_deviation) = of((0..1009).map(|i| if i % 40 == 7 { 10.0 } else { usual(i) }));
        assert!(far_deviation > 2.5 * deviation && (far / unit - 1.0).abs() < 0.1, "{far} {unit} {far_deviation}");
    }

    #[test]
    fn what_is_mostly_the_same_or_few_is_told_by_all_of_it() {
        // A flag that few have, and a count that most people have none of.
        for rare in [0.02, 0.06] {
            let (unit, deviation) = of((0..1000).map(|i| if f64::from(i) < 1000.0 * rare { 1.0 } else { 0.0 }));
            assert!(unit >= deviation / 3.0 && unit <= deviation, "{unit} {deviation}");
        }
        let (unit, deviation) = of((0..19).map(|i| f64::from(i * i)));
        assert!((unit - deviation).abs() < 1e-12);
    }
}
