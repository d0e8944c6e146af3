//! Facts that tell of the same events: what follows by definition when one of them changes.
//!
//! | changed | follows |
//! |---|---|
//! | `compa_ratio`, `pay_growth_12m_percent` or `pay_growth_24m_percent` | the same raise in the other two, `months_since_raise` 0, and `performance_without_growth` with the new growth |
//! | `one_on_ones_90d_count` up | as many more `contacts_90d_count`; `days_since_one_on_one` at most what that many talks in 90 days allow |
//! | `days_since_one_on_one` down to 90 or less | `one_on_ones_90d_count` (and with it the contacts) at least 1 |
//! | `months_in_role` to 0 | one more of `moves_24m_count` |
//! | `answered_last_survey_flag` set | `months_since_answer` 0 |
//! | `months_since_answer` down | `answered_last_survey_flag` set |
//!
//! What follows stays within the range of training. A value that is not known stays so. `months_since_raise` alone says nothing
//! of the size of the raise, and a promotion raises `job_level` by an amount that only the company knows: nothing else follows.

use crate::artifact::Target;
use crate::features::flag;
use crate::features::pay::USUAL_GROWTH_PERCENT;
use crate::schema::{FeatureKind, Schema};
use crate::scorer::Scorer;
use crate::what_if::Change;

/// Window of `one_on_ones_90d_count`, in days.
const TALK_WINDOW_DAYS: f64 = 90.0;

/// Positions of the features that are tied, where the model has them. A flat table has none: nothing is known of its columns.
#[derive(Clone, Debug, Default)]
pub(super) struct Ties {
    compa_ratio: Option<usize>,
    growth_12m: Option<usize>,
    growth_24m: Option<usize>,
    months_since_raise: Option<usize>,
    unrewarded: Option<usize>,
    rating: Option<usize>,
    talks: Option<usize>,
    days_since_talk: Option<usize>,
    contacts: Option<usize>,
    months_in_role: Option<usize>,
    moves: Option<usize>,
    answered: Option<usize>,
    months_since_answer: Option<usize>,
    response_rate: Option<usize>,
    ranges: Vec<Option<(f64, f64)>>,
}

/// A row that is being changed.
struct Changed<'a> {
    before: &'a [f64],
    after: Vec<f64>,
    named: &'a [Change],
    ranges: &'a [Option<(f64, f64)>],
}

impl Changed<'_> {
    /// The values before and after of a feature that was changed in its own right.
    fn named(&self, feature: Option<usize>) -> Option<(f64, f64)> {
        let feature = feature?;
        let change = self.named.iter().find(|change| change.feature == feature)?;
        self.before.get(feature).map(|&before| (before, change.value))
    }

    fn before(&self, feature: Option<usize>) -> Option<f64> {
        self.before.get(feature?).copied().filter(|value| !value.is_nan())
    }

    fn after(&self, feature: Option<usize>) -> Option<f64> {
        self.after.get(feature?).copied().filter(|value| !value.is_nan())
    }

    /// Sets what follows: only what is known and was not changed in its own right, and within the range of training (or where it
    /// was beyond it).
    fn follow(&mut self, feature: Option<usize>, value: f64) {
        let (Some(feature), Some(before)) = (feature, self.before(feature)) else { return };
        if self.named.iter().any(|change| change.feature == feature) || value.is_nan() {
            return;
        }
        let value = match self.ranges.get(feature) {
            Some(Some((min, max))) => value.clamp(min.min(before), max.max(before)),
            _ => value,
        };
        if let Some(cell) = self.after.get_mut(feature) {
            *cell = value;
        }
    }
}

impl Ties {
    /// The ties among the features of a model.
    pub(super) fn of(scorer: &Scorer) -> Self {
        if matches!(scorer.artifact().content().target, Target::SinglePeriod { .. }) {
            return Self::default();
        }
        Self::among(scorer.schema())
    }

    fn among(schema: &Schema) -> Self {
        let at = |name| schema.position(name);
        let range = |kind: &FeatureKind| match kind {
            FeatureKind::Numeric { min, max, .. } => Some((*min, *max)),
            FeatureKind::Categorical { .. } => None,
        };
        Self {
            compa_ratio: at("compa_ratio"),
            growth_12m: at("pay_growth_12m_percent"),
            growth_24m: at("pay_growth_24m_percent"),
            months_since_raise: at("months_since_raise"),
            unrewarded: at("performance_without_growth"),
            rating: at("review_rating"),
            talks: at("one_on_ones_90d_count"),
            days_since_talk: at("days_since_one_on_one"),
            contacts: at("contacts_90d_count"),
            months_in_role: at("months_in_role"),
            moves: at("moves_24m_count"),
            answered: at("answered_last_survey_flag"),
            months_since_answer: at("months_since_answer"),
            response_rate: at("response_rate_12m"),
            ranges: schema.features().iter().map(|feature| range(&feature.kind)).collect(),
        }
    }

