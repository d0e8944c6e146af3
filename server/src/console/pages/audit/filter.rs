//! What of the audit log is asked for, as it stands in the address.

use flight_risk_scoring::Day;
use serde::{Deserialize, Serialize};

use crate::clock::MICROS_PER_DAY;
use crate::console::calls::CALLS;
use crate::console::error::PageError;
use crate::console::frame::Choice;
use crate::console::pages::address;
use crate::console::pages::place::Place;
use crate::store::audit_search::Sought;

/// What is asked for.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Asked {
    /// Who.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) who: String,
    /// What they called.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) what: String,
    /// `allowed` or `denied`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) decision: String,
    /// First day.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) from: String,
    /// Last day.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) until: String,
    /// About this person, by identifier.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) person: String,
    /// About whoever has this keyed hash.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) hash: String,
    /// Only records before this number.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) before: String,
    /// The pages before.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) back: String,
}

impl Asked {
    /// Whether any filter is set.
    pub(super) fn is_filtered(&self) -> bool {
        let texts = [&self.who, &self.what, &self.decision, &self.from, &self.until, &self.person, &self.hash];
        texts.into_iter().any(|text| !text.trim().is_empty())
    }

    /// What the store is asked.
    pub(super) fn sought(&self) -> Result<Sought, PageError> {
        let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let until = micros(&self.until)?.map(|until| until.saturating_add(MICROS_PER_DAY));
        Ok(Sought {
            actor: text(&self.who),
            method: text(&self.what),
            decision: text(&self.decision),
            since: micros(&self.from)?,
            until,
        })
    }

    /// The number before which records are asked for.
    pub(super) fn before(&self) -> Result<Option<i64>, PageError> {
        if self.before.is_empty() {
            return Ok(None);
        }
        let number = self.before.parse::<i64>().ok().filter(|number| *number > 0);
        number.map(Some).ok_or_else(|| PageError::Form("the number of a record is not a number".to_owned()))
    }

    /// Which page of the log is shown: its token is the number before which records are asked for.
    pub(super) fn place(&self) -> Place {
        Place::of(&self.before, "", &self.back)
    }

    /// The address of the same with another place in the log.
    pub(super) fn href(&self, place: &Place) -> String {
        address("/audit", &Self { before: place.page.clone(), back: place.back.clone(), ..self.clone() })
    }

    /// The choices of what was called.
    pub(super) fn calls(&self) -> Vec<Choice> {
        let mut calls = Choice::all(&CALLS, &self.what);
        calls.sort_by(|a, b| a.label.cmp(&b.label));
        calls.insert(0, Choice::of("", "Everything", &self.what));
        if !self.what.is_empty() && !calls.iter().any(|choice| choice.chosen) {
            calls.push(Choice::of(&self.what, &self.what, &self.what));
        }
        calls
    }

    /// The choices of what was decided.
    pub(super) fn decisions(&self) -> Vec<Choice> {
        Choice::all(&[("", "All"), ("allowed", "Allowed"), ("denied", "Refused")], &self.decision)
    }
}

/// The beginning of a day.
fn micros(day: &str) -> Result<Option<i64>, PageError> {
    let day = day.trim();
    if day.is_empty() {
        return Ok(None);
    }
    let day: Day = day.parse().map_err(|_| PageError::Form("a day must be written as 2026-12-31".to_owned()))?;
    Ok(Some(i64::from(day.epoch_days()).saturating_mul(MICROS_PER_DAY)))
}
