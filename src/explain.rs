//! `flight-risk explain`: what moves one person's risk, exactly.

use std::io::Write;
use std::process::ExitCode;

use flight_risk_model::bulk::Scored;
use flight_risk_scoring::Scorer;
use flight_risk_scoring::explain::{Direction, factor_text};
use flight_risk_scoring::scorer::Band;

use crate::cli::Explain;
use crate::failure::{Kind, failed};
use crate::figures::{doubt, percent};
use crate::load::{ScoredData, Source};
use crate::progress::Stages;
use crate::{Output, load};

/// Contributions smaller than this are summed up in one line.
const SMALL_LOG_ODDS: f64 = 0.005;

pub(crate) fn run(options: &Explain, output: Output) -> anyhow::Result<ExitCode> {
    let scorer = load::model(&options.model)?;
    let stages = Stages::start(output.quiet);
    let data = load::score(&scorer, &options.data, options.as_of, &stages)?;
    drop(stages);
    let wanted = options.employee.trim();
    let found = data.scored.iter().find(|scored| data.id(scored) == wanted);
    let scored = found.ok_or_else(|| failed(Kind::Data)(not_found(&data, wanted)))?;
    let mut out = std::io::stdout().lock();
    if output.json {
        serde_json::to_writer_pretty(&mut out, &as_json(&scorer, wanted, scored))?;
        writeln!(out)?;
    } else {
        print(&mut out, &scorer, wanted, scored)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn not_found(data: &ScoredData, wanted: &str) -> String {
    if let Source::Native { data, as_of } = &data.source
        && let Some(history) = data.company.histories().iter().find(|history| history.employee_id().as_str() == wanted)
    {
        return format!(
            "employee `{wanted}` is not employed, or not observed any more, on {as_of} (hired {}{}); name an earlier day with --as-of",
            history.hire_date(),
            history.exit().map_or(String::new(), |exit| format!(", left {}", exit.date))
        );
    }
    format!("no employee `{wanted}` in the data; identifiers are compared exactly")
}

fn print(out: &mut impl Write, scorer: &Scorer, id: &str, scored: &Scored) -> std::io::Result<()> {
    let a = &scored.assessment;
    if a.band == Band::Abstained {
        writeln!(out, "Employee {id}: the model does not know.")?;
        for reason in &a.doubts {
            writeln!(out, "  {}", doubt(scorer, reason))?;
        }
        writeln!(out, "The figures below are what it would say if it had to; do not act on them.")?;
    } else {
        writeln!(out, "Employee {id}: {} risk", a.band.name())?;
    }
    for horizon in &a.horizons {
        writeln!(
            out,
            "  leaves voluntarily within {:>2} months: {:>5} (90 % interval {} to {})",
            horizon.months,
            percent(horizon.risk.get()),
            percent(horizon.low.get()),
            percent(horizon.high.get())
        )?;
    }
    if a.horizons.is_empty() {
        writeln!(
            out,
            "  probability: {} (90 % interval {} to {})",
            percent(a.risk.get()),
            percent(a.low.get()),
            percent(a.high.get())
        )?;
    }
    writeln!(out, "  {:.1} times the base rate of {}", a.multiple_of_base_rate, percent(scorer.base_rate()))?;
    writeln!(
        out,
        "\nWhat moves it, in log-odds from the typical {:.3} to this person's {:.3}:",
        scorer.reference_log_odds().0,
        a.log_odds.0
    )?;
    let (mut small, mut count) = (0.0, 0);
    for factor in a.factors() {
        let Some(feature) = scorer.schema().features().get(factor.feature) else { continue };
        if factor.contribution_log_odds.abs() < SMALL_LOG_ODDS {
            small += factor.contribution_log_odds;
            count += 1;
            continue;
        }
        writeln!(
            out,
            "  {:>+7.3}  {:<7} {}{}",
            factor.contribution_log_odds,
            Direction::of(factor.contribution_log_odds).verb(),
            factor_text(feature, &scorer.schema().value(&scored.row, factor.feature)),
            if feature.actionable { "  [can be acted on]" } else { "" }
        )?;
    }
    if count > 0 {
        writeln!(out, "  {small:>+7.3}  {count} smaller ones together")?;
    }
    writeln!(out, "\nThese are associations in past records, not causes. Model {}.", scorer.artifact().model_version())
}

/// Everything about one person's score.
pub(crate) fn as_json(scorer: &Scorer, id: &str, scored: &Scored) -> serde_json::Value {
    let a = &scored.assessment;
    let factors: Vec<serde_json::Value> = a
        .factors()
        .iter()
        .filter_map(|factor| {
            let feature = scorer.schema().features().get(factor.feature)?;
            Some(serde_json::json!({
                "feature": feature.name,
                "label": feature.label,
                "contribution_log_odds": factor.contribution_log_odds,
                "direction": Direction::of(factor.contribution_log_odds).verb(),
                "actionable": feature.actionable,
                "confidential": feature.confidential,
                "text": factor_text(feature, &scorer.schema().value(&scored.row, factor.feature)),
            }))
        })
        .collect();
    let horizons: Vec<serde_json::Value> = a
        .horizons
        .iter()
        .map(|h| serde_json::json!({"months": h.months, "risk": h.risk, "low": h.low, "high": h.high}))
        .collect();
    serde_json::json!({
        "employee_id": id,
        "model_version": scorer.artifact().model_version(),
        "risk": a.risk, "low": a.low, "high": a.high, "horizons": horizons, "band": a.band.name(),
        "base_rate": scorer.base_rate(), "multiple_of_base_rate": a.multiple_of_base_rate,
        "log_odds": a.log_odds, "reference_log_odds": scorer.reference_log_odds(),
        "doubts": a.doubts.iter().map(|reason| doubt(scorer, reason)).collect::<Vec<_>>(),
        "factors": factors,
    })
}