    /// What tells of the same thing: of such features a counterfactual changes one. A feature by itself is its own group.
    pub(super) fn group(&self, feature: usize) -> usize {
        let groups = [
            [self.compa_ratio, self.growth_12m, self.growth_24m, self.months_since_raise, self.unrewarded],
            [self.talks, self.days_since_talk, self.contacts, None, None],
            [self.months_in_role, self.moves, None, None, None],
            [self.answered, self.months_since_answer, self.response_rate, None, None],
        ];
        let group = groups.iter().find(|group| group.contains(&Some(feature)));
        group.and_then(|group| group.iter().flatten().min().copied()).unwrap_or(feature)
    }

    /// Whether it says how much pay grew in the last twelve months, so that good reviews without growth follow from it.
    pub(super) fn growth_is_known(&self, values: &[f64]) -> bool {
        self.growth_12m.and_then(|position| values.get(position)).is_some_and(|growth| !growth.is_nan())
    }

    /// By which factor the pay rises with these changes, where they say it.
    pub(super) fn raise(&self, values: &[f64], changes: &[Change]) -> Option<f64> {
        let row = Changed { before: values, after: Vec::new(), named: changes, ranges: &[] };
        let growth = |feature| row.named(feature).map(|(before, after)| (100.0 + after) / (100.0 + before));
        let ratio = row.named(self.compa_ratio).map(|(before, after)| after / before);
        let all = [ratio, growth(self.growth_12m), growth(self.growth_24m)];
        all.into_iter().flatten().find(|factor| factor.is_finite() && *factor > 0.0)
    }

    /// The values with the changes and what follows from them.
    pub(super) fn applied(&self, values: &[f64], changes: &[Change]) -> Vec<f64> {
        let mut after = values.to_vec();
        for change in changes {
            if let Some(cell) = after.get_mut(change.feature) {
                *cell = change.value;
            }
        }
        let mut row = Changed { before: values, after, named: changes, ranges: &self.ranges };
        self.pay(&mut row);
        self.talks(&mut row);
        if row.named(self.months_in_role).is_some_and(|(before, after)| after < 1.0 && before > after)
            && let Some(moves) = row.before(self.moves)
        {
            row.follow(self.moves, moves + 1.0);
        }
        if row.named(self.answered).is_some_and(|(before, after)| after >= 0.5 && before < 0.5) {
            row.follow(self.months_since_answer, 0.0);
        }
        if row.named(self.months_since_answer).is_some_and(|(before, after)| after < before) {
            row.follow(self.answered, flag(true));
        }
        row.after
    }

    fn pay(&self, row: &mut Changed<'_>) {
        let Some(factor) = self.raise(row.before, row.named) else { return };
        if let Some(ratio) = row.before(self.compa_ratio) {
            row.follow(self.compa_ratio, ratio * factor);
        }
        for growth in [self.growth_12m, self.growth_24m] {
            if let Some(percent) = row.before(growth) {
                row.follow(growth, (100.0 + percent) * factor - 100.0);
            }
        }
        if factor > 1.0 {
            row.follow(self.months_since_raise, 0.0);
        }
        let shortfall = |growth: f64| (USUAL_GROWTH_PERCENT - growth).max(0.0);
        let (Some(before), Some(after)) = (row.before(self.growth_12m), row.after(self.growth_12m)) else { return };
        // The rating: known by itself, or from what it made of the shortfall.
        let from_index = row.before(self.unrewarded).map(|index| index / shortfall(before));
        if let Some(rating) = row.before(self.rating).or(from_index.filter(|rating| rating.is_finite())) {
            row.follow(self.unrewarded, rating * shortfall(after));
        }
    }

    fn talks(&self, row: &mut Changed<'_>) {
        if row.named(self.days_since_talk).is_some_and(|(before, after)| after <= TALK_WINDOW_DAYS && after < before)
            && let Some(talks) = row.before(self.talks)
        {
            row.follow(self.talks, talks.max(1.0));
        }
        let (Some(before), Some(after)) = (row.before(self.talks), row.after(self.talks)) else { return };
        if after <= before {
            return;
        }
        if let Some(contacts) = row.before(self.contacts) {
            row.follow(self.contacts, contacts + after - before);
        }
        if let Some(days) = row.before(self.days_since_talk) {
            row.follow(self.days_since_talk, days.min((TALK_WINDOW_DAYS / after).floor()));
        }
    }
}
