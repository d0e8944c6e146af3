//! Erasing a person: the rows about them, and their identifier in the rows of others.
//!
//! The audit log is not touched: it is append-only and sealed, and holds a keyed hash. Only where somebody named the person in the
//! purpose of a request about nobody in particular, or where the person is a user of this server, it keeps a name; that is told.

use crate::store::db::{Row, Tx, params};
use crate::store::{Store, StoreError, risk_sums, users};

/// What stands in a text instead of the identifier of an erased person.
const ERASED: &str = "[erased]";
/// Kept answers that are looked at in one query.
const ANSWERS_AT_A_TIME: usize = 500;

/// What was erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Erased {
    /// Scores.
    pub(crate) scores: u64,
    /// Actions.
    pub(crate) actions: u64,
    /// Other records, mentions in the records of others among them.
    pub(crate) others: u64,
    /// Records of the audit log that name the person otherwise than by a hash; they stay.
    pub(crate) kept_in_audit: u64,
}

/// A pattern for LIKE that finds texts which contain a text, after `ESCAPE '!'`.
fn containing(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern + "%"
}

/// A text without an identifier that stands in it as a whole word; `None` where it does not.
pub(crate) fn without_word(text: &str, id: &str) -> Option<String> {
    if id.is_empty() {
        return None;
    }
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    let (mut result, mut rest, mut found) = (String::new(), text, false);
    while let Some((before, after)) = rest.split_once(id) {
        let joins = |inner: Option<char>, outer: Option<char>| {
            inner.is_some_and(part_of_word) && outer.is_some_and(part_of_word)
        };
        let outside = before.chars().next_back().or_else(|| result.chars().next_back());
        let is_word = !joins(id.chars().next(), outside) && !joins(id.chars().next_back(), after.chars().next());
        result.push_str(before);
        result.push_str(if is_word { ERASED } else { id });
        found |= is_word;
        rest = after;
    }
    result.push_str(rest);
    found.then_some(result)
}

/// Whether bytes contain a text.
fn contains(bytes: &[u8], text: &str) -> bool {
    !text.is_empty() && bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

impl Store {
    /// The names that a person's scores have, as they were given and as they are searched for.
    pub(crate) async fn names(&self, id: &str) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT display_name FROM scores WHERE employee_id = $1 AND display_name IS NOT NULL \
                   UNION SELECT display_key FROM scores WHERE employee_id = $1 AND display_key IS NOT NULL";
        self.db().query(sql, params![id]).await?.iter().map(|row| row.text(0)).collect()
    }

    /// Erases every row about a person, and their identifier in the rows of others, where texts may have their name instead. The bytes are gone from the files only after
    /// [`Store::erase_traces`].
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer; then nothing is erased.
    pub(crate) async fn erase(&self, id: &str) -> Result<Erased, StoreError> {
        // A name of one word may be a word.
        let mut texts_about = self.names(id).await?;
        texts_about.retain(|name| name.split_whitespace().nth(1).is_some());
        texts_about.push(id.to_owned());
        let mut tx = self.db().begin().await?;
        // Taken first by all who change scores: nobody waits for another in a circle.
        tx.next_numbers("score", 0).await?;
        tx.next_numbers("erased", 1).await?;
        risk_sums::leave(&mut tx, id).await?;
        let details = "DELETE FROM score_details WHERE seq IN (SELECT seq FROM scores WHERE employee_id = $1)";
        tx.execute(details, params![id]).await?;
        let mut erased = Erased {
            scores: tx.execute("DELETE FROM scores WHERE employee_id = $1", params![id]).await?,
            actions: tx.execute("DELETE FROM actions WHERE employee_id = $1", params![id]).await?,
            ..Erased::default()
        };
        for table in ["told", "changes", "exits", "requests"] {
            erased.others += tx.execute(&format!("DELETE FROM {table} WHERE employee_id = $1"), params![id]).await?;
        }
        erased.others += tx.execute("DELETE FROM requests WHERE caller = $1", params![id]).await?;
        for (sql, blank) in [
            ("UPDATE scores SET manager_id = NULL WHERE manager_id = $1", false),
            ("UPDATE actions SET assignee = '', revision = revision + 1 WHERE assignee = $1", false),
            ("UPDATE actions SET creator = $2, revision = revision + 1 WHERE creator = $1", true),
            ("UPDATE activations SET actor = $2 WHERE actor = $1", true),
        ] {
            let values = if blank { params![id, ERASED] } else { params![id] };
            erased.others += tx.execute(sql, values).await?;
        }
        for text in &texts_about {
            erased.others += texts(&mut tx, "actions", &["title", "note"], text).await?;
            erased.others += texts(&mut tx, "api_keys", &["name", "purpose"], text).await?;
        }
        erased.others += doors_of_manager(&mut tx, id).await?;
        erased.others += answers(&mut tx, &texts_about).await?;
        let named = "SELECT actor, purpose FROM audit WHERE actor = $1 OR purpose LIKE $2 ESCAPE '!'";
        for row in tx.query(named, params![id, containing(id)]).await? {
            let by_name = row.text(0)? == id || without_word(&row.text(1)?, id).is_some();
            erased.kept_in_audit += u64::from(by_name);
        }
        tx.commit().await?;
        Ok(erased)
    }
}

