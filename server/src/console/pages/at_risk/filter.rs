//! What the list is asked for: from the address of the page to a request of the API, and back.

use flight_risk_proto::v1;
use flight_risk_scoring::Day;
use serde::{Deserialize, Serialize};

use crate::console::error::PageError;
use crate::console::frame::Tab;
use crate::console::pages::address;
use crate::console::pages::at_risk::{PURPOSE, REASONS, wrong};
use crate::console::pages::place::Place;
use crate::console::visit::Visit;
use crate::console::words;
use crate::insight::dimension::tenure_bounds;
use crate::limits::MAX_CAPACITY;

/// What stands in the address. All of it is text: an empty field of a form is not set.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Asked {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) view: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) q: String,
    /// `name` where no identifier begins as `q`, but a name does: all pages of the list look for names then.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) by: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) department: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) location: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) manager: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) level: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) years: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) band: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) critical: String,
    /// The day since which the risk changed: a day, not a length of time, so that every page of a list asks the same.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) changed: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) sort: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) capacity: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) page: String,
    /// How many people stand on the pages before.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) before: String,
    /// The pages before.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) back: String,
}

/// What [`Asked::by`] is where names are searched.
const BY_NAME: &str = "name";

/// Which people are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// Those at elevated or high risk.
    AtRisk,
    /// Everybody.
    All,
    /// Those about whom the model says that it does not know.
    Unknown,
    /// Those whose score is old.
    Stale,
}

impl View {
    const ALL: [Self; 4] = [Self::AtRisk, Self::All, Self::Unknown, Self::Stale];

    fn name(self) -> &'static str {
        match self {
            Self::AtRisk => "",
            Self::All => "all",
            Self::Unknown => "unknown",
            Self::Stale => "stale",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::AtRisk => "At risk",
            Self::All => "Everybody",
            Self::Unknown => "Not scored",
            Self::Stale => "Out of date",
        }
    }

    /// Whether it is this one, for templates.
    pub(super) fn is(self, name: &str) -> bool {
        self.name() == name
    }
}

/// Bands to choose from.
pub(super) const BANDS: [(&str, &str); 4] = [("", "All"), ("HIGH", "High"), ("ELEVATED", "Elevated"), ("LOW", "Low")];
/// Whether the position is critical.
pub(super) const CRITICAL: [(&str, &str); 3] = [("", "All"), ("true", "Critical"), ("false", "Not critical")];
/// Years with the company.
pub(super) const YEARS: [(&str, &str); 6] = [
    ("", "All"),
    ("under 1", "Under 1"),
    ("1 to 2", "1 to 2"),
    ("2 to 5", "2 to 5"),
    ("5 to 10", "5 to 10"),
    ("10 and more", "10 and more"),
];
/// Days within which the risk changed by more than usual.
const CHANGED: [i32; 3] = [7, 30, 90];
/// Orders.
pub(super) const SORTS: [(&str, &str); 6] = [
    ("", "Highest risk first"),
    ("probability", "Lowest risk first"),
    ("employee_id", "Identifier, A to Z"),
    ("employee_id desc", "Identifier, Z to A"),
    ("score_time desc", "Latest score first"),
    ("score_time", "Oldest score first"),
];
/// Orders that tell nothing of the numbers.
pub(super) const SORTS_WITHOUT_NUMBERS: [(&str, &str); 2] =
    [("", "Identifier, A to Z"), ("employee_id desc", "Identifier, Z to A")];

/// Since when the risk changed, counted back from a day; what the address has is among them.
pub(super) fn changed(today: Day, chosen: &str) -> Vec<(String, String)> {
    let mut all = vec![(String::new(), "At any time".to_owned())];
    all.extend(CHANGED.map(|days| (today.plus_days(-days).to_string(), format!("In the last {days} days"))));
    if !all.iter().any(|(value, _)| value == chosen) {
        all.push((chosen.to_owned(), format!("Since {}", words::day(chosen))));
    }
    all
}

/// The views as tabs: what else is asked stays.
pub(super) fn tabs(asked: &Asked, numbers: bool) -> Vec<Tab> {
    let view = asked.view();
    let shown = if numbers { &View::ALL[..] } else { &View::ALL[..1] };
    let tab = |one: &View| Tab {
        label: if numbers { one.label() } else { "My reports" }.to_owned(),
        count: None,
        href: Asked { view: one.name().to_owned(), ..asked.clone() }.first_page("/at-risk"),
        current: *one == view,
    };
    shown.iter().map(tab).collect()
}

impl Asked {
    /// Which people are listed.
    pub(super) fn view(&self) -> View {
        View::ALL.into_iter().find(|view| view.name() == self.view).unwrap_or(View::AtRisk)
    }

    /// Whether it is anything but the whole of a view.
    pub(super) fn is_filtered(&self) -> bool {
        [
            &self.q,
            &self.department,
            &self.location,
            &self.manager,
            &self.level,
            &self.years,
            &self.band,
            &self.critical,
            &self.changed,
        ]
        .iter()
        .any(|field| !field.trim().is_empty())
    }

