//! Actions: what was promised or done to keep somebody.

use std::collections::HashMap;

use flight_risk_scoring::Day;
use serde::{Deserialize, Serialize};

use crate::access::caller::Scope;
use crate::store::conditions::Conditions;
use crate::store::db::{Row, Tx, params};
use crate::store::standing::last_score;
use crate::store::statement::{list, pieces};
use crate::store::stored_score::day_of;
use crate::store::{Store, StoreError};

/// How far an action is. The numbers are those of the table and of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionState {
    /// Agreed, not begun.
    Open = 1,
    /// Begun.
    InProgress = 2,
    /// Done.
    Completed = 3,
    /// Dropped.
    Cancelled = 4,
}

impl ActionState {
    fn of(number: i64) -> Result<Self, StoreError> {
        [Self::Open, Self::InProgress, Self::Completed, Self::Cancelled]
            .into_iter()
            .find(|state| *state as i64 == number)
            .ok_or_else(|| StoreError::Damaged(format!("an action has the state {number}")))
    }

    /// Whether something is still to be done.
    pub fn is_under_way(self) -> bool {
        matches!(self, Self::Open | Self::InProgress)
    }
}

/// What came of an action. The numbers are those of the table, where 0 is none yet, and of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionOutcome {
    /// It helped, as far as one can see.
    Helped = 1,
    /// It changed nothing.
    NoChange = 2,
    /// The employee did not want it.
    Declined = 3,
    /// It turned out not to be needed.
    NotNeeded = 4,
}

impl ActionOutcome {
    fn of(number: i64) -> Result<Option<Self>, StoreError> {
        if number == 0 {
            return Ok(None);
        }
        [Self::Helped, Self::NoChange, Self::Declined, Self::NotNeeded]
            .into_iter()
            .find(|outcome| *outcome as i64 == number)
            .map(Some)
            .ok_or_else(|| StoreError::Damaged(format!("an action has the outcome {number}")))
    }
}

/// An action.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredAction {
    /// Identifier.
    pub id: String,
    /// For whom it is.
    pub employee_id: String,
    /// The playbook's entry; empty: none.
    pub playbook_id: String,
    /// In a few words.
    pub title: String,
    /// Who will do it; empty: nobody yet.
    pub assignee: String,
    /// The day by which it is to be done.
    pub due_day: Day,
    /// How far it is.
    pub state: ActionState,
    /// What came of it.
    pub outcome: Option<ActionOutcome>,
    /// Notes.
    pub note: String,
    /// Who created it.
    pub creator: String,
    /// When, in microseconds since 1970 (UTC).
    pub created_at: i64,
    /// When it was last changed.
    pub updated_at: i64,
    /// When it was completed.
    pub completed_at: Option<i64>,
    /// How often it was written.
    pub revision: i64,
}

/// The columns of [`StoredAction`].
pub(crate) const COLUMNS: &str = "id, employee_id, playbook_id, title, assignee, due_day, state, outcome, note, creator, created_at, \
     updated_at, completed_at, revision";

/// An action from a row of [`COLUMNS`].
pub(crate) fn read(row: &Row) -> Result<StoredAction, StoreError> {
    Ok(StoredAction {
        id: row.text(0)?,
        employee_id: row.text(1)?,
        playbook_id: row.text(2)?,
        title: row.text(3)?,
        assignee: row.text(4)?,
        due_day: day_of(row.int(5)?)?,
        state: ActionState::of(row.int(6)?)?,
        outcome: ActionOutcome::of(row.int(7)?)?,
        note: row.text(8)?,
        creator: row.text(9)?,
        created_at: row.int(10)?,
        updated_at: row.int(11)?,
        completed_at: row.opt_int(12)?,
        revision: row.int(13)?,
    })
}

fn outcome_number(outcome: Option<ActionOutcome>) -> i64 {
    outcome.map_or(0, |outcome| outcome as i64)
}

/// Numbers of actions are written with as many digits, so that they are ordered as they were made.
const ID_DIGITS: usize = 10;

/// Adds an action; its `id` is assigned here and given back.
pub(crate) async fn add(tx: &mut Tx, action: &mut StoredAction) -> Result<(), StoreError> {
    action.id = format!("{:0ID_DIGITS$}", tx.next_numbers("action", 1).await?);
    let StoredAction { id, employee_id, playbook_id, title, assignee, due_day, note, creator, .. } = &*action;
    let sql =
        format!("INSERT INTO actions ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)");
    let values = params![
        id,
        employee_id,
        playbook_id,
        title,
        assignee,
        i64::from(due_day.epoch_days()),
        action.state as i64,
        outcome_number(action.outcome),
        note,
        creator,
        action.created_at,
        action.updated_at,
        action.completed_at,
        action.revision,
    ];
    tx.execute(&sql, values).await?;
    Ok(())
}

