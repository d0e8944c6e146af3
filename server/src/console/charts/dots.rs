//! Groups: how many left, against how many were expected to.

use super::Chart;
use super::drawing::legend;
use super::markup::{Html, Markup};
use super::number::{Estimate, Share, count, percent, range};
use super::rows::{self, MIDDLE, Row, STRIP};
use super::scale::Axis;

/// What is known of a group.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// Its name.
    pub(crate) label: String,
    /// Its figures; what is said instead where they are not shown, such as "not shown: fewer than 10 people".
    pub(crate) figures: Result<GroupFigures, String>,
}

/// The figures of a group that may be shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GroupFigures {
    /// How many people.
    pub(crate) people: u64,
    /// The share that left, with its interval.
    pub(crate) observed: Estimate,
    /// The share that was expected to.
    pub(crate) expected: Share,
}

/// Groups one below the other.
#[derive(Clone, Debug)]
pub(crate) struct Groups {
    /// What it shows, as a heading.
    pub(crate) title: String,
    /// The groups in the order they are to be read.
    pub(crate) groups: Vec<Group>,
}

impl Groups {
    fn shown(&self) -> impl Iterator<Item = (&str, &GroupFigures)> {
        self.groups
            .iter()
            .filter_map(|group| group.figures.as_ref().ok().map(|figures| (group.label.as_str(), figures)))
    }
}

impl Chart for Groups {
    fn title(&self) -> &str {
        &self.title
    }

    fn picture(&self) -> Markup {
        let most = self.shown().map(|(_, f)| f.observed.high().max(f.expected.get())).fold(0.0, f64::max);
        let axis = Axis::percent(most);
        let rows = self.groups.iter().map(|group| match &group.figures {
            Ok(figures) => {
                let observed = figures.observed;
                let mut strip = rows::strip(&axis);
                let expected = axis.at(figures.expected.get());
                strip.line("base-tick", (expected, 2.0), (expected, STRIP - 2.0));
                let at = |value| axis.at(value);
                strip.whisker("v-whisker", (at(observed.low()), at(observed.value()), at(observed.high())), MIDDLE);
                Row {
                    label: group.label.clone(),
                    note: format!("{} people", count(figures.people)),
                    value: percent(observed.value()),
                    value_note: format!("likely {}; expected {}", range(observed), percent(figures.expected.get())),
                    strip: Some(strip),
                    ..Row::default()
                }
            }
            Err(reason) => {
                Row { label: group.label.clone(), value: reason.clone(), class: "hidden-row", ..Row::default() }
            }
        });
        let mut html = Html::new();
        html.markup(&legend(&[("whisker", "observed, with the likely range"), ("base", "expected")]));
        html.markup(&rows::table(&self.title, ["Group", "Share that left", "Observed"], &axis, rows.collect()));
        html.finish()
    }

    fn in_words(&self) -> String {
        let apart = |f: &GroupFigures| f.expected.get() < f.observed.low() || f.expected.get() > f.observed.high();
        let more: Vec<&str> =
            self.shown().filter(|(_, f)| apart(f) && f.observed.value() > f.expected.get()).map(|(l, _)| l).collect();
        let fewer = self.shown().filter(|(_, f)| apart(f) && f.observed.value() < f.expected.get()).count();
        let mut words = match more.as_slice() {
            [] => "Nowhere did clearly more leave than expected.".to_owned(),
            [one] => format!("Clearly more than expected left in “{one}”."),
            [first, rest @ ..] => format!("Clearly more than expected left in “{first}” and {} more.", rest.len()),
        };
        if fewer > 0 {
            words += &format!(" Clearly fewer in {fewer}.");
        }
        let hidden = self.groups.len() - self.shown().count();
        if hidden > 0 {
            words += &format!(" {hidden} not shown, to protect people in small groups.");
        }
        words
    }
}
