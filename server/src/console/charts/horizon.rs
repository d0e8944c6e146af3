//! The risk within 3, 6 and 12 months, beside the base rate and the team.

use super::Chart;
use super::drawing::{DIAMOND, legend};
use super::markup::{Html, Markup};
use super::number::{Estimate, Share, percent, range};
use super::rows::{self, MIDDLE, Row, STRIP};
use super::scale::Axis;

/// The risk within so many months.
#[derive(Clone, Debug)]
pub(crate) struct Horizon {
    /// The months.
    pub(crate) months: u32,
    /// The risk with its 90 % interval.
    pub(crate) risk: Estimate,
    /// The base rate at this horizon, where it is known.
    pub(crate) base_rate: Option<Share>,
    /// The team's mean risk, where it is known and may be shown.
    pub(crate) team: Option<Share>,
}

/// The risks at all horizons.
#[derive(Clone, Debug)]
pub(crate) struct Horizons {
    /// What it shows, as a heading.
    pub(crate) title: String,
    /// The horizons, ascending.
    pub(crate) horizons: Vec<Horizon>,
}

impl Chart for Horizons {
    fn title(&self) -> &str {
        &self.title
    }

    fn picture(&self) -> Markup {
        let others = |h: &Horizon| [h.base_rate, h.team].into_iter().flatten().map(Share::get).fold(0.0, f64::max);
        let most = self.horizons.iter().map(|h| h.risk.high().max(others(h))).fold(0.0, f64::max);
        let axis = Axis::percent(most);
        let rows = self.horizons.iter().map(|horizon| {
            let mut strip = rows::strip(&axis);
            let at = |share: Share| axis.at(share.get());
            if let Some(base) = horizon.base_rate {
                strip.line("base-tick", (at(base), 2.0), (at(base), STRIP - 2.0));
            }
            if let Some(team) = horizon.team {
                strip.shape("team", (at(team), MIDDLE), DIAMOND);
            }
            let risk = horizon.risk;
            strip.whisker("v-whisker", (axis.at(risk.low()), axis.at(risk.value()), axis.at(risk.high())), MIDDLE);
            let mut note = format!("likely {}", range(risk));
            for (whose, share) in [("base rate", horizon.base_rate), ("team", horizon.team)] {
                if let Some(share) = share {
                    note += &format!("; {whose} {}", percent(share.get()));
                }
            }
            Row {
                label: format!("{} months", horizon.months),
                value: percent(risk.value()),
                value_note: note,
                strip: Some(strip),
                ..Row::default()
            }
        });
        let mut keys = vec![("whisker", "this person, with the likely range")];
        if self.horizons.iter().any(|horizon| horizon.base_rate.is_some()) {
            keys.push(("base", "base rate"));
        }
        if self.horizons.iter().any(|horizon| horizon.team.is_some()) {
            keys.push(("team", "mean of the team"));
        }
        let mut html = Html::new();
        html.markup(&legend(&keys));
        html.markup(&rows::table(&self.title, ["Within", "Risk of leaving", "Risk"], &axis, rows.collect()));
        html.finish()
    }

    fn in_words(&self) -> String {
        let Some(last) = self.horizons.last() else { return "No horizon.".to_owned() };
        let mut words =
            format!("Within {} months {}, likely {}", last.months, percent(last.risk.value()), range(last.risk));
        match (last.base_rate, last.team) {
            (Some(base), Some(team)) => {
                words +=
                    &format!("; the base rate is {}, the team’s mean {}", percent(base.get()), percent(team.get()));
            }
            (Some(base), None) => words += &format!("; the base rate is {}", percent(base.get())),
            (None, Some(team)) => words += &format!("; the team’s mean is {}", percent(team.get())),
            (None, None) => {}
        }
        words + "."
    }
}
