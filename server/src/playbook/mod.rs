//! The playbook: what to do about what raises somebody's risk. A good one is compiled in; a company can bring its own.
//!
//! It speaks of features and texts only. Who may see which recommendation is decided by whoever asks for it.

mod read;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use flight_risk_scoring::features::Family;
use serde::Deserialize;

/// The one compiled in.
const DEFAULT: &str = include_str!("default.toml");

#[allow(clippy::expect_used, reason = "the text is compiled in and a test reads it")]
static COMPILED_IN: LazyLock<Playbook> = LazyLock::new(|| read::parse(DEFAULT).expect("the playbook compiled in"));

/// Who should act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Owner {
    /// The employee's manager.
    Manager,
    /// The HR partner.
    HrPartner,
    /// The manager's manager or the head of the unit.
    Leadership,
}

/// What to do about a factor.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlaybookEntry {
    /// What actions refer to.
    pub(crate) id: String,
    /// The action in a few words.
    pub(crate) title: String,
    /// What to do.
    pub(crate) what: String,
    /// Who should do it.
    pub(crate) owner: Owner,
    /// Days within which it should be done.
    pub(crate) within_days: u32,
    /// A sentence with which to begin the conversation.
    pub(crate) conversation_prompt: String,
    /// The features that it is for.
    #[serde(default)]
    pub(crate) features: Vec<String>,
    /// Families for whose actionable features it is, where no entry names them.
    #[serde(default)]
    pub(crate) families: Vec<Family>,
    /// Whether it is recommended where no other entry is.
    #[serde(default)]
    pub(crate) general: bool,
}

/// What is to be known of a factor to recommend something about it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlaybookFactor<'a> {
    /// Name of the feature.
    pub(crate) feature: &'a str,
    /// What it is about.
    pub(crate) family: Family,
    /// Its part in log-odds; only what raises the risk (is positive) leads to a recommendation.
    pub(crate) contribution_log_odds: f64,
    /// Whether HR or the manager can act on it.
    pub(crate) actionable: bool,
    /// Whether it comes from confidential survey answers.
    pub(crate) confidential: bool,
}

/// An entry, and the feature for which it is recommended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Recommendation<'a> {
    /// What to do.
    pub(crate) entry: &'a PlaybookEntry,
    /// Why; `None` for the general entry.
    pub(crate) feature: Option<&'a str>,
}

/// The playbook cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlaybookError {
    /// The file cannot be read.
    #[error("the playbook {path}: {source}", path = path.display())]
    File {
        /// Where it should be.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// What is in it is wrong.
    #[error("the playbook {path}: {problems}", path = path.display(), problems = problems.join("; "))]
    Content {
        /// Where it is.
        path: PathBuf,
        /// Everything that is wrong.
        problems: Vec<String>,
    },
}

/// What can be recommended.
#[derive(Clone, Debug, PartialEq)]
pub struct Playbook {
    entries: Vec<PlaybookEntry>,
}

impl Default for Playbook {
    fn default() -> Self {
        COMPILED_IN.clone()
    }
}

impl Playbook {
    /// The playbook in this file, or the one compiled in.
    ///
    /// # Errors
    /// [`PlaybookError`] with everything that is wrong with the file.
    pub fn load(path: Option<&Path>) -> Result<Self, PlaybookError> {
        let Some(path) = path else { return Ok(Self::default()) };
        let text =
            std::fs::read_to_string(path).map_err(|source| PlaybookError::File { path: path.to_owned(), source })?;
        read::parse(&text).map_err(|problems| PlaybookError::Content { path: path.to_owned(), problems })
    }

    /// All entries, in the file's order.
    pub(crate) fn entries(&self) -> &[PlaybookEntry] {
        &self.entries
    }

    /// The entry of this id.
    pub(crate) fn entry(&self, id: &str) -> Option<&PlaybookEntry> {
        self.entries.iter().find(|entry| entry.id == id)
    }

    /// The entry for a feature: the one that names it, or else, for one on which somebody can act, that of its family.
    fn entry_for(&self, factor: &PlaybookFactor<'_>) -> Option<&PlaybookEntry> {
        let named = |entry: &&PlaybookEntry| entry.features.iter().any(|feature| feature == factor.feature);
        let family = |entry: &&PlaybookEntry| factor.actionable && entry.families.contains(&factor.family);
        self.entries.iter().find(named).or_else(|| self.entries.iter().find(family))
    }

    /// What to do about the factors that raise the risk: at most `max` entries, the one for the strongest factor first, none twice.
    /// What nobody can change (a colleague's exit) leads to a recommendation too where an entry names it. Where nothing else is
    /// recommended the general entry is, if there is one.
    ///
    /// Without `confidential`, factors from confidential survey answers count as if they were not there: neither which entries
    /// are recommended nor their order depends on them.
    pub(crate) fn recommend<'a>(
        &'a self,
        factors: impl IntoIterator<Item = PlaybookFactor<'a>>,
        confidential: bool,
        max: usize,
    ) -> Vec<Recommendation<'a>> {
        let mut raising: Vec<PlaybookFactor<'a>> = factors
            .into_iter()
            .filter(|factor| factor.contribution_log_odds > 0.0 && (confidential || !factor.confidential))
            .collect();
        // Stable: equal contributions stay in the order given.
        raising.sort_by(|a, b| b.contribution_log_odds.total_cmp(&a.contribution_log_odds));
        let mut chosen: Vec<Recommendation<'a>> = Vec::new();
        for factor in &raising {
            if chosen.len() == max {
                break;
            }
            let Some(entry) = self.entry_for(factor) else { continue };
            if chosen.iter().all(|before| before.entry.id != entry.id) {
                chosen.push(Recommendation { entry, feature: Some(factor.feature) });
            }
        }
        if chosen.is_empty() && max > 0 {
            chosen.extend(
                self.entries.iter().find(|entry| entry.general).map(|entry| Recommendation { entry, feature: None }),
            );
        }
        chosen
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]
mod tests {
    use flight_risk_scoring::features::registry;

