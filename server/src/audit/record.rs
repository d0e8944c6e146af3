//! One record, and the bytes that its hash covers.

use crate::audit::key::{SUBJECT_BYTES, to_hex};

/// What a record tells before it has its place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Draft {
    /// When, in microseconds since 1970 (UTC).
    pub(crate) at: i64,
    /// Who.
    pub(crate) actor: String,
    /// In which role.
    pub(crate) role: String,
    /// What they called.
    pub(crate) method: String,
    /// About whom: 16 bytes per employee.
    pub(crate) subjects: Vec<u8>,
    /// Why.
    pub(crate) purpose: String,
    /// Version of the model that answered; empty where none did.
    pub(crate) model_version: String,
    /// What was decided.
    pub(crate) decision: String,
}

impl Draft {
    /// The keyed hashes of those it is about, in hexadecimal digits.
    pub(crate) fn subject_hashes(&self) -> impl Iterator<Item = String> {
        self.subjects.chunks(SUBJECT_BYTES).map(to_hex)
    }
}

/// A record in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// Its number; the first is 1, and none is left out.
    pub(crate) seq: i64,
    /// What it tells.
    pub(crate) draft: Draft,
    /// The seal over number, content and the seal before.
    pub(crate) hash: Vec<u8>,
}

/// Says what the bytes are, so that no other bytes under the same key can be taken for them.
const TAG: &[u8] = b"flight-risk audit record 1";

/// The bytes that a seal covers. Every part has its length before it: no two records give the same bytes, wherever their texts
/// end and begin.
pub(crate) fn canonical(seq: i64, draft: &Draft, before: &[u8]) -> Vec<u8> {
    let parts: [&[u8]; 9] = [
        TAG,
        before,
        draft.actor.as_bytes(),
        draft.role.as_bytes(),
        draft.method.as_bytes(),
        &draft.subjects,
        draft.purpose.as_bytes(),
        draft.model_version.as_bytes(),
        draft.decision.as_bytes(),
    ];
    let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum::<usize>() + 16);
    bytes.extend(seq.to_be_bytes());
    bytes.extend(draft.at.to_be_bytes());
    for part in parts {
        bytes.extend((part.len() as u64).to_be_bytes());
        bytes.extend(part);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moving_a_letter_from_one_text_to_the_next_gives_other_bytes() {
        let draft = |actor: &str, role: &str| Draft {
            at: 1,
            actor: actor.into(),
            role: role.into(),
            method: String::new(),
            subjects: Vec::new(),
            purpose: String::new(),
            model_version: String::new(),
            decision: String::new(),
        };
        let of = |draft: &Draft| canonical(1, draft, &[]);
        assert_ne!(of(&draft("ab", "c")), of(&draft("a", "bc")));
        assert_ne!(of(&draft("a", "")), of(&draft("", "a")));
        assert_ne!(canonical(1, &draft("a", "b"), &[]), canonical(2, &draft("a", "b"), &[]));
        assert_ne!(canonical(1, &draft("a", "b"), &[0]), canonical(1, &draft("a", "b"), &[]));
    }
}