/// An action that is about to be changed. Nobody else can change it until the transaction ends.
pub(crate) async fn take(tx: &mut Tx, id: &str) -> Result<Option<StoredAction>, StoreError> {
    // An update that changes nothing locks the row on both databases.
    let sql = format!("UPDATE actions SET revision = revision WHERE id = $1 RETURNING {COLUMNS}");
    tx.first(&sql, params![id]).await?.as_ref().map(read).transpose()
}

/// Keeps an action that was taken and changed: its revision rises.
pub(crate) async fn put(tx: &mut Tx, action: &mut StoredAction) -> Result<(), StoreError> {
    action.revision += 1;
    let StoredAction { id, title, assignee, due_day, note, .. } = &*action;
    let sql = "UPDATE actions SET title = $1, assignee = $2, due_day = $3, state = $4, outcome = $5, note = $6, \
               updated_at = $7, completed_at = $8, revision = $9 WHERE id = $10";
    let values = params![
        title,
        assignee,
        i64::from(due_day.epoch_days()),
        action.state as i64,
        outcome_number(action.outcome),
        note,
        action.updated_at,
        action.completed_at,
        action.revision,
        id,
    ];
    tx.execute(sql, values).await?;
    Ok(())
}

/// The place of an action in lists: those under way before those that are closed, the one due next first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ActionPlace {
    /// Whether it is closed.
    pub(crate) closed: bool,
    /// The day by which it is to be done, in days since 1970.
    pub(crate) due_day: i64,
    /// Its identifier.
    pub(crate) id: String,
}

impl From<&StoredAction> for ActionPlace {
    fn from(action: &StoredAction) -> Self {
        Self {
            closed: !action.state.is_under_way(),
            due_day: i64::from(action.due_day.epoch_days()),
            id: action.id.clone(),
        }
    }
}

/// The order of lists, as an index has it.
const CLOSED: &str = "(CASE WHEN a.state <= 2 THEN 0 ELSE 1 END)";

/// The actions under way for an employee.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct UnderWay {
    /// How many they are.
    pub(crate) count: u32,
    /// The one that is due first.
    pub(crate) first: StoredAction,
}

impl Store {
    /// What tells whether any action has changed: how many there are, and when one was changed last.
    pub(crate) async fn actions_state(&self) -> Result<(i64, i64), StoreError> {
        let sql = "SELECT COUNT(*), COALESCE(MAX(updated_at), 0) FROM actions";
        let row = self.db().first(sql, Vec::new()).await?;
        row.map_or(Ok((0, 0)), |row| Ok((row.int(0)?, row.int(1)?)))
    }

    /// The actions under way for each of these employees; nobody without one is in the answer.
    pub(crate) async fn under_way(&self, employees: &[&str]) -> Result<HashMap<String, UnderWay>, StoreError> {
        let mut found: HashMap<String, UnderWay> = HashMap::new();
        for piece in pieces(employees) {
            let sql = format!(
                "SELECT {COLUMNS} FROM actions WHERE employee_id IN ({}) AND state IN (1, 2) ORDER BY due_day, id",
                list(piece.len())
            );
            for row in self.db().query(&sql, piece.iter().map(|&id| id.into()).collect()).await? {
                let action = read(&row)?;
                match found.get_mut(&action.employee_id) {
                    Some(under_way) => under_way.count = under_way.count.saturating_add(1),
                    None => {
                        found.insert(action.employee_id.clone(), UnderWay { count: 1, first: action });
                    }
                }
            }
        }
        Ok(found)
    }

    /// The action of this identifier.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn action(&self, id: &str) -> Result<Option<StoredAction>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM actions WHERE id = $1");
        self.db().first(&sql, params![id]).await?.as_ref().map(read).transpose()
    }

    /// Actions in their order, for employees within the scope, after a place, at most so many. Conditions speak of the table `a`.
    pub(crate) async fn actions(
        &self,
        mut conditions: Conditions,
        scope: &Scope,
        after: Option<&ActionPlace>,
        limit: usize,
    ) -> Result<Vec<StoredAction>, StoreError> {
        let mut from = "actions a".to_owned();
        if !scope.is_everybody() {
            from = format!("actions a JOIN scores s ON s.seq = {}", last_score("a.employee_id"));
            scope.restrict("s", &mut conditions);
        }
        if let Some(ActionPlace { closed, due_day, id }) = after {
            let place = params![*closed, *due_day, id];
            conditions.add(&format!("({CLOSED}, a.due_day, a.id) > (?, ?, ?)"), place);
        }
        let limit = conditions.value(i64::try_from(limit).unwrap_or(i64::MAX));
        let columns: Vec<String> = COLUMNS.split(", ").map(|column| format!("a.{column}")).collect();
        let sql = format!(
            "SELECT {} FROM {from} WHERE {} ORDER BY {CLOSED}, a.due_day, a.id LIMIT {limit}",
            columns.join(", "),
            conditions.sql()
        );
        self.db().query(&sql, conditions.params()).await?.iter().map(read).collect()
    }
}
