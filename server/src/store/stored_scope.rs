//! Whom somebody may see, as it is stored.

use serde::{Deserialize, Serialize};

use crate::access::caller::Scope;
use crate::store::StoreError;

/// A scope as it is stored, in JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum StoredScope {
    All,
    Units { departments: Vec<String>, locations: Vec<String> },
    Reports { manager_id: String },
}

impl From<Scope> for StoredScope {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::All => Self::All,
            Scope::Units { departments, locations } => Self::Units { departments, locations },
            Scope::Reports { manager_id } => Self::Reports { manager_id },
        }
    }
}

impl From<StoredScope> for Scope {
    fn from(scope: StoredScope) -> Self {
        match scope {
            StoredScope::All => Self::All,
            StoredScope::Units { departments, locations } => Self::Units { departments, locations },
            StoredScope::Reports { manager_id } => Self::Reports { manager_id },
        }
    }
}

/// The text of a scope.
pub(crate) fn text(scope: &Scope) -> Result<String, StoreError> {
    serde_json::to_string(&StoredScope::from(scope.clone())).map_err(|error| StoreError::Damaged(error.to_string()))
}

/// The scope of a text; `None` where it cannot be read.
pub(crate) fn read(text: &str) -> Option<Scope> {
    serde_json::from_str::<StoredScope>(text).ok().map(Scope::from)
}
