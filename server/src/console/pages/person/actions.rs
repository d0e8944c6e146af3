//! What can be done: the playbook's recommendations for a person.

use flight_risk_proto::v1;

use crate::console::error::encoded;
use crate::console::pages::person::href;
use crate::console::site::Site;
use crate::console::words;

/// Something that can be done.
pub(super) struct Recommended {
    pub(super) title: String,
    pub(super) what: String,
    pub(super) owner: &'static str,
    pub(super) within: String,
    pub(super) prompt: String,
    /// Label of the feature for which it is recommended, where who looks may see it.
    pub(super) because: Option<String>,
    pub(super) start_href: String,
}

impl Recommended {
    /// What is told of a recommendation of the API.
    pub(super) fn of(site: &Site, told: &v1::RecommendedAction, id: &str) -> Self {
        let active = site.core().active.load();
        let feature = active.schema().feature(&told.feature);
        Self {
            title: told.title.clone(),
            what: told.what.clone(),
            owner: owner(told.owner()),
            within: words::count(told.within_days, "day", "days"),
            prompt: told.conversation_prompt.clone(),
            because: (!told.feature.is_empty())
                .then(|| feature.map_or_else(|| told.feature.clone(), |feature| feature.label.clone())),
            start_href: format!("{}/actions/new?playbook={}", href(id), encoded(&told.playbook_id)),
        }
    }
}

/// Who should act.
pub(super) fn owner(owner: v1::ActionOwner) -> &'static str {
    match owner {
        v1::ActionOwner::Manager => "the manager",
        v1::ActionOwner::HrPartner => "the HR partner",
        v1::ActionOwner::Leadership => "the manager’s manager or the head of the unit",
        v1::ActionOwner::Unspecified => "whoever is closest",
    }
}