/// Takes an identifier out of the texts of a table; its rows are known by `id`.
async fn texts(tx: &mut Tx, table: &str, columns: &[&str], id: &str) -> Result<u64, StoreError> {
    let mut count = 0;
    for column in columns {
        let sql = format!("SELECT id, {column} FROM {table} WHERE {column} LIKE $1 ESCAPE '!'");
        let rows = tx.query(&sql, params![containing(id)]).await?;
        // The row of an action changes: who has read it before must read it again.
        let revision = if table == "actions" { ", revision = revision + 1" } else { "" };
        for row in rows {
            let Some(text) = without_word(&row.text(1)?, id) else { continue };
            let sql = format!("UPDATE {table} SET {column} = $1{revision} WHERE id = $2");
            count += tx.execute(&sql, params![text, row.text(0)?]).await?;
        }
    }
    Ok(count)
}

/// Deletes the keys and the accounts with which this person saw the own reports: they say who that is.
async fn doors_of_manager(tx: &mut Tx, id: &str) -> Result<u64, StoreError> {
    let quoted = serde_json::to_string(id).unwrap_or_default();
    let mut count = 0;
    for (table, known_by) in [("api_keys", "id"), ("users", "name")] {
        let sql = format!("SELECT {known_by}, scope FROM {table} WHERE scope LIKE $1 ESCAPE '!'");
        for row in tx.query(&sql, params![containing(&quoted)]).await? {
            if !row.text(1)?.contains(&quoted) {
                continue;
            }
            let door = row.text(0)?;
            count += match table {
                "users" => u64::from(users::delete(tx, &door).await?.is_some()),
                _ => tx.execute("DELETE FROM api_keys WHERE id = $1", params![door]).await?,
            };
        }
    }
    Ok(count)
}

/// Deletes the kept answers that name a person, whoever they are about.
async fn answers(tx: &mut Tx, texts: &[String]) -> Result<u64, StoreError> {
    let (mut count, mut after) = (0, (String::new(), String::new(), String::new()));
    let key = |row: &Row| Ok::<_, StoreError>((row.text(0)?, row.text(1)?, row.text(2)?));
    loop {
        let sql = format!(
            "SELECT caller, method, request_id, response FROM requests WHERE (caller, method, request_id) > ($1, $2, $3) \
             ORDER BY caller, method, request_id LIMIT {ANSWERS_AT_A_TIME}"
        );
        let rows = tx.query(&sql, params![&after.0, &after.1, &after.2]).await?;
        let Some(last) = rows.last() else { return Ok(count) };
        after = key(last)?;
        for row in &rows {
            let (caller, method, request_id) = key(row)?;
            let response = row.bytes(3)?;
            if texts.iter().any(|text| contains(&response, text) || without_word(&request_id, text).is_some()) {
                let sql = "DELETE FROM requests WHERE caller = $1 AND method = $2 AND request_id = $3";
                count += tx.execute(sql, params![caller, method, request_id]).await?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_taken_out_as_a_whole_word_only() {
        for (text, id, expected) in [
            ("talk to e-1 soon", "e-1", Some("talk to [erased] soon")),
            ("e-1", "e-1", Some("[erased]")),
            ("(e-1), e-1; e-1.", "e-1", Some("([erased]), [erased]; [erased].")),
            ("e-10 and fe-1", "e-1", None),
            ("e-10 and e-1", "e-1", Some("e-10 and [erased]")),
            ("e-1e-1", "e-1", None),
            ("42 and 142 and 42nd", "42", Some("[erased] and 142 and 42nd")),
            ("grüße", "e", None),
            ("ü and über", "ü", Some("[erased] and über")),
            ("nothing", "e-1", None),
            ("anything", "", None),
        ] {
            assert_eq!(without_word(text, id).as_deref(), expected, "{id} in {text}");
        }
    }

    #[test]
    fn a_pattern_takes_every_character_for_itself() {
        assert_eq!(containing("a_b%c!"), "%a!_b!%c!!%");
    }
}
