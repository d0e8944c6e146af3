//! Effects of the values of a category, as dots with intervals.

use super::Chart;
use super::markup::Markup;
use super::number::{Estimate, people};
use super::odds;
use super::rows::{self, MIDDLE, Row};

/// A value of a category.
#[derive(Clone, Debug)]
pub(crate) struct Level {
    /// Its label.
    pub(crate) label: String,
    /// Its effect in log-odds with its interval.
    pub(crate) effect: Estimate,
    /// How many people the model learned it from, where that is known.
    pub(crate) people: Option<u64>,
}

/// The effects of a category.
#[derive(Clone, Debug)]
pub(crate) struct Categories {
    /// What it shows, as a heading.
    pub(crate) title: String,
    /// The values in the order they are to be read.
    pub(crate) levels: Vec<Level>,
}

impl Chart for Categories {
    fn title(&self) -> &str {
        &self.title
    }

    fn picture(&self) -> Markup {
        let axis = odds::axis(self.levels.iter().flat_map(|level| [level.effect.low(), level.effect.high()]));
        let rows = self.levels.iter().map(|level| {
            let effect = level.effect;
            let mut strip = rows::strip(&axis);
            strip.line("ref", (axis.at(0.0), -12.0), (axis.at(0.0), rows::STRIP + 12.0));
            strip.whisker(
                "v-whisker",
                (axis.at(effect.low()), axis.at(effect.value()), axis.at(effect.high())),
                MIDDLE,
            );
            Row {
                label: level.label.clone(),
                note: level.people.map(people).unwrap_or_default(),
                value: odds::arrow(effect.value()),
                value_note: format!("likely {}", odds::range(effect)),
                strip: Some(strip),
                ..Row::default()
            }
        });
        rows::table(&self.title, ["Value", "Times the odds of leaving", "Effect"], &axis, rows.collect())
    }

    fn in_words(&self) -> String {
        let by_effect = |a: &&Level, b: &&Level| a.effect.value().total_cmp(&b.effect.value());
        match (self.levels.iter().max_by(by_effect), self.levels.iter().min_by(by_effect)) {
            (Some(high), Some(low))
                if self.levels.len() > 1 && odds::alike(high.effect.value(), low.effect.value()) =>
            {
                "It makes hardly any difference.".to_owned()
            }
            (Some(high), Some(low)) if self.levels.len() > 1 => format!(
                "The risk is highest for “{}” ({} the odds) and lowest for “{}” ({}).",
                high.label,
                super::number::times(high.effect.value()),
                low.label,
                super::number::times(low.effect.value())
            ),
            (Some(only), _) => format!("“{}”: {} the odds.", only.label, super::number::times(only.effect.value())),
            _ => "No values.".to_owned(),
        }
    }
}
