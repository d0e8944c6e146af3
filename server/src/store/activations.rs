//! Which models scored, in order.
//!
//! A rollback is an activation too, of the model before the present one; `before_seq` leads from each activation to the one that a
//! rollback from it goes back to, so that one rollback after the other goes further back.

use crate::clock::now_micros;
use crate::store::db::{Row, Tx, params};
use crate::store::{Store, StoreError};

/// One activation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Activation {
    /// Its number.
    pub(crate) seq: i64,
    /// What scores since then.
    pub(crate) model_version: String,
    /// The activation to which a rollback goes back.
    pub(crate) before_seq: Option<i64>,
}

/// An activation as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PastActivation {
    /// Its number.
    pub(crate) seq: i64,
    /// What scored since then.
    pub(crate) model_version: String,
    /// Who.
    pub(crate) actor: String,
    /// When, in microseconds since 1970 (UTC).
    pub(crate) at: i64,
}

const COLUMNS: &str = "seq, model_version, before_seq";

fn read(row: &Row) -> Result<Activation, StoreError> {
    Ok(Activation { seq: row.int(0)?, model_version: row.text(1)?, before_seq: row.opt_int(2)? })
}

/// The last activation; whoever asks within a transaction first takes a number, so that nobody else activates meanwhile.
pub(crate) async fn last(tx: &mut Tx) -> Result<Option<Activation>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM activations ORDER BY seq DESC LIMIT 1");
    tx.first(&sql, Vec::new()).await?.as_ref().map(read).transpose()
}

/// The number of the next activation. It is locked until the transaction ends.
pub(crate) async fn next_number(tx: &mut Tx) -> Result<i64, StoreError> {
    tx.next_numbers("activation", 1).await
}

/// The activation with this number.
pub(crate) async fn of_number(tx: &mut Tx, seq: i64) -> Result<Option<Activation>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM activations WHERE seq = $1");
    tx.first(&sql, params![seq]).await?.as_ref().map(read).transpose()
}

/// Keeps an activation.
pub(crate) async fn keep(tx: &mut Tx, activation: &Activation, actor: &str) -> Result<(), StoreError> {
    let Activation { seq, model_version, before_seq } = activation;
    let sql = "INSERT INTO activations (seq, model_version, before_seq, actor, at) VALUES ($1, $2, $3, $4, $5)";
    tx.execute(sql, params![*seq, model_version, *before_seq, actor, now_micros()]).await?;
    Ok(())
}

impl Store {
    /// The last activation.
    pub(crate) async fn last_activation(&self) -> Result<Option<Activation>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM activations ORDER BY seq DESC LIMIT 1");
        self.db().first(&sql, Vec::new()).await?.as_ref().map(read).transpose()
    }

    /// The activation to which a rollback would go back now.
    pub(crate) async fn activation_before(&self) -> Result<Option<Activation>, StoreError> {
        let sql = "SELECT a.seq, a.model_version, a.before_seq FROM activations last \
                   JOIN activations a ON a.seq = last.before_seq WHERE last.seq = (SELECT MAX(seq) FROM activations)";
        self.db().first(sql, Vec::new()).await?.as_ref().map(read).transpose()
    }

    /// The latest activations, the last one first.
    pub(crate) async fn past_activations(&self, most: i64) -> Result<Vec<PastActivation>, StoreError> {
        let sql = "SELECT seq, model_version, actor, at FROM activations ORDER BY seq DESC LIMIT $1";
        let read = |row: &Row| {
            Ok(PastActivation { seq: row.int(0)?, model_version: row.text(1)?, actor: row.text(2)?, at: row.int(3)? })
        };
        self.db().query(sql, params![most]).await?.iter().map(read).collect()
    }
}
