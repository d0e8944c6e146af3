//! Nothing dated after the day changes a bit of a feature: not of the person, nor of teammates, nor of managers.

use std::collections::BTreeMap;

use flight_risk_scoring::features::{FeatureInput, FeatureValues, compute, registry};
use flight_risk_scoring::history::{Coverage, HistoryFacts};
use flight_risk_scoring::{Day, EmployeeHistory, TeamContext};
use proptest::prelude::*;

use super::cases;
use super::companies::{Draw, company};

/// The features of everybody employed on a day.
fn features_on(facts: &[HistoryFacts], as_of: Day) -> BTreeMap<String, FeatureValues> {
    let Some(company) = company(facts) else { return BTreeMap::new() };
    let teams = company.teams_on(as_of);
    let employed = company.histories().iter().enumerate().filter(|(_, history)| history.employed_on(as_of));
    employed
        .map(|(position, history)| {
            let team = teams.context(position);
            let input = FeatureInput { history, team: &team, coverage: company.coverage(), as_of };
            (history.employee_id().to_string(), compute(&input))
        })
        .collect()
}

fn difference(before: &FeatureValues, after: &FeatureValues) -> Option<String> {
    let mut pairs = registry().zip(before.iter().zip(after));
    pairs
        .find(|(_, (a, b))| a.to_bits() != b.to_bits() && !(a.is_nan() && b.is_nan()))
        .map(|(spec, (a, b))| format!("{}: {a} became {b}", spec.name))
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn no_later_fact_of_anybody_changes_a_feature(seed: u64, people in 1..40_usize) {
        let mut draw = Draw::new(seed, people);
        let (facts, as_of) = (draw.facts(), draw.as_of());
        let before = features_on(&facts, as_of);
        let after = features_on(&draw.other_future(&facts, as_of), as_of);
        prop_assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
        for (id, values) in &before {
            let difference = difference(values, &after[id]);
            prop_assert!(difference.is_none(), "{} of {} on {}", difference.unwrap_or_default(), id, as_of);
        }
    }

    #[test]
    fn no_later_fact_of_one_employee_changes_their_features(seed: u64) {
        let mut draw = Draw::new(seed, 10);
        let (mut facts, as_of) = (draw.facts(), draw.as_of());
        facts.truncate(1);
        let mut later = draw.other_future(&facts, as_of);
        let mut team = TeamContext {
            manager_span: Some(7),
            team_size: None,
            teammate_exits: Some((0..5).map(|_| draw.day()).collect()),
            team_engagement: Some(0.5),
            manager_exits: Some((0..3).map(|_| draw.day()).collect()),
        };
        let coverage = if draw.chance(0.5) { Coverage::everything_since(draw.day()) } else { Coverage::NONE };
        let values = |facts: HistoryFacts, team: &TeamContext| {
            compute(&FeatureInput { history: &EmployeeHistory::new(facts), team, coverage: &coverage, as_of })
        };
        prop_assume!(facts[0].hire_date <= as_of);
        let before = values(facts.remove(0), &team);
        for days in [&mut team.teammate_exits, &mut team.manager_exits].into_iter().flatten() {
            days.retain(|day| *day <= as_of);
            days.extend([1, 30, 200].map(|ahead| as_of.plus_days(ahead)));
        }
        let after = values(later.remove(0), &team);
        let difference = difference(&before, &after);
        prop_assert!(difference.is_none(), "{} on {}", difference.unwrap_or_default(), as_of);
    }
}

/// The property above would hold of features that are never known, and of futures that are never different.
#[test]
fn random_companies_know_every_feature_somewhere_and_facts_up_to_the_day_count() {
    let mut known = vec![0; registry().count()];
    let mut moved = 0;
    for seed in 0..60 {
        let mut draw = Draw::new(seed, 39);
        let (facts, as_of) = (draw.facts(), draw.as_of());
        let before = features_on(&facts, as_of);
        for values in before.values() {
            known.iter_mut().zip(values).for_each(|(count, value)| *count += u32::from(!value.is_nan()));
        }
        // Changed from the day before on, so that the facts of the day itself are others.
        let after = features_on(&draw.other_future(&facts, as_of.plus_days(-30)), as_of);
        moved += before
            .iter()
            .filter(|(id, values)| after.get(*id).is_some_and(|a| difference(values, a).is_some()))
            .count();
    }
    let never: Vec<&str> =
        registry().zip(&known).filter(|(_, count)| **count == 0).map(|(spec, _)| spec.name).collect();
    assert!(never.is_empty(), "never known: {never:?}");
    assert!(moved > 100, "only {moved} employees have other features when the last month is another");
}
