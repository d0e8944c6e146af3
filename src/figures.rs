//! Figures for the terminal: metrics beside the base rate, and the at-risk list.

use std::io::{self, Write};

use flight_risk_model::verdict::reasons as reasons_against;
use flight_risk_scoring::Scorer;
use flight_risk_scoring::explain::{Direction, factor_text};
use flight_risk_scoring::metrics::{Guard, GuardFinding, Metrics, PeriodQuality, Quality, Split, Verdict};
use flight_risk_scoring::schema::FeatureRow;
use flight_risk_scoring::scorer::{AbstentionReason, Assessment};

/// Reasons shown per person on a list.
pub(crate) const LIST_REASONS: usize = 3;

/// Whole percents, `<1 %` and `>99 %` at the ends.
pub(crate) fn percent(probability: f64) -> String {
    match probability * 100.0 {
        p if p > 0.0 && p < 0.5 => "<1 %".to_owned(),
        p if p > 99.5 && p < 100.0 => ">99 %".to_owned(),
        p => format!("{p:.0} %"),
    }
}

/// What should be known beside the result.
pub(crate) fn print_notes(out: &mut impl Write, notes: &[String]) -> io::Result<()> {
    notes.iter().try_for_each(|note| writeln!(out, "Note: {note}"))
}

/// What speaks against the model, if anything does.
pub(crate) fn print_verdict(out: &mut impl Write, verdict: &Verdict) -> io::Result<()> {
    if verdict.publishable {
        return Ok(());
    }
    writeln!(out, "NOT PUBLISHABLE, written all the same as asked: {}", reasons_against(verdict).join("; "))
}

/// The guards against leaks: what they found, and what they cannot tell.
pub(crate) fn print_guards(out: &mut impl Write, guards: &[Guard]) -> io::Result<()> {
    writeln!(out, "Guards against leaks:")?;
    guards.iter().try_for_each(|guard| {
        let finding = match guard.finding {
            GuardFinding::Kept => "kept",
            GuardFinding::Suspected => "LOOK",
            GuardFinding::CannotTell => "unknown",
        };
        writeln!(out, "  {finding:<8}{}", guard.text)
    })
}

/// Periods as a table; nothing without any.
pub(crate) fn print_periods(out: &mut impl Write, title: &str, periods: &[PeriodQuality]) -> io::Result<()> {
    if periods.is_empty() {
        return Ok(());
    }
    let width =
        periods.iter().map(|p| p.from.chars().count().max(p.until.chars().count())).max().unwrap_or_default().max(5);
    writeln!(out, "{title}:")?;
    writeln!(
        out,
        "  {:<width$}  {:<width$}  learned from (exits)       judged (exits)  base rate  predicted  observed    AUC  log-loss  of base rate",
        "from", "until"
    )?;
    for p in periods {
        let of = |rows: u64, events: u64| format!("{rows} ({events})");
        let auc = p.auc.map_or("-".to_owned(), |auc| format!("{auc:.3}"));
        writeln!(
            out,
            "  {:<width$}  {:<width$}  {:>20}  {:>19}  {:>9.4}  {:>9.4}  {:>8.4}  {auc:>5}  {:>8.5}  {:>12.5}",
            p.from,
            p.until,
            of(p.trained_rows, p.trained_events),
            of(p.rows, p.events),
            p.base_rate,
            p.mean_predicted,
            p.observed_rate,
            p.log_loss,
            p.log_loss_base_rate
        )?;
    }
    Ok(())
}

/// Metrics as a table beside the base-rate model.
pub(crate) fn print_metrics(out: &mut impl Write, metrics: &Metrics) -> io::Result<()> {
    match &metrics.split {
        Split::ByTime { from } => {
            writeln!(out, "Judged on what happened from {from} on, by a model of what was known before:")?
        }
        Split::CrossValidation { folds } => {
            writeln!(out, "Judged by cross-validation ({folds} folds, nobody on both sides):")?
        }
    }
    print_quality(out, "per row", &metrics.rows)?;
    if let Some(horizon) = &metrics.horizon {
        let title = format!("{} months from {}", horizon.months, horizon.as_of);
        print_quality(out, &title, &horizon.quality)?;
    }
    print_periods(out, "  Period by period, by the same model", &metrics.stability)
}

