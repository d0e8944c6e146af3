//! What is done against leaks, said in words: of the outcome into the features, of judged rows into the model, and of what was
//! answered in confidence out of it.

use flight_risk_scoring::metrics::{Guard, GuardFinding, GuardKind};
use flight_risk_scoring::schema::SourceFeature;

use crate::config::TrainingPlan;
use crate::duplicates::Duplicates;
use crate::people::SamePeople;
use crate::suspects::suspects;
use crate::table::{Origin, TrainingTable};

/// With fewer confidential features than this the sum of their parts, which is left over where all others are shown, tells too
/// much about one of them.
const ENOUGH_CONFIDENTIAL: usize = 3;

/// What the split did with rows that belong together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sides {
    /// Whether later time judged.
    pub(crate) by_time: bool,
    /// Employees with rows on both sides of a split in time.
    pub(crate) on_both: usize,
}

/// Employees with rows both among the trained and the judged.
pub(crate) fn on_both_sides(table: &TrainingTable, trained: &[usize], judged: &[usize]) -> usize {
    let people = |rows: &[usize]| {
        let mut groups = table.groups_of(rows);
        groups.sort_unstable();
        groups.dedup();
        groups
    };
    let earlier = people(trained);
    people(judged).iter().filter(|group| earlier.binary_search(group).is_ok()).count()
}

/// The guards of a company's records.
pub(crate) fn native(table: &TrainingTable, plan: &TrainingPlan, sides: Sides) -> Vec<Guard> {
    let days = plan.blackout_days;
    let (finding, text) = if days > 0 {
        (
            GuardFinding::Kept,
            format!(
                "facts of the last {days} days before an exit are not used, nor as many days before the end of each period for those who stay: what follows from a resignation teaches nothing"
            ),
        )
    } else {
        (
            GuardFinding::Suspected,
            "blackout_days = 0: facts of the notice period are used, and what follows from a resignation looks like its cause".to_owned(),
        )
    };
    let mut guards = vec![
        guard(GuardKind::ExactDuplicates, GuardFinding::Kept, 0, "one row per employee and day by construction: an employee_id that occurs twice in the employees table is refused".to_owned()),
        one_employee(several_rows(table), sides),
        guard(GuardKind::LaterFacts, GuardFinding::Kept, 0, "impossible by construction: every feature is computed from facts dated on or before its day".to_owned()),
        guard(GuardKind::Blackout, finding, u64::from(days), text),
    ];
    guards.extend(single_features(table, plan));
    guards
}

/// The guards of a flat table.
pub(crate) fn flat(
    table: &TrainingTable,
    duplicates: &Duplicates,
    plan: &TrainingPlan,
    knows_people: bool,
    sides: Sides,
) -> Vec<Guard> {
    let several = duplicates.people_with_several_rows();
    let one = if several == 0 && !knows_people {
        let text = "no column says whose row it is: every row is taken for another employee; name `id`, and `group` where one employee has several rows";
        guard(GuardKind::OneEmployee, GuardFinding::CannotTell, 0, text.to_owned())
    } else {
        one_employee(several, sides)
    };
    let later = "a flat table does not say when its facts were written: put what is filled in when somebody leaves, or afterwards, into drop";
    let mut guards = vec![
        exact_duplicates(duplicates, sides),
        one,
        guard(GuardKind::LaterFacts, GuardFinding::CannotTell, 0, later.to_owned()),
    ];
    guards.extend(single_features(table, plan));
    guards
}

/// Whether the confidential features of a model hide each other: who sees the score and every other part of it has the sum of
/// theirs by subtraction.
pub(crate) fn confidential(features: &[SourceFeature]) -> Guard {
    let names: Vec<String> =
        features.iter().filter(|feature| feature.confidential).map(|feature| feature.name.clone()).collect();
    let advice = "let the surveys ask about more, so that three or more features come from confidential answers, or train without survey_responses, so that none does";
    let (finding, text) = match names.as_slice() {
        [] => (GuardFinding::Kept, "no feature comes from confidential answers".to_owned()),
        [only] => (
            GuardFinding::Suspected,
            format!(
                "`{only}` is the only feature from confidential answers: whoever sees all other reasons for a score can work out its part by subtraction, and so what somebody answered; {advice}"
            ),
        ),
        few if few.len() < ENOUGH_CONFIDENTIAL => (
            GuardFinding::Suspected,
            format!(
                "only `{}` come from confidential answers: whoever sees all other reasons for a score can work out the sum of their parts by subtraction, and from one answer the other; {advice}",
                few.join("` and `")
            ),
        ),
        enough => (
            GuardFinding::Kept,
            format!(
                "{} features come from confidential answers: subtracting all other reasons from a score leaves the sum of their parts, which tells none of them where several are known",
                enough.len()
            ),
        ),
    };
    Guard { features: names.clone(), ..guard(GuardKind::ConfidentialAnswers, finding, names.len() as u64, text) }
}

/// What a reader should be told beside the result: the guards that found something.
pub fn warnings(guards: &[Guard]) -> impl Iterator<Item = &Guard> {
    guards.iter().filter(|guard| guard.finding == GuardFinding::Suspected)
}

fn guard(kind: GuardKind, finding: GuardFinding, count: u64, text: String) -> Guard {
    Guard { kind, finding, count, features: Vec::new(), text }
}