    /// Which page of the list is shown.
    pub(super) fn place(&self) -> Place {
        Place::of(&self.page, &self.before, &self.back)
    }

    /// The same list at another page.
    fn at(&self, place: &Place) -> Self {
        Self { page: place.page.clone(), before: place.rows(), back: place.back.clone(), ..self.clone() }
    }

    /// The address of a page of the same list.
    pub(super) fn href(&self, path: &str, place: &Place) -> String {
        address(path, &self.at(place))
    }

    /// The address of the same list from its beginning.
    pub(super) fn first_page(&self, path: &str) -> String {
        self.href(path, &Place::default())
    }

    /// What a form keeps that sets the number of people one can talk to: everything else.
    pub(super) fn beside_capacity(&self) -> Vec<(String, String)> {
        let others = Self { capacity: String::new(), ..self.at(&Place::default()) };
        let text = serde_urlencoded::to_string(&others).unwrap_or_default();
        serde_urlencoded::from_str(&text).unwrap_or_default()
    }

    /// The same list, looking for a name: where this one, of which nobody is listed, looks for an identifier.
    pub(super) fn by_name(&self) -> Option<Self> {
        (!self.q.trim().is_empty() && self.by.is_empty() && self.page.is_empty())
            .then(|| Self { by: BY_NAME.to_owned(), ..self.clone() })
    }

    /// The request of the API, without the length of a page. `numbers`: whether who asks may see any.
    ///
    /// # Errors
    /// [`PageError::Form`] says which field is wrong.
    pub(super) fn request(&self, visit: &Visit, numbers: bool) -> Result<v1::ListAtRiskEmployeesRequest, PageError> {
        let view = self.view();
        let filter = self.filter(view, numbers)?;
        Ok(v1::ListAtRiskEmployeesRequest {
            page_token: self.page.clone(),
            // Who looks for somebody wants to find them, whatever their risk.
            all_bands: numbers && (view != View::AtRisk || !self.q.trim().is_empty()),
            filter,
            order_by: self.sort.clone(),
            purpose: visit.purpose_or(PURPOSE),
            max_factors: Some(REASONS),
            ..Default::default()
        })
    }

    /// How many people HR can talk to, where it is said and the list has those to whom one would first.
    ///
    /// # Errors
    /// [`PageError::Form`] when it is no such number.
    pub(super) fn capacity(&self, numbers: bool) -> Result<Option<i32>, PageError> {
        // Nobody is first among those of whom nothing is known.
        if !numbers || self.view() == View::Unknown {
            return Ok(None);
        }
        let text = self.capacity.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let number = text.parse::<i32>().ok().filter(|n| *n >= 1 && *n as usize <= MAX_CAPACITY);
        number
            .map(Some)
            .ok_or_else(|| wrong("the number of people that you can talk to must be a whole number from 1 to 100,000"))
    }

    fn filter(&self, view: View, numbers: bool) -> Result<String, PageError> {
        let mut parts = Vec::new();
        for (field, value) in [
            ("department", &self.department),
            ("location", &self.location),
            ("manager_id", &self.manager),
            ("job_level", &self.level),
        ] {
            let value = value.trim();
            if !value.is_empty() {
                parts.push(format!("{field} = {}", quoted(value)));
            }
        }
        if let Some((from, end)) = tenure_bounds(&self.years) {
            parts.push(format!("tenure_years >= {from} AND tenure_years < {end}"));
        }
        let search = self.q.trim();
        if !search.is_empty() {
            // What is typed is the beginning, of an identifier or of a name.
            let searched = if self.by == BY_NAME { "display_name" } else { "employee_id" };
            parts.push(format!("{searched} = {}", quoted(&format!("{}*", search.trim_end_matches('*')))));
        }
        match (view, numbers) {
            (View::Unknown, true) => parts.push("band = ABSTAINED".to_owned()),
            (_, true) if BANDS.iter().any(|(name, _)| !name.is_empty() && *name == self.band) => {
                parts.push(format!("band = {}", self.band));
            }
            _ => {}
        }
        if view == View::Stale {
            parts.push("stale = true".to_owned());
        }
        if ["true", "false"].contains(&self.critical.as_str()) {
            parts.push(format!("critical_role = {}", self.critical));
        }
        // It tells of numbers.
        if numbers && !self.changed.is_empty() {
            let day: Day =
                self.changed.parse().map_err(|_| wrong("the day since which the risk changed is not a day"))?;
            parts.push(format!("change_time >= \"{day}T00:00:00Z\""));
        }
        Ok(parts.join(" AND "))
    }
}

/// A text of a filter (Google AIP-160).
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::{YEARS, tenure_bounds};

    #[test]
    fn every_choice_of_years_is_a_group() {
        for (name, _) in YEARS.iter().skip(1) {
            assert!(tenure_bounds(name).is_some(), "{name}");
        }
    }
}
