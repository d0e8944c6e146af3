//! Everything that is held about a person.

use flight_risk_scoring::Day;

use crate::store::actions::{COLUMNS as ACTION_COLUMNS, StoredAction, read as read_action};
use crate::store::changes::ChangeKind;
use crate::store::db::params;
use crate::store::stored_score::{HeldScore, day_of};
use crate::store::{Store, StoreError};

/// Everything that is held about a person, but for the audit log.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Holdings {
    /// Every recorded score, the latest first.
    pub(crate) scores: Vec<HeldScore>,
    /// When a change of the risk was last told, in microseconds since 1970; 0 where none was.
    pub(crate) last_told: Option<i64>,
    /// The changes of risk that were told: when (microseconds since 1970) and why.
    pub(crate) changes: Vec<(i64, ChangeKind)>,
    /// Actions for the person.
    pub(crate) actions: Vec<StoredAction>,
    /// The last day of employment, the kind of exit by its number, and when it was reported.
    pub(crate) exit: Option<(Day, i64, i64)>,
    /// Requests about the person whose answers are kept for a day: the method, and when.
    pub(crate) requests: Vec<(String, i64)>,
    /// Where the person is named in what is held about others.
    pub(crate) mentions: Mentions,
}

/// How often a person is named in what is held about others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mentions {
    /// Scores of people who report to the person.
    pub(crate) as_manager: u64,
    /// Actions that the person is to carry out.
    pub(crate) as_assignee: u64,
    /// Actions that the person created.
    pub(crate) as_creator: u64,
}

impl Holdings {
    /// Whether nothing is held.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Store {
    /// How many people something is held about.
    pub(crate) async fn people_held(&self) -> Result<i64, StoreError> {
        let tables = ["scores", "told", "changes", "actions", "exits"];
        let people = tables.map(|table| format!("SELECT employee_id FROM {table}")).join(" UNION ");
        let row = self.db().first(&format!("SELECT COUNT(*) FROM ({people}) AS people"), params![]).await?;
        row.map_or(Ok(0), |row| row.int(0))
    }

    /// Everything that is held about a person.
    pub(crate) async fn holdings(&self, id: &str) -> Result<Holdings, StoreError> {
        let db = self.db();
        let told = db.first("SELECT told_at FROM told WHERE employee_id = $1", params![id]).await?;
        let changes = "SELECT changed_at, kind FROM changes WHERE employee_id = $1 ORDER BY seq";
        let changes = db.query(changes, params![id]).await?;
        let actions = format!("SELECT {ACTION_COLUMNS} FROM actions WHERE employee_id = $1 ORDER BY id");
        let actions = db.query(&actions, params![id]).await?;
        let exit = match self.exit(id).await? {
            Some(exit) => Some((day_of(exit.day)?, exit.exit_type, exit.reported_at)),
            None => None,
        };
        let requests = "SELECT method, at FROM requests WHERE employee_id = $1 ORDER BY at";
        let requests = db.query(requests, params![id]).await?;
        let count = async |sql: &str| match db.first(sql, params![id]).await? {
            Some(row) => row.count(0),
            None => Ok(0),
        };
        Ok(Holdings {
            scores: self.held_scores(id).await?,
            last_told: told.map(|row| row.int(0)).transpose()?,
            changes: changes
                .iter()
                .map(|row| Ok((row.int(0)?, ChangeKind::of(row.int(1)?)?)))
                .collect::<Result<Vec<_>, StoreError>>()?,
            actions: actions.iter().map(read_action).collect::<Result<_, _>>()?,
            exit,
            requests: requests
                .iter()
                .map(|row| Ok((row.text(0)?, row.int(1)?)))
                .collect::<Result<Vec<_>, StoreError>>()?,
            mentions: Mentions {
                as_manager: count("SELECT COUNT(*) FROM scores WHERE manager_id = $1").await?,
                as_assignee: count("SELECT COUNT(*) FROM actions WHERE assignee = $1").await?,
                as_creator: count("SELECT COUNT(*) FROM actions WHERE creator = $1").await?,
            },
        })
    }
}