/// One quality as a table beside the base-rate model.
pub(crate) fn print_quality(out: &mut impl Write, title: &str, quality: &Quality) -> io::Result<()> {
    let or_none = |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{v:.3}"));
    writeln!(out, "  {title}: {} rows, {} voluntary exits", quality.rows, quality.events)?;
    writeln!(out, "    {:<22}{:>10}  base rate", "", "model")?;
    let rate = quality.observed_rate;
    for (name, model, base) in [
        ("AUC", or_none(quality.auc), "0.500".to_owned()),
        ("average precision", or_none(quality.average_precision), format!("{rate:.3}")),
        ("log-loss", format!("{:.5}", quality.log_loss), format!("{:.5}", quality.log_loss_base_rate)),
        ("Brier score", format!("{:.5}", quality.brier), format!("{:.5}", quality.brier_base_rate)),
        ("calibration error", format!("{:.4}", quality.calibration_error), String::new()),
        ("mean predicted", format!("{:.4}", quality.mean_predicted), format!("{rate:.4} observed")),
    ] {
        writeln!(out, "    {name:<22}{model:>10}  {base}")?;
    }
    for list in &quality.lift {
        writeln!(
            out,
            "    of the {} riskiest {} left ({:.1} expected, {:.1} by chance): {:.1} times the rate of all",
            list.length,
            list.found,
            list.expected,
            list.length as f64 * rate,
            list.lift
        )?;
    }
    Ok(())
}

/// One line of an at-risk list.
pub(crate) struct ListedPerson<'a> {
    pub(crate) id: &'a str,
    pub(crate) department: &'a str,
    pub(crate) row: &'a FeatureRow,
    pub(crate) assessment: &'a Assessment,
}

/// The at-risk list: who, where, how likely, how many times the base rate, and why.
pub(crate) fn print_list(out: &mut impl Write, scorer: &Scorer, people: &[ListedPerson<'_>]) -> io::Result<()> {
    let widest = |header: &str, text: &dyn Fn(&ListedPerson<'_>) -> usize| {
        people.iter().map(text).chain([header.chars().count()]).max().unwrap_or_default()
    };
    let id_width = widest("employee", &|p| p.id.chars().count());
    let department_width = widest("department", &|p| p.department.chars().count());
    writeln!(
        out,
        "  #  {:<id_width$}  {:<department_width$}  risk (90 % interval)  x base  why",
        "employee", "department"
    )?;
    for (number, person) in people.iter().enumerate() {
        let a = person.assessment;
        let interval = format!("{:>5} ({} to {})", percent(a.risk.get()), percent(a.low.get()), percent(a.high.get()));
        let reasons = reasons(scorer, person.row, a, LIST_REASONS);
        for (line, reason) in reasons.iter().enumerate() {
            if line == 0 {
                writeln!(
                    out,
                    "{:>3}  {:<id_width$}  {:<department_width$}  {interval:<20}  {:>5.1}x  {reason}",
                    number + 1,
                    person.id,
                    person.department,
                    a.multiple_of_base_rate
                )?;
            } else {
                writeln!(out, "{:1$}{reason}", "", 5 + id_width + 2 + department_width + 2 + 20 + 2 + 6 + 2)?;
            }
        }
    }
    Ok(())
}

/// The strongest reasons in words, with their direction.
pub(crate) fn reasons(scorer: &Scorer, row: &FeatureRow, assessment: &Assessment, most: usize) -> Vec<String> {
    let features = scorer.schema().features();
    assessment
        .factors()
        .iter()
        .take(most)
        .filter_map(|factor| {
            let feature = features.get(factor.feature)?;
            let sign = match Direction::of(factor.contribution_log_odds) {
                Direction::Raises => "raises:",
                Direction::Lowers => "lowers:",
                Direction::None => "neutral:",
            };
            Some(format!("{sign} {}", factor_text(feature, &scorer.schema().value(row, factor.feature))))
        })
        .collect()
}

/// Why a model abstains, in words that name the facts.
pub(crate) fn doubt(scorer: &Scorer, reason: &AbstentionReason) -> String {
    match reason {
        AbstentionReason::TooLittleKnown { known, of } => {
            format!("too little is known: {known} of the {of} facts that the model looks at")
        }
        AbstentionReason::OutsideRange { features } if features.is_empty() => {
            "the combination of facts is unlike anybody the model learned from".to_owned()
        }
        AbstentionReason::OutsideRange { features } => {
            let named: Vec<&str> =
                features.iter().filter_map(|&i| scorer.schema().features().get(i)).map(|f| f.label.as_str()).collect();
            format!("outside of what the model learned from: {}", named.join(", "))
        }
    }
}
