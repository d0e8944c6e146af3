//! Whether a model may be used: refused only where the evidence says that it is no better than the base rate, or where there is
//! too little to have learned anything.
//!
//! Refusing a useful model costs as much as publishing noise, so the test asks for ranking *or* log-loss: a model whose base rate
//! moved between training and judging still ranks, and is used with care; a model that ranks nobody better than chance and
//! predicts no better than the average is of no use to anybody. The judged rows speak first. Where they lie in later time and hold
//! too few exits to exclude a useful model, all rows, each predicted by a model that had not seen it, may speak for it.

use flight_risk_scoring::metrics::{Evidence, Verdict, WeakReason};

/// Standard errors by which AUC or log-loss must beat chance. The folds of cross-validation share most of what they learned from,
/// so the AUC of noise spreads 1.2 to 1.5 times as wide as its standard error says: of 100 tables of noise 5 passed, where the
/// normal distribution promises 1. Of tables with 60 leavers among 1,000 and ten features, 50 % passed when the best possible AUC
/// was 0.65, and 93 % when it was 0.7. With 2 it would be 11 of 100, 60 % and 95 %.
pub(crate) const Z_BEYOND_NOISE: f64 = 2.33;
/// The judged rows contradict other evidence when they say, as surely as this many standard errors, ...
const Z_CONTRADICTED: f64 = 1.645;
/// ... that the AUC is less than this.
const HARDLY_USEFUL_AUC: f64 = 0.55;
/// Fewer voluntary exits than this cannot be told from chance by any model worth using.
pub const LEAST_EVENTS: u64 = 15;
/// Fewer voluntary exits than this per effective parameter. The rules of ten or twenty are for fits without a penalty; a penalty
/// chosen on held-out rows takes parameters away by itself, and one that leaves twice as many of them as there are exits has failed.
pub const LEAST_EVENTS_PER_PARAMETER: f64 = 0.5;

/// The verdict on a model that is only judged and never written.
pub(crate) fn pending() -> Verdict {
    Verdict {
        publishable: false,
        reasons: Vec::new(),
        allowed_weak: false,
        evidence: Vec::new(),
        events: 0,
        effective_parameters: 0.0,
    }
}

/// Judges the evidence, that of the judged rows first.
pub(crate) fn verdict(evidence: Vec<Evidence>, events: u64, effective_parameters: f64, allow_weak: bool) -> Verdict {
    let mut reasons = Vec::new();
    let better = match evidence.split_first() {
        Some((judged, others)) => judged.passed || (!contradicts(judged) && others.iter().any(|other| other.passed)),
        None => false,
    };
    if !better {
        reasons.push(WeakReason::NoBetterThanBaseRate);
    }
    if events < LEAST_EVENTS {
        reasons.push(WeakReason::FewEvents { least: LEAST_EVENTS });
    }
    if (events as f64) < LEAST_EVENTS_PER_PARAMETER * effective_parameters {
        reasons.push(WeakReason::FewEventsPerParameter { least: LEAST_EVENTS_PER_PARAMETER });
    }
    let publishable = reasons.is_empty();
    Verdict { publishable, reasons, allowed_weak: allow_weak && !publishable, evidence, events, effective_parameters }
}

/// Whether the judged rows exclude a useful model.
fn contradicts(judged: &Evidence) -> bool {
    judged
        .auc
        .zip(judged.auc_standard_error)
        .is_some_and(|(auc, error)| auc + Z_CONTRADICTED * error < HARDLY_USEFUL_AUC)
}

/// What speaks against a model, a sentence each.
pub fn reasons(verdict: &Verdict) -> Vec<String> {
    let reason = |reason: &WeakReason| match reason {
        WeakReason::NoBetterThanBaseRate => {
            let judged = verdict.evidence.first();
            let figures = judged.map_or(String::new(), |judged| {
                let auc = judged.auc.zip(judged.auc_standard_error);
                let auc = auc.map_or(String::new(), |(auc, error)| {
                    format!("AUC {auc:.3} with a standard error of {error:.3}, chance is 0.5; ")
                });
                format!(
                    " ({} exits that it had not seen: {auc}log-loss lower by {:.5} with a standard error of {:.5})",
                    judged.events, judged.log_loss_gain, judged.log_loss_gain_standard_error
                )
            });
            format!("the model is no better than the base rate, which gives everybody the same risk{figures}")
        }
        WeakReason::FewEvents { least } => {
            format!("{} voluntary exits are too few to rely on; at least {least} are needed", verdict.events)
        }
        WeakReason::FewEventsPerParameter { least } => format!(
            "{} voluntary exits are too few for the {:.0} parameters that the fit really has; at least {least} for each are needed: drop features, add history or set `complexity = \"lines\"`",
            verdict.events, verdict.effective_parameters
        ),
    };
    verdict.reasons.iter().map(reason).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use flight_risk_scoring::metrics::Split;

    fn evidence(auc: f64, error: f64, passed: bool) -> Evidence {
        Evidence {
            split: Split::CrossValidation { folds: 5 },
            events: 40,
            auc: Some(auc),
            auc_standard_error: Some(error),
            log_loss_gain: 0.0,
            log_loss_gain_standard_error: 0.01,
            passed,
        }
    }

    #[test]
    fn the_judged_rows_speak_first_and_others_only_where_they_cannot_tell() {
        for (judged, others, better) in [
            (evidence(0.7, 0.03, true), vec![], true),
            (evidence(0.5, 0.03, false), vec![], false),
            (evidence(0.7, 0.03, true), vec![evidence(0.5, 0.02, false)], true),
            (evidence(0.6, 0.08, false), vec![evidence(0.65, 0.03, true)], true),
            (evidence(0.6, 0.08, false), vec![evidence(0.52, 0.03, false)], false),
            (evidence(0.5, 0.02, false), vec![evidence(0.65, 0.03, true)], false),
        ] {
            let case = format!("{judged:?} {others:?}");
            let all = std::iter::once(judged).chain(others).collect();
            let verdict = verdict(all, 60, 10.0, false);
            assert_eq!((verdict.publishable, verdict.beats_base_rate()), (better, better), "{case}");
        }
    }

    #[test]
    fn few_exits_are_said_and_the_override_is_recorded_only_where_it_counted() {
        let of = |events, parameters, allow| verdict(vec![evidence(0.8, 0.03, true)], events, parameters, allow);
        assert_eq!(of(LEAST_EVENTS - 1, 3.0, false).reasons, [WeakReason::FewEvents { least: LEAST_EVENTS }]);
        let crowded = of(30, 61.0, true);
        assert_eq!(crowded.reasons, [WeakReason::FewEventsPerParameter { least: LEAST_EVENTS_PER_PARAMETER }]);
        assert!(crowded.allowed_weak && !crowded.publishable && crowded.beats_base_rate());
        assert!(reasons(&crowded).concat().contains("61 parameters"), "{:?}", reasons(&crowded));
        let fine = of(30, 60.0, true);
        assert!(fine.publishable && !fine.allowed_weak);
    }
}
