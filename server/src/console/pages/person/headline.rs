//! The answer at a glance: how likely, how sure, compared with what; or why there is none.

use flight_risk_proto::v1;

use crate::console::charts::{Chart, Estimate, Horizon, Horizons, Markup, Share};
use crate::console::frame::Band;
use crate::console::pages::person::team::Team;
use crate::console::site::Site;
use crate::console::words;

/// Facts that are named to be recorded first.
const MOST_WANTED: usize = 6;

/// A probability and what it is compared with.
pub(super) struct Headline {
    pub(super) percent: String,
    pub(super) of_100: String,
    pub(super) range: String,
    pub(super) sure: String,
    pub(super) multiple: String,
    pub(super) band: Band,
    pub(super) within: String,
    pub(super) usual: String,
    pub(super) change: Option<i64>,
    pub(super) before: Option<String>,
    pub(super) horizons: Option<Markup>,
    /// What is to be known of a score of a model that is not the active one.
    pub(super) other_model: Option<String>,
}

impl Headline {
    /// What is said first.
    pub(super) fn of(site: &Site, told: &v1::Assessment, risk: &v1::EmployeeRisk, team: &Team) -> Self {
        let before = risk.previous.as_ref().and_then(|before| Some((before, before.risk?)));
        let own = is_active(site, &risk.model_version);
        Self {
            percent: words::percent(told.risk),
            of_100: words::about(100.0 * told.risk),
            range: words::percent_range(told.low, told.high),
            sure: words::percent(told.interval_level),
            multiple: words::multiple(told.multiple_of_base_rate),
            band: Band::of(told.band()),
            within: if own { site.within() } else { within(told) },
            usual: words::percent(told.base_rate),
            change: before.map(|(_, before)| words::points(before, told.risk)),
            before: before.map(|(point, risk)| format!("{} on {}", words::percent(risk), words::day(&point.as_of))),
            horizons: horizons(site, told, team, own),
            other_model: (!own).then(|| risk.model_version.clone()),
        }
    }
}

/// Whether a score is of the active model.
pub(super) fn is_active(site: &Site, model_version: &str) -> bool {
    site.core().active.load().artifact().model_version() == model_version
}

/// The horizon of the headline risk of a model of which only its answer is at hand, in months.
fn headline_months(told: &v1::Assessment) -> Option<u32> {
    let of = |risk: f64, low: f64, high: f64| [risk, low, high].map(f64::to_bits);
    let headline = of(told.risk, told.low, told.high);
    told.horizons.iter().find(|h| of(h.risk, h.low, h.high) == headline).map(|horizon| horizon.months)
}

/// The time within which an answer of another model than the active one says that somebody leaves.
fn within(told: &v1::Assessment) -> String {
    match headline_months(told) {
        Some(1) => "within a month".to_owned(),
        Some(months) => format!("within {months} months"),
        None => "in the period that its records cover".to_owned(),
    }
}

/// The risks at all horizons beside the base rates and the group's mean, which is known at the headline horizon. Of another model
/// than the active one, the base rate is known at that horizon only, and the group's mean is not its own.
fn horizons(site: &Site, told: &v1::Assessment, team: &Team, own: bool) -> Option<Markup> {
    let active = site.core().active.load();
    let content = active.artifact().content();
    let (months, headline) = match &content.target {
        flight_risk_scoring::artifact::Target::Hazard { horizons_months, risk_horizon_months, .. } => {
            (horizons_months.as_slice(), *risk_horizon_months)
        }
        flight_risk_scoring::artifact::Target::SinglePeriod { .. } => (&[][..], 0),
    };
    let others = headline_months(told);
    let usual = |of: u32| {
        if !own {
            return Share::new(told.base_rate).filter(|_| others == Some(of));
        }
        let place = months.iter().position(|&months| months == of)?;
        content.base_rates.horizons.get(place).and_then(|&rate| Share::new(rate))
    };
    let horizons: Vec<Horizon> = told
        .horizons
        .iter()
        .filter_map(|horizon| {
            Some(Horizon {
                months: horizon.months,
                risk: Estimate::share(horizon.risk, horizon.low, horizon.high)?,
                base_rate: usual(horizon.months),
                team: team.mean_risk().filter(|_| own && horizon.months == headline).and_then(Share::new),
            })
        })
        .collect();
    let chart = Horizons { title: "Risk of leaving, by time".to_owned(), horizons };
    (!chart.horizons.is_empty()).then(|| chart.figure())
}

/// Why there is no probability, and what would have to be known.
pub(super) struct Unknown {
    pub(super) reasons: Vec<String>,
    pub(super) usual: String,
    pub(super) within: String,
    /// What to do about it.
    pub(super) advice: Vec<&'static str>,
    /// What the model looks at most, where too little is known.
    pub(super) wanted: Vec<String>,
}

impl Unknown {
    /// What is said of an abstention.
    pub(super) fn of(site: &Site, told: &v1::Abstention, model_version: &str) -> Self {
        let own = is_active(site, model_version);
        let is = |kind| told.reasons.iter().any(|reason| reason.kind() == kind);
        let too_little = is(v1::AbstentionKind::TooLittleKnown);
        let mut advice = Vec::new();
        if too_little {
            advice.push("Records that are missing would have to be there: contacts, pay, position, surveys. The next score takes them up.");
        }
        if is(v1::AbstentionKind::OutsideTrainingRange) {
            advice.push(
                "Check the facts that are named: what is unlike everybody the model learned from is often an error in the records. \
                 If they are right, the model has nothing to compare this person with.",
            );
        }
        Self {
            reasons: told.reasons.iter().map(|reason| reason.text.clone()).collect(),
            usual: words::percent(told.base_rate),
            within: if own { site.within() } else { "over the time that its model looked at".to_owned() },
            advice,
            wanted: if too_little && own { wanted(site) } else { Vec::new() },
        }
    }
}

/// What moves scores most, of what nobody answered in confidence: that is in the model, and nothing about the person.
fn wanted(site: &Site) -> Vec<String> {
    let active = site.core().active.load();
    let content = active.artifact().content();
    let mut features: Vec<_> =
        content.features.iter().zip(&content.importance).filter(|(feature, _)| !feature.confidential).collect();
    features.sort_by(|a, b| b.1.total_cmp(a.1));
    features.into_iter().take(MOST_WANTED).map(|(feature, _)| feature.label.clone()).collect()
}