    use super::*;

    fn default() -> Playbook {
        Playbook::default()
    }

    fn factor(feature: &'static str, contribution_log_odds: f64) -> PlaybookFactor<'static> {
        let spec = registry().find(|spec| spec.name == feature).unwrap();
        PlaybookFactor {
            feature,
            family: spec.family,
            contribution_log_odds,
            actionable: spec.actionable,
            confidential: spec.confidential,
        }
    }

    fn chosen(factors: &[PlaybookFactor<'static>], confidential: bool, max: usize) -> Vec<(String, Option<String>)> {
        let playbook = default();
        playbook
            .recommend(factors.iter().copied(), confidential, max)
            .into_iter()
            .map(|chosen| (chosen.entry.id.clone(), chosen.feature.map(str::to_owned)))
            .collect()
    }

    #[test]
    fn every_actionable_feature_has_an_entry_of_its_own_and_every_family_one() {
        let playbook = default();
        for spec in registry().filter(|spec| spec.actionable) {
            let named = playbook.entries().iter().filter(|entry| entry.features.iter().any(|f| f == spec.name)).count();
            assert_eq!(named, 1, "{}", spec.name);
        }
        for entry in playbook.entries() {
            for feature in &entry.features {
                assert!(registry().any(|spec| spec.name == feature), "{}: {feature} is no feature", entry.id);
            }
        }
        let families = [
            Family::Tenure,
            Family::Role,
            Family::Pay,
            Family::Engagement,
            Family::Feedback,
            Family::ManagerAndTeam,
            Family::Other,
        ];
        for family in families {
            let column = PlaybookFactor {
                feature: "a column",
                family,
                contribution_log_odds: 0.1,
                actionable: true,
                confidential: false,
            };
            assert_eq!(playbook.recommend([column], false, 3).first().unwrap().feature, Some("a column"), "{family:?}");
        }
        assert_eq!(playbook.entries().iter().filter(|entry| entry.general).count(), 1);
    }

    #[test]
    fn what_is_said_to_people_reveals_neither_score_nor_survey_answer_and_blames_nobody() {
        let tells = [
            "score",
            "risk",
            "probab",
            "predict",
            "model",
            "survey",
            "you answered",
            "your answer",
            "leaving",
            "quit",
            "resign",
            "flagged",
            "fault",
            "blame",
            "failed",
        ];
        for entry in default().entries() {
            let said = format!("{} {}", entry.title, entry.conversation_prompt).to_lowercase();
            for tell in tells {
                assert!(!said.contains(tell), "{}: {tell}", entry.id);
            }
            let what = entry.what.to_lowercase();
            for tell in ["score", "risk", "probab", "predict", "survey", "fault", "blame", "failed"] {
                assert!(!what.contains(tell), "{}: {tell}", entry.id);
            }
            assert!(entry.conversation_prompt.contains('?'), "{}: a talk opens with a question", entry.id);
        }
    }

    #[test]
    fn the_strongest_raising_factors_come_first_and_no_entry_twice() {
        let factors = [
            factor("months_since_raise", 0.2),
            factor("days_since_one_on_one", 0.5),
            factor("one_on_ones_90d_count", 0.4),
            factor("months_since_promotion", -0.9),
            factor("teammate_exits_135d_count", 0.3),
            factor("tenure_years", 2.0),
        ];
        let expected = [
            ("regular-one-on-ones", "days_since_one_on_one"),
            ("after-a-departure", "teammate_exits_135d_count"),
            ("pay-review", "months_since_raise"),
        ]
        .map(|(id, feature)| (id.to_owned(), Some(feature.to_owned())));
        assert_eq!(chosen(&factors, true, 9), expected);
        assert_eq!(chosen(&factors, true, 2), expected[..2]);
        assert_eq!(chosen(&factors, true, 0), []);
    }

    #[test]
    fn confidential_factors_leave_no_trace_where_they_are_not_to_be_seen() {
        let open = [factor("months_since_raise", 0.2), factor("recognition_received_180d_count", 0.1)];
        let answers = [factor("engagement_workload", 0.9), factor("engagement_recognition", 0.8)];
        let all: Vec<_> = answers.into_iter().chain(open).collect();
        assert_eq!(chosen(&all, false, 5), chosen(&open, false, 5));
        assert_eq!(chosen(&all, true, 5).first().unwrap().0, "workload-check");
        let general = [("stay-conversation".to_owned(), None)];
        assert_eq!(chosen(&answers, false, 5), general);
        assert_eq!(chosen(&[], false, 5), general);
    }

    #[test]
    fn a_file_replaces_the_one_compiled_in() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("playbook.toml");
        std::fs::write(&path, DEFAULT).unwrap();
        assert_eq!(Playbook::load(Some(&path)).unwrap(), default());
        std::fs::write(&path, "[[entry]]\nid = \"x\"").unwrap();
        assert!(Playbook::load(Some(&path)).unwrap_err().to_string().contains("playbook.toml"));
        let absent = Playbook::load(Some(&folder.path().join("none.toml")));
        assert!(matches!(absent, Err(PlaybookError::File { .. })));
    }
}
