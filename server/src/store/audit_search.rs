//! The audit log as an auditor looks through it: the newest first, with what is sought.

use crate::access::caller::{COMMAND_ACTOR, KEY_ACTOR, USER_ACTOR};
use crate::audit::Record;
use crate::store::audit::{COLUMNS, record};
use crate::store::conditions::Conditions;
use crate::store::db::Param;
use crate::store::{Store, StoreError};

/// Records that are looked through for one page: what is rare is sought in steps, so that a page takes no longer on a long log.
const LOOKED_THROUGH: i64 = 200_000;

/// Which records are sought; what is absent is not asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sought {
    /// Who: as in the log, or without what stands before the colon.
    pub(crate) actor: Option<String>,
    /// What they called.
    pub(crate) method: Option<String>,
    /// What was decided.
    pub(crate) decision: Option<String>,
    /// Written at this time or later, in microseconds since 1970.
    pub(crate) since: Option<i64>,
    /// Written before this time, in microseconds since 1970.
    pub(crate) until: Option<i64>,
}

/// What was found.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// The records, the newest first.
    pub(crate) records: Vec<Record>,
    /// Before which number to go on; `None` at the log's beginning.
    pub(crate) before: Option<i64>,
}

impl Sought {
    /// Whether a record is sought.
    pub(crate) fn is(&self, record: &Record) -> bool {
        let draft = &record.draft;
        let same = |sought: &Option<String>, found: &str| sought.as_ref().is_none_or(|sought| sought == found);
        self.actor.as_ref().is_none_or(|actor| names(actor).contains(&draft.actor))
            && same(&self.method, &draft.method)
            && same(&self.decision, &draft.decision)
            && self.since.is_none_or(|since| draft.at >= since)
            && self.until.is_none_or(|until| draft.at < until)
    }

    fn conditions(&self, before: i64, from: i64) -> Conditions {
        let mut conditions = Conditions::default();
        conditions.add("seq < ? AND seq >= ?", [Param::from(before), Param::from(from)]);
        if let Some(actor) = &self.actor {
            conditions.one_of("actor", &names(actor));
        }
        for (column, text) in [("method", &self.method), ("decision", &self.decision)] {
            if let Some(text) = text {
                conditions.add(&format!("{column} = ?"), [Param::from(text)]);
            }
        }
        if let Some(since) = self.since {
            conditions.add("at >= ?", [Param::from(since)]);
        }
        if let Some(until) = self.until {
            conditions.add("at < ?", [Param::from(until)]);
        }
        conditions
    }
}

/// How somebody may stand in the log: people and keys have a word before their names.
fn names(actor: &str) -> [String; 4] {
    ["", USER_ACTOR, KEY_ACTOR, COMMAND_ACTOR].map(|before| format!("{before}{actor}"))
}

impl Store {
    /// The records before a number (all of them without one) that are sought, the newest first, at most so many. Where few are
    /// sought in a long log a page may hold fewer, or none, and still go on.
    pub(crate) async fn audit_search(
        &self,
        before: Option<i64>,
        sought: &Sought,
        most: usize,
    ) -> Result<Found, StoreError> {
        let before = match before {
            Some(before) => before,
            None => self.audit_given().await?.saturating_add(1),
        };
        let from = before.saturating_sub(LOOKED_THROUGH);
        let mut conditions = sought.conditions(before, from);
        let limit = conditions.value(i64::try_from(most).unwrap_or(i64::MAX));
        let sql = format!("SELECT {COLUMNS} FROM audit WHERE {} ORDER BY seq DESC LIMIT {limit}", conditions.sql());
        let rows = self.db().query(&sql, conditions.params()).await?;
        let records = rows.iter().map(record).collect::<Result<Vec<_>, _>>()?;
        let next = match records.last() {
            Some(last) if records.len() >= most => last.seq,
            _ => from,
        };
        Ok(Found { records, before: (next > 1).then_some(next) })
    }
}
