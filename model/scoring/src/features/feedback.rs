//! Feedback: one-on-ones, recognition, feedback and reviews: how often people are listened to and thanked.

use super::{BLANK, Family, FeatureInput, FeatureSpec, PlausibleDirection, Unit, known};
use crate::history::{FeedbackKind, count_within, latest};

/// Window for one-on-ones and all contacts, in days.
const QUARTER_DAYS: i32 = 90;
/// Window for recognition and feedback, in days.
const HALF_YEAR_DAYS: i32 = 180;

const BASE: FeatureSpec = FeatureSpec {
    family: Family::Feedback,
    unit: Unit::Count,
    direction: PlausibleDirection::Lowers,
    actionable: true,
    ..BLANK
};

/// The registry entries, in the order in which the values are computed.
pub const SPECS: &[FeatureSpec] = &[
    FeatureSpec {
        name: "one_on_ones_90d_count",
        label: "one-on-ones in 90 days",
        phrase: "{value} one-on-ones in 90 days",
        otherwise: "one-on-ones not recorded",
        definition: "events of kind one_on_one in the 90 days up to as_of",
        ..BASE
    },
    FeatureSpec {
        name: "days_since_one_on_one",
        label: "time since the last one-on-one",
        unit: Unit::Days,
        direction: PlausibleDirection::Raises,
        phrase: "no one-on-one for {value}",
        otherwise: "one-on-ones not recorded",
        definition: "days since the last one_on_one; where there was none, since the later of the hire date and the first one_on_one on record",
        ..BASE
    },
    FeatureSpec {
        name: "recognition_received_180d_count",
        label: "recognition received in 180 days",
        phrase: "recognised {value} times in 180 days",
        otherwise: "recognition received not recorded",
        definition: "events of kind recognition_received in the 180 days up to as_of",
        ..BASE
    },
    FeatureSpec {
        name: "recognition_given_180d_count",
        label: "recognition given in 180 days",
        actionable: false,
        phrase: "gave recognition {value} times in 180 days",
        otherwise: "recognition given not recorded",
        definition: "events of kind recognition_given in the 180 days up to as_of",
        ..BASE
    },
    FeatureSpec {
        name: "feedback_received_180d_count",
        label: "feedback received in 180 days",
        phrase: "received feedback {value} times in 180 days",
        otherwise: "feedback received not recorded",
        definition: "events of kind feedback_received in the 180 days up to as_of",
        ..BASE
    },
    FeatureSpec {
        name: "feedback_given_180d_count",
        label: "feedback given in 180 days",
        actionable: false,
        phrase: "gave feedback {value} times in 180 days",
        otherwise: "feedback given not recorded",
        definition: "events of kind feedback_given in the 180 days up to as_of",
        ..BASE
    },
    FeatureSpec {
        name: "contacts_90d_count",
        label: "all contacts on record in 90 days",
        phrase: "{value} contacts of any kind in 90 days",
        otherwise: "contacts not recorded",
        definition: "feedback events of every kind, unnamed kinds included, in the 90 days up to as_of",
        ..BASE
    },
    FeatureSpec {
        name: "review_rating",
        label: "latest review rating",
        unit: Unit::Number,
        actionable: false,
        phrase: "last review rated {value}",
        otherwise: "no rated review yet",
        definition: "rating of the latest performance_review, on the company's scale",
        ..BASE
    },
    FeatureSpec {
        name: "review_rating_change",
        label: "change of the review rating",
        unit: Unit::Number,
        actionable: false,
        phrase: "review rating changed by {value}",
        otherwise: "fewer than two rated reviews",
        definition: "rating of the latest performance_review less that of the one before",
        ..BASE
    },
];

pub(super) fn compute(input: &FeatureInput<'_>) -> [f64; SPECS.len()] {
    let (history, as_of) = (input.history, input.as_of);
    let since = |kind: FeedbackKind| input.coverage.feedback_since.get(kind as usize).copied().flatten();
    let days = |kind: FeedbackKind| history.feedback_days.get(kind as usize).map(Vec::as_slice).unwrap_or_default();
    let count = |kind: FeedbackKind, window: i32| {
        if input.covers(since(kind), window) { count_within(days(kind), as_of, window) as f64 } else { f64::NAN }
    };
    let last_one_on_one = since(FeedbackKind::OneOnOne)
        .filter(|&first| first <= as_of)
        .map(|first| latest(days(FeedbackKind::OneOnOne), as_of).unwrap_or(first.max(history.hire_date())));
    let recorded = input.coverage.feedback_since.iter().any(|&since| input.covers(since, QUARTER_DAYS));
    let contacts: usize = history.feedback_days.iter().map(|days| count_within(days, as_of, QUARTER_DAYS)).sum();
    let reviews = history.reviews.partition_point(|r| r.0 <= as_of);
    let rating = |back: usize| reviews.checked_sub(back).and_then(|i| history.reviews.get(i)).map(|r| r.1);
    [
        count(FeedbackKind::OneOnOne, QUARTER_DAYS),
        known(last_one_on_one.map(|day| input.days_since(day))),
        count(FeedbackKind::RecognitionReceived, HALF_YEAR_DAYS),
        count(FeedbackKind::RecognitionGiven, HALF_YEAR_DAYS),
        count(FeedbackKind::FeedbackReceived, HALF_YEAR_DAYS),
        count(FeedbackKind::FeedbackGiven, HALF_YEAR_DAYS),
        if recorded { contacts as f64 } else { f64::NAN },
        known(rating(1)),
        known(rating(1).zip(rating(2)).map(|(last, before)| last - before)),
    ]
}