fn several_rows(table: &TrainingTable) -> usize {
    let mut groups = table.groups.clone();
    groups.sort_unstable();
    groups.chunk_by(|a, b| a == b).filter(|rows| rows.len() > 1).count()
}

fn one_employee(several: usize, sides: Sides) -> Guard {
    let text = match (several, sides.by_time) {
        (0, _) => "no employee has more than one row".to_owned(),
        (_, false) => format!(
            "{several} employees have several rows: all rows of one employee share a fold, so that nobody is learned from and judged on at once"
        ),
        (_, true) => format!(
            "{several} employees have several rows: in every random split they stay together; across the split in time {} have rows on both sides, the earlier to learn from, the later to be judged, as in use",
            sides.on_both
        ),
    };
    guard(GuardKind::OneEmployee, GuardFinding::Kept, several as u64, text)
}

/// What is said instead where values show that rows which nobody names are one person's.
pub(crate) fn same_person(people: &SamePeople) -> Guard {
    let SamePeople { column, steady, several } = people;
    let text = format!(
        "{several} values of `{column}` are in several rows, which agree in `{}` too: they look like one person's at several times. Where folds judge, none of them is on both sides, and risks are no surer than suits people seen before and new ones alike; name the column that says whose row it is as `group`, or as `id` where it repeats",
        steady.join("`, `")
    );
    Guard {
        features: vec![column.clone()],
        ..guard(GuardKind::OneEmployee, GuardFinding::Suspected, *several as u64, text)
    }
}

/// Puts a guard in the place of those of its kind.
pub(crate) fn take_over(guards: &mut [Guard], other: &Guard) {
    guards.iter_mut().filter(|guard| guard.kind == other.kind).for_each(|guard| guard.clone_from(other));
}

fn exact_duplicates(duplicates: &Duplicates, sides: Sides) -> Guard {
    let rows = duplicates.rows;
    let (finding, text) = if rows == 0 {
        (GuardFinding::Kept, "no two rows are equal".to_owned())
    } else if duplicates.named {
        let text = format!(
            "{rows} rows equal another in every column; the table says whose each is, and rows of one employee share a fold"
        );
        (GuardFinding::Kept, text)
    } else if !duplicates.copies {
        let text = format!(
            "{rows} rows equal another in every column, about as many as chance makes with so few different values: taken for different employees; name `group` if they are not"
        );
        (GuardFinding::CannotTell, text)
    } else {
        let mut text = format!(
            "{rows} rows equal another in every column, and not by chance: taken for copies, which share a fold, so that none is learned from and judged on at once"
        );
        if sides.by_time {
            text.push_str("; across a split in time, copies of one time lie on one side");
        }
        (GuardFinding::Kept, text)
    };
    guard(GuardKind::ExactDuplicates, finding, rows as u64, text)
}

fn single_features(table: &TrainingTable, plan: &TrainingPlan) -> Vec<Guard> {
    let suspected = suspects(table, plan);
    if suspected.is_empty() {
        let text = "no feature tells by itself who left".to_owned();
        return vec![guard(GuardKind::SingleFeature, GuardFinding::Kept, 0, text)];
    }
    let native = table.columns.iter().any(|column| matches!(column.origin, Origin::Native(_)));
    suspected
        .into_iter()
        .map(|suspect| {
            let name = &suspect.name;
            let advice = if native {
                "look where it comes from: if it is recorded because somebody leaves, mend the records or raise blackout_days; the figures of this model cannot be trusted until then".to_owned()
            } else {
                format!("if it is filled in when or after somebody leaves, put drop = [\"{name}\"] into the schema and train again; keep it only if it was truly known before")
            };
            Guard {
                features: vec![name.clone()],
                ..guard(
                    GuardKind::SingleFeature,
                    GuardFinding::Suspected,
                    1,
                    format!("suspected leak: `{name}` almost tells who left ({}); {advice}", suspect.how),
                )
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use flight_risk_scoring::features::registry;
    use flight_risk_scoring::schema::FeatureKind;

    use super::*;

    #[test]
    fn one_or_two_confidential_features_are_told_and_none_or_three_are_in_order() {
        let kind = FeatureKind::Numeric { min: 0.0, max: 1.0, typical: 0.5 };
        let of = |confidential: bool, count: usize| {
            let specs = registry().filter(move |spec| spec.confidential == confidential).take(count);
            specs.map(|spec| SourceFeature::native(spec, kind.clone(), 1.0))
        };
        for (count, finding) in [
            (0, GuardFinding::Kept),
            (1, GuardFinding::Suspected),
            (2, GuardFinding::Suspected),
            (3, GuardFinding::Kept),
            (5, GuardFinding::Kept),
        ] {
            let features: Vec<SourceFeature> = of(false, 4).chain(of(true, count)).collect();
            let guard = confidential(&features);
            let names: Vec<String> = of(true, count).map(|feature| feature.name).collect();
            assert_eq!((guard.finding, guard.count, guard.features), (finding, count as u64, names), "{}", guard.text);
            let told = finding == GuardFinding::Suspected;
            assert_eq!(
                guard.text.contains("subtraction") && guard.text.contains("three or more"),
                told,
                "{}",
                guard.text
            );
        }
    }
}
