//! `flight-risk evaluate`: how a model does on labelled data.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use flight_risk_data::flat::{FlatSchema, read_flat_for_scoring};
use flight_risk_data::generate::{TRUTH_FILE, Truth};
use flight_risk_model::TrainingPlan;
use flight_risk_model::evaluate::{Evaluation, TruthComparison, evaluate_flat, evaluate_native};
use flight_risk_scoring::Scorer;
use flight_risk_scoring::artifact::Target;

use crate::cli::Evaluate;
use crate::failure::{Kind, failed};
use crate::progress::Stages;
use crate::{Output, figures, load, train};

pub(crate) fn run(options: &Evaluate, output: Output) -> anyhow::Result<ExitCode> {
    let scorer = load::model(&options.model)?;
    let stages = Stages::start(output.quiet);
    stages.stage("Reading and judging");
    let (evaluation, digest) = judge(&scorer, options)?;
    drop(stages);
    let seen = digest == scorer.artifact().content().provenance.data_digest;
    let mut out = std::io::stdout().lock();
    if output.json {
        let report = serde_json::json!({
            "model_version": scorer.artifact().model_version(), "data_seen_in_training": seen, "evaluation": evaluation,
        });
        serde_json::to_writer_pretty(&mut out, &report)?;
        writeln!(out)?;
        return Ok(ExitCode::SUCCESS);
    }
    if seen {
        writeln!(
            out,
            "The model learned from these very data: the figures flatter it. Those of unseen data are in metrics.json."
        )?;
    }
    print(&mut out, &evaluation)?;
    Ok(ExitCode::SUCCESS)
}

fn judge(scorer: &Scorer, options: &Evaluate) -> anyhow::Result<(Evaluation, String)> {
    let config = load::training_config(scorer);
    let plan = config.check().map_err(failed(Kind::Model))?;
    match (load::labelled(&options.data, &plan)?, &scorer.artifact().content().target) {
        (load::Labelled::Native(data), Target::Hazard { .. }) => {
            let truth = truth(&options.data.data)?;
            let evaluation =
                evaluate_native(&data, scorer, &plan, truth.as_ref()).map_err(|e| failed(train::kind(&e))(e))?;
            Ok((evaluation, data.digest.clone()))
        }
        (load::Labelled::Flat { table, schema }, Target::SinglePeriod { .. }) => {
            check_outcome(scorer, &schema)?;
            let wanted = load::wanted(scorer);
            let scoring =
                read_flat_for_scoring(&options.data.data, schema.id.as_deref(), &wanted).map_err(failed(Kind::Data))?;
            if scoring.ids.len() != table.target.len() {
                return Err(failed(Kind::Data)("rows without a target cannot be judged; remove them first"));
            }
            Ok((evaluate_flat(&table, &scoring, scorer, &plan.list_lengths), table.digest.clone()))
        }
        (load::Labelled::Native(_), Target::SinglePeriod { .. }) => {
            Err(failed(Kind::Data)("the model was trained on a flat table; name such a table and its --schema"))
        }
        (load::Labelled::Flat { .. }, Target::Hazard { .. }) => {
            Err(failed(Kind::Data)("the model was trained on a folder of HR tables; name such a folder"))
        }
    }
}

/// A model that learned another outcome than the one it is judged by would look bad, or good, for no reason of its own.
fn check_outcome(scorer: &Scorer, schema: &FlatSchema) -> anyhow::Result<()> {
    let Target::SinglePeriod { target, positive, .. } = &scorer.artifact().content().target else { return Ok(()) };
    if *target == schema.target && !positive.trim().eq_ignore_ascii_case(schema.positive.trim()) {
        return Err(failed(Kind::Data)(format!(
            "the model learned that `{target}` = `{positive}` means having left, but the schema says `{}`; mend `positive` in the schema",
            schema.positive
        )));
    }
    Ok(())
}

/// The truth of a generated company, where the folder holds one.
pub(crate) fn truth(dir: &Path) -> anyhow::Result<Option<Truth>> {
    let path = dir.join(TRUTH_FILE);
    if !path.is_file() {
        return Ok(None);
    }
    Truth::read(&path).map(Some).map_err(failed(Kind::Data))
}

/// The figures of an evaluation.
fn print(out: &mut impl Write, evaluation: &Evaluation) -> std::io::Result<()> {
    figures::print_quality(out, "per row", &evaluation.rows)?;
    if let Some(horizon) = &evaluation.horizon {
        figures::print_quality(out, &format!("{} months from {}", horizon.months, horizon.as_of), &horizon.quality)?;
    }
    evaluation.truth.as_ref().map_or(Ok(()), |truth| print_truth(out, truth))
}

fn print_truth(out: &mut impl Write, truth: &TruthComparison) -> std::io::Result<()> {
    let or_none = |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{v:.3}"));
    writeln!(
        out,
        "  Beside the known truth: AUC {} where the true hazard reaches {}; hazards off by {:.0} % of their mean",
        or_none(truth.auc_model),
        or_none(truth.auc_truth),
        truth.relative_error * 100.0
    )?;
    writeln!(out, "    {:<32}{:>9}{:>10}  90 % interval", "coefficient (log-odds per unit)", "truth", "estimate")?;
    let mut covered = 0;
    for c in &truth.coefficients {
        let (Some(estimate), Some(low), Some(high)) = (c.estimate, c.low, c.high) else {
            writeln!(out, "    {:<32}{:>9.4}{:>10}", c.feature, c.truth, "no line")?;
            continue;
        };
        let within = (low..=high).contains(&c.truth);
        covered += usize::from(within);
        let mark = if within { "" } else { "  truth outside" };
        writeln!(out, "    {:<32}{:>9.4}{estimate:>10.4}  {low:.4} to {high:.4}{mark}", c.feature, c.truth)?;
    }
    writeln!(out, "    {covered} of {} true coefficients lie within their intervals", truth.coefficients.len())
}

/// One line for the demonstration.
pub(crate) fn print_truth_in_short(
    out: &mut impl Write,
    scorer: &Scorer,
    data: &flight_risk_data::NativeData,
    dir: &Path,
) -> anyhow::Result<()> {
    let plan: TrainingPlan = load::training_config(scorer).check().map_err(failed(Kind::Model))?;
    let truth = truth(dir)?;
    let evaluation = evaluate_native(data, scorer, &plan, truth.as_ref()).map_err(|e| failed(train::kind(&e))(e))?;
    if let Some(TruthComparison { coefficients, .. }) = &evaluation.truth {
        let within = |c: &&flight_risk_model::evaluate::RecoveredCoefficient| {
            c.low.zip(c.high).is_some_and(|(low, high)| (low..=high).contains(&c.truth))
        };
        let covered = coefficients.iter().filter(within).count();
        writeln!(
            out,
            "The exits of this company were drawn from a known truth: {covered} of its {} coefficients lie within the model's 90 % intervals.",
            coefficients.len()
        )?;
    }
    Ok(())
}
