//! How a model was judged, in the API's words.

use flight_risk_proto::v1;
use flight_risk_scoring::ArtifactContent;
use flight_risk_scoring::metrics::{Evidence, Guard, GuardFinding, GuardKind, PeriodQuality, Split};
use flight_risk_scoring::wording::periods;
use flight_risk_scoring::wording::verdict::{self, Standing};

/// Whether a model may be used.
pub(super) fn verdict(content: &ArtifactContent) -> v1::ModelVerdict {
    let verdict = &content.metrics.verdict;
    let standing = match verdict::standing(content) {
        Standing::Usable => v1::ModelStanding::Usable,
        Standing::WithCare => v1::ModelStanding::WithCare,
        Standing::NotUsable => v1::ModelStanding::NotUsable,
    };
    v1::ModelVerdict {
        standing: standing.into(),
        headline: verdict::first_line(content),
        sentences: verdict::verdict(content).into_iter().chain(verdict::evidence(content)).collect(),
        cautions: verdict::cautions(content),
        publishable: verdict.publishable,
        allowed_weak: verdict.allowed_weak,
        evidence: verdict.evidence.iter().map(evidence).collect(),
    }
}

fn evidence(evidence: &Evidence) -> v1::ModelEvidence {
    let split = match &evidence.split {
        Split::ByTime { from } => v1::model_evidence::Split::ByTime(v1::TimeSplit { from: from.clone() }),
        Split::CrossValidation { folds } => {
            v1::model_evidence::Split::CrossValidation(v1::CrossValidationSplit { folds: *folds })
        }
    };
    v1::ModelEvidence {
        split: Some(split),
        events: evidence.events,
        auc: evidence.auc,
        auc_standard_error: evidence.auc_standard_error,
        log_loss_gain: evidence.log_loss_gain,
        log_loss_gain_standard_error: evidence.log_loss_gain_standard_error,
        passed: evidence.passed,
    }
}

/// What was done against a leak.
pub(super) fn guard(guard: Guard) -> v1::ModelGuard {
    let kind = match guard.kind {
        GuardKind::ExactDuplicates => v1::ModelGuardKind::ExactDuplicates,
        GuardKind::OneEmployee => v1::ModelGuardKind::OneEmployee,
        GuardKind::SingleFeature => v1::ModelGuardKind::SingleFeature,
        GuardKind::LaterFacts => v1::ModelGuardKind::LaterFacts,
        GuardKind::Blackout => v1::ModelGuardKind::Blackout,
        GuardKind::ConfidentialAnswers => v1::ModelGuardKind::ConfidentialAnswers,
    };
    let finding = match guard.finding {
        GuardFinding::Kept => v1::ModelGuardFinding::Kept,
        GuardFinding::Suspected => v1::ModelGuardFinding::Suspected,
        GuardFinding::CannotTell => v1::ModelGuardFinding::CannotTell,
    };
    v1::ModelGuard {
        kind: kind.into(),
        finding: finding.into(),
        count: guard.count,
        features: guard.features,
        text: guard.text,
    }
}

/// One period of time.
pub(super) fn period(period: &PeriodQuality) -> v1::PeriodQuality {
    v1::PeriodQuality {
        from: period.from.clone(),
        until: period.until.clone(),
        trained_rows: period.trained_rows,
        trained_events: period.trained_events,
        rows: period.rows,
        events: period.events,
        base_rate: period.base_rate,
        mean_predicted: period.mean_predicted,
        observed_rate: period.observed_rate,
        auc: period.auc,
        log_loss: period.log_loss,
        log_loss_base_rate: period.log_loss_base_rate,
    }
}

/// What periods of time say together.
pub(super) fn periods_in_words(judged: &[PeriodQuality]) -> String {
    if judged.is_empty() { String::new() } else { periods::sentence(judged) }
}
