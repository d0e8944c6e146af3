//! Effects that may move the risk in one direction only, because the schema says so.
//!
//! A fitted effect that goes the wrong way somewhere is replaced by the closest one that does not (weighted least squares over
//! the reference rows, by pooling adjacent violators: Ayer, Brunk, Ewing, Reid & Silverman 1955), and everything else is fitted
//! once more beside it. Monotone features take no part in pairs.

use flight_risk_scoring::encoding::Encoding;

use crate::additive::VariableKind;
use crate::fit::Fitted;
use crate::pipeline::TrainError;
use crate::structure::{Prepared, Structure};
use crate::table::TrainingTable;

/// Straightens every monotone effect of a fit; does nothing where all are as they should be. What is fitted once more may turn
/// another effect the wrong way, so it goes on until none does.
pub(crate) fn project(
    fitted: &mut Fitted,
    table: &TrainingTable,
    prepared: &Prepared<'_>,
    structure: &Structure,
) -> Result<(), TrainError> {
    let signs = prepared.design.signs(table);
    let mut offset = vec![0.0; prepared.events.len()];
    let mut straightened = Vec::new();
    loop {
        let before = straightened.len();
        for &(feature, sign) in &signs {
            if !straightened.contains(&feature) && straighten(fitted, prepared, (feature, sign), &mut offset) {
                straightened.push(feature);
            }
        }
        if straightened.len() == before {
            return Ok(());
        }
        fit_beside(fitted, prepared, structure, &straightened, &offset)?;
    }
}

/// Replaces the effect of one feature by the closest one that never moves against the sign and adds it to every row's offset;
/// false where nothing had to be replaced.
fn straighten(fitted: &mut Fitted, prepared: &Prepared<'_>, (feature, sign): (usize, f64), offset: &mut [f64]) -> bool {
    let columns = fitted.design.columns_of(feature);
    let (Some(encoding), Some(means)) =
        (fitted.design.encodings.get(feature), fitted.design.column_means.get(columns.clone()))
    else {
        return false;
    };
    let numbers = encoding.width() - usize::from(encoding.has_unknown_column());
    let Some(effects) = fitted.coefficients.get_mut(columns.start..columns.start + numbers) else { return false };
    let projected = match encoding {
        Encoding::Spline { .. } => pooled(effects, means, sign),
        _ => effects.iter().map(|&slope| if slope * sign < 0.0 { 0.0 } else { slope }).collect(),
    };
    if projected.iter().zip(effects.iter()).all(|(a, b)| (a - b).abs() < 1e-12) {
        return false;
    }
    effects.copy_from_slice(&projected);
    let coefficients = fitted.coefficients.get(columns).unwrap_or_default();
    let typical = coefficients.iter().zip(means).map(|(c, m)| c * m).sum();
    for (x, value) in offset.iter_mut().zip(prepared.values(feature)) {
        *x += encoding.effect(*value, coefficients, typical);
    }
    true
}

/// Fits everything but the straightened features once more, beside these.
fn fit_beside(
    fitted: &mut Fitted,
    prepared: &Prepared<'_>,
    structure: &Structure,
    straightened: &[usize],
    offset: &[f64],
) -> Result<(), TrainError> {
    let mut rest = prepared.layout(structure);
    let is_straightened =
        |kind: &VariableKind| matches!(kind, VariableKind::Feature { feature, .. } if straightened.contains(feature));
    rest.variables.retain(|variable| !is_straightened(&variable.kind));
    let solved = prepared.fit(&rest, structure, false, Some(offset), None)?;
    fitted.intercept = solved.coefficients[0];
    let mut pairs = fitted.pairs.iter_mut();
    for (variable, start) in rest.variables.iter().zip(rest.columns().starts()) {
        let columns = start..start + variable.basis.ncols();
        let effects = variable.outside(solved.coefficients.slice(ndarray::s![columns]));
        match &variable.kind {
            VariableKind::Feature { feature, .. } => {
                let columns = fitted.design.columns_of(*feature);
                if let Some(slots) = fitted.coefficients.get_mut(columns) {
                    slots.iter_mut().zip(effects).for_each(|(slot, effect)| *slot = effect);
                }
            }
            VariableKind::Pair { .. } => {
                if let Some(pair) = pairs.next() {
                    pair.effects = effects.to_vec();
                }
            }
        }
    }
    if let Some(recurring) = &mut fitted.recurring {
        recurring.effects = solved.recurring;
    }
    Ok(())
}

/// The closest values that never move against the sign, weighted.
fn pooled(values: &[f64], weights: &[f64], sign: f64) -> Vec<f64> {
    let mut pools: Vec<(f64, f64, usize)> = Vec::with_capacity(values.len());
    for (&value, &weight) in values.iter().zip(weights) {
        pools.push((value * sign, weight.max(1e-12), 1));
        while let [.., (before, w, n), (last, v, m)] = pools.as_slice()
            && before > last
        {
            let (weight, count) = (w + v, n + m);
            let mean = (before * w + last * v) / weight;
            pools.truncate(pools.len() - 2);
            pools.push((mean, weight, count));
        }
    }
    pools.into_iter().flat_map(|(value, _, count)| std::iter::repeat_n(value * sign, count)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn violators_are_pooled_by_weight() {
        assert_eq!(pooled(&[1.0, 3.0, 2.0, 4.0], &[1.0, 1.0, 3.0, 1.0], 1.0), [1.0, 2.25, 2.25, 4.0]);
        assert_eq!(pooled(&[1.0, 2.0, 3.0], &[1.0; 3], -1.0), [2.0; 3]);
        assert_eq!(pooled(&[3.0, 2.0, 1.0], &[1.0; 3], -1.0), [3.0, 2.0, 1.0]);
    }
}
