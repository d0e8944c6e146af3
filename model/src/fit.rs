//! Fitting a structure on all rows, and what comes out in the artifact's terms.

use flight_risk_scoring::artifact::Block;
use flight_risk_scoring::encoding::{Cells, Encoding};
use flight_risk_scoring::pair::{Pair, Recurring};
use ndarray::{Array1, Array2, s};

use crate::additive::{Penalised, Variable, VariableKind};
use crate::config::TrainingPlan;
use crate::covariance::uncertainty;
use crate::design::Design;
use crate::folds;
use crate::monotone;
use crate::pipeline::TrainError;
use crate::selection::MAX_SELECTION_ROWS;
use crate::solver::{self, EXACT, Problem};
use crate::structure::{Layout, Prepared, RECURRING, Structure};
use crate::table::TrainingTable;

/// Cells of a dense matrix up to which a model of straight lines is fitted to the exact values rather than to bins.
const MAX_DENSE_CELLS: usize = 400_000_000;

/// Rows from which the penalties of the final model are found, at most about.
const MAX_PENALTY_ROWS: usize = 300_000;

/// A fitted additive model.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// The features with their encodings, curves among them.
    pub design: Design,
    /// Log-odds at zero in every column.
    pub intercept: f64,
    /// Log-odds per unit of each column of the design.
    pub coefficients: Vec<f64>,
    /// Covariance of intercept (first) and coefficients; empty where none was asked for.
    pub covariance: Array2<f64>,
    /// What is added to it where the effect of one feature is told by itself; empty where none was asked for.
    pub effect_doubts: Array2<f64>,
    /// Effects of two features together.
    pub pairs: Vec<Pair>,
    /// Effects of values that recur.
    pub recurring: Option<Recurring>,
    /// The blocks of coefficients.
    pub blocks: Vec<Block>,
}

impl Fitted {
    /// The parameters that the fit really has, the intercept among them.
    pub fn effective_parameters(&self) -> f64 {
        1.0 + self.blocks.iter().map(|block| block.effective_parameters).sum::<f64>()
    }

    /// Log-odds of some rows, not calibrated.
    pub fn log_odds(&self, table: &TrainingTable, rows: &[usize]) -> Vec<f64> {
        let mut log_odds = vec![self.intercept; rows.len()];
        let packed: Vec<Vec<f64>> =
            (0..self.design.features.len()).map(|feature| self.design.packed_column(table, feature, rows)).collect();
        let mut start = 0;
        for (encoding, values) in self.design.encodings.iter().zip(&packed) {
            let columns = start..start + encoding.width();
            start = columns.end;
            let coefficients = self.coefficients.get(columns.clone()).unwrap_or_default();
            let means = self.design.column_means.get(columns).unwrap_or_default();
            let typical = coefficients.iter().zip(means).map(|(c, m)| c * m).sum();
            for (x, &value) in log_odds.iter_mut().zip(values) {
                *x += encoding.effect(value, coefficients, typical);
            }
        }
        let mut row = vec![f64::NAN; packed.len()];
        if !self.pairs.is_empty() || self.recurring.is_some() {
            for (place, x) in log_odds.iter_mut().enumerate() {
                row.iter_mut().zip(&packed).for_each(|(cell, values)| *cell = values[place]);
                *x += self.pairs.iter().filter_map(|pair| pair.effects.get(pair.cell(&row))).sum::<f64>();
                *x += self.recurring.as_ref().map_or(0.0, |recurring| recurring.at(&row).0);
            }
        }
        log_odds
    }
}

/// How much of a fit is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Effects alone, to predict and compare.
    Effects,
    /// Effects and their uncertainty.
    Covariance,
}

/// Fits a structure with its penalties on the given rows.
///
/// # Errors
/// When nothing can be learned or the solver fails.
pub(crate) fn fit(
    table: &TrainingTable,
    rows: &[usize],
    design: &Design,
    structure: &Structure,
    plan: &TrainingPlan,
    wanted: Wanted,
) -> Result<Fitted, TrainError> {
    if design.width() == 0 {
        return Err(TrainError::NoFeatures(design.notes.clone()));
    }
    let prepared = Prepared::new(design, table, rows);
    let (mut structure, mut near) = (structure.clone(), None);
    // Where the structure was chosen on fewer rows: few exits can make all effects of a block look small, and a penalty that says so
    // would hold back what many exits show.
    if rows.len() > MAX_PENALTY_ROWS {
        let sampled = folds::sample(table, rows, MAX_PENALTY_ROWS, plan.seed);
        Prepared::new(design, table, &sampled).settle(&mut structure)?;
    } else if rows.len() > MAX_SELECTION_ROWS {
        near = Some(prepared.settle(&mut structure)?);
    }
    fit_prepared(&prepared, (table, rows), &structure, plan, wanted, near.as_ref())
}

/// The same for rows that are prepared already; `near`: a fit that may be of the same structure.
///
/// # Errors
/// When the solver fails.
pub(crate) fn fit_prepared(
    prepared: &Prepared<'_>,
    (table, rows): (&TrainingTable, &[usize]),
    structure: &Structure,
    plan: &TrainingPlan,
    wanted: Wanted,
    near: Option<&Penalised>,
) -> Result<Fitted, TrainError> {
    let layout = prepared.layout(structure);
    let solved = prepared.fit(&layout, structure, false, None, near)?;
    let mut fitted = outward(prepared, &layout, &solved, rows.len());
    if wanted == Wanted::Covariance {
        let inner = uncertainty(table, rows, &layout, &solved, &prepared.events, plan);
        fitted.covariance = outward_covariance(&layout, &inner.risks);
        fitted.effect_doubts = outward_covariance(&layout, &inner.effects);
    }
    if wanted == Wanted::Covariance
        && structure.is_straight()
        && rows.len() * prepared.design.width() <= MAX_DENSE_CELLS
    {
        exact(&mut fitted, table, rows, &layout, &solved)?;
    }
    monotone::project(&mut fitted, table, prepared, structure)?;
    Ok(fitted)
}

/// Straight lines once more, on the values themselves: discretising moved them by less than a bin's width.
fn exact(
    fitted: &mut Fitted,
    table: &TrainingTable,
    rows: &[usize],
    layout: &Layout,
    solved: &Penalised,
) -> Result<(), TrainError> {
    // One penalty for all: a column with k times the penalty is divided by the root of k.
    let scales: Vec<f64> = layout.penalties(solved).map(|penalty| 1.0 / penalty.sqrt()).collect();
    let mut matrix = fitted.design.matrix(table, rows);
    for (mut column, scale) in matrix.columns_mut().into_iter().zip(&scales) {
        column *= *scale;
    }
    let events = table.events_of(rows);
    let start = solver::Solution {
        intercept: fitted.intercept,
        coefficients: fitted.coefficients.iter().zip(&scales).map(|(c, s)| c / s).collect(),
    };
    let problem = Problem { matrix: matrix.view(), events: &events, penalty: 1.0, tolerance: EXACT };
    let solution = solver::fit(&problem, Some(&start))?;
    fitted.intercept = solution.intercept;
    fitted.coefficients = solution.coefficients.iter().zip(&scales).map(|(c, s)| c * s).collect();
    Ok(())
}

/// A fit in the artifact's terms: encodings with curves, coefficients of their columns, pairs as tables of cells.
fn outward(prepared: &Prepared<'_>, layout: &Layout, solved: &Penalised, rows: usize) -> Fitted {
    let mut design = prepared.design.clone();
    let (mut coefficients, mut means, mut pairs) = (Vec::new(), Vec::new(), Vec::new());
    for (variable, start) in layout.variables.iter().zip(layout.columns().starts()) {
        let columns = start..start + variable.basis.ncols();
        let outside = variable.outside(solved.coefficients.slice(s![columns.clone()]));
        match &variable.kind {
            VariableKind::Feature { feature, knots } => {
                coefficients.extend(outside);
                if let (Some(encoding), false) = (design.encodings.get_mut(*feature), knots.is_empty()) {
                    *encoding = Encoding::Spline { knots: knots.clone(), unknown: encoding.has_unknown_column() };
                    means.extend(column_means(prepared, *feature, encoding));
                } else {
                    means.extend(prepared.design.means_of(*feature));
                }
            }
            VariableKind::Pair { features, axes } => {
                let inverse = solved.inverse.slice(s![columns.clone(), columns]);
                let mut shares = vec![0.0; variable.basis.nrows()];
                for &code in &variable.codes {
                    if let Some(share) = shares.get_mut(code as usize) {
                        *share += 1.0 / rows as f64;
                    }
                }
                let variances =
                    variable.basis.rows().into_iter().map(|row| row.dot(&inverse.dot(&row)).max(0.0)).collect();
                pairs.push(Pair {
                    features: *features,
                    axes: axes.clone(),
                    effects: outside.to_vec(),
                    variances,
                    shares,
                });
            }
        }
    }
    design.column_means = means;
    let recurring = layout.recurrence.as_ref().map(|(feature, values, recurrence)| {
        let effect = |place: &Option<u32>| {
            place.and_then(|place| solved.recurring.get(place as usize)).copied().unwrap_or_default()
        };
        Recurring {
            feature: *feature,
            values: values.clone(),
            effects: solved.recurring.clone(),
            variances: solved.recurring_variances.clone(),
            mean: recurrence.places.iter().map(effect).sum::<f64>() / rows as f64,
            unseen_variance: 1.0 / solved.recurring_penalty,
        }
    });
    Fitted {
        design,
        intercept: solved.coefficients[0],
        coefficients,
        covariance: Array2::zeros((0, 0)),
        effect_doubts: Array2::zeros((0, 0)),
        pairs,
        recurring,
        blocks: blocks(layout, solved),
    }
}

/// The means of a curve's columns over the rows; those whose value is unknown without a column for it count as the mean.
fn column_means(prepared: &Prepared<'_>, feature: usize, encoding: &Encoding) -> Vec<f64> {
    let (mut means, mut rows) = (Array1::<f64>::zeros(encoding.width()), 0.0);
    for (value, count) in prepared.half_bins(feature) {
        let cells = encoding.cells(value);
        if cells != Cells::Typical {
            cells.each(&[], |column, x| means[column] += count * x);
            rows += count;
        }
    }
    if rows > 0.0 {
        means /= rows;
    }
    means.to_vec()
}

fn blocks(layout: &Layout, solved: &Penalised) -> Vec<Block> {
    let mut columns = vec![0_u32; layout.blocks.len()];
    for &block in layout.variables.iter().flat_map(|variable| &variable.blocks) {
        if let Some(count) = columns.get_mut(block) {
            *count += 1;
        }
    }
    let mut blocks: Vec<Block> = layout
        .blocks
        .iter()
        .zip(&columns)
        .zip(solved.penalties.iter().zip(&solved.effective))
        .filter(|((_, columns), _)| **columns > 0)
        .map(|((name, &columns), (&penalty, &effective))| Block {
            name: name.clone(),
            columns,
            penalty,
            effective_parameters: effective.max(0.0),
        })
        .collect();
    if !solved.recurring.is_empty() {
        blocks.push(Block {
            name: RECURRING.to_owned(),
            columns: solved.recurring.len() as u32,
            penalty: solved.recurring_penalty,
            effective_parameters: solved.recurring_effective.max(0.0),
        });
    }
    blocks
}

/// The covariance of intercept and features in the artifact's columns; pairs carry their variances with them.
fn outward_covariance(layout: &Layout, inner: &Array2<f64>) -> Array2<f64> {
    let features: Vec<(&Variable, usize)> = layout
        .variables
        .iter()
        .zip(layout.columns().starts())
        .filter(|(variable, _)| matches!(variable.kind, VariableKind::Feature { .. }))
        .collect();
    let size = 1 + features.iter().map(|(variable, _)| variable.outward.nrows()).sum::<usize>();
    let mut left = Array2::zeros((size, inner.ncols()));
    left.row_mut(0).assign(&inner.row(0));
    let mut row = 1;
    for (variable, start) in &features {
        let height = variable.outward.nrows();
        let columns = *start..*start + variable.basis.ncols();
        left.slice_mut(s![row..row + height, ..]).assign(&variable.outward.dot(&inner.slice(s![columns, ..])));
        row += height;
    }
    let mut both = Array2::zeros((size, size));
    both.column_mut(0).assign(&left.column(0));
    let mut column = 1;
    for (variable, start) in &features {
        let width = variable.outward.nrows();
        let columns = *start..*start + variable.basis.ncols();
        both.slice_mut(s![.., column..column + width]).assign(&left.slice(s![.., columns]).dot(&variable.outward.t()));
        column += width;
    }
    // Symmetric up to rounding; made so exactly.
    let transposed: Array2<f64> = both.t().to_owned();
    (both + transposed) / 2.0
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use flight_risk_scoring::LogOdds;

    use super::*;
    use crate::config::{Complexity, TrainingConfig};
    use crate::folds::mixed;
    use crate::table::{ColumnValues, FlatFeature, Origin, SourceColumn};

    #[test]
    fn a_penalty_from_rows_that_show_nothing_does_not_hold_back_what_all_rows_show() {
        const ROWS: usize = 40_000;
        const SILENT: usize = 3_000;
        let uniform = |seed: u64, row: usize| (mixed(seed, row as u64) >> 11) as f64 / (1_u64 << 53) as f64;
        let values: Vec<f64> = (0..ROWS).map(|row| uniform(1, row) * 4.0 - 2.0).collect();
        let event = |(row, x): (usize, &f64)| {
            let effect = if row < SILENT { 0.0 } else { *x };
            uniform(2, row) < LogOdds(effect - 3.0).probability().get()
        };
        let table = TrainingTable {
            events: values.iter().enumerate().map(event).collect(),
            columns: vec![SourceColumn {
                origin: Origin::Flat(FlatFeature { name: "x".to_owned(), ..FlatFeature::default() }),
                values: ColumnValues::Numeric(values),
            }],
            groups: (0..ROWS as u32).collect(),
            named: false,
            times: None,
        };
        let plan = TrainingConfig { complexity: Complexity::Lines, ..TrainingConfig::default() }.check().unwrap();
        let [silent, all] = [SILENT, ROWS].map(|rows| (0..rows).collect::<Vec<usize>>());
        let design = Design::learn(&table, &all, plan.min_level_rows);
        let (structure, _) =
            Prepared::new(&design, &table, &silent).find(&plan, Complexity::Lines, &Structure::default()).unwrap();
        let slope = |rows: &[usize]| {
            let fitted = fit(&table, rows, &design, &structure, &plan, Wanted::Effects).unwrap();
            let Encoding::Standardised { scale, .. } = fitted.design.encodings[0] else { unreachable!("a line") };
            fitted.coefficients[0] / scale
        };
        // With no more rows than a structure is chosen on, what was chosen holds.
        let (few, many) = (slope(&all[..MAX_SELECTION_ROWS]), slope(&all));
        assert!((many - 0.92).abs() < 0.1 && few < 0.96 * many, "{few} {many}");
    }
}
