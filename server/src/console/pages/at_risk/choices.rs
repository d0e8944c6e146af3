//! What the list can be filtered by: the departments, locations and levels of those at risk, as far as who looks may see them;
//! of everybody for somebody who may not see who is at risk.
//!
//! To find them takes longer in a large company than a page may: they are looked up in the background and kept for a while, and a
//! page that is asked for before they are there has fields to type into.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::access::caller::Scope;
use crate::store::Store;
use crate::store::org_values::{OrgValues, ValuesOf};

/// How long they are good.
const KEPT: Duration = Duration::from_secs(300);
/// How long a page waits for them.
const PATIENCE: Duration = Duration::from_millis(25);
/// Most parts of the company of which they are kept.
const MOST: usize = 256;

/// What was found, by the part of the company.
#[derive(Default)]
pub(crate) struct ChoiceCache(Mutex<HashMap<String, (Instant, Arc<OrgValues>)>>);

impl ChoiceCache {
    /// The values within a scope; none while they are being looked up.
    pub(crate) async fn of(self: &Arc<Self>, store: &Arc<Store>, scope: &Scope, of: ValuesOf) -> Arc<OrgValues> {
        let key = format!("{of:?} {scope:?}");
        let known = self.known(&key);
        if let Some((found, values)) = &known
            && found.elapsed() < KEPT
        {
            return Arc::clone(values);
        }
        let (cache, store, scope) = (Arc::clone(self), Arc::clone(store), scope.clone());
        let looking = tokio::spawn(async move {
            let values = Arc::new(store.org_values(&scope, of).await.unwrap_or_default());
            cache.keep(key, Arc::clone(&values));
            values
        });
        match (tokio::time::timeout(PATIENCE, looking).await, known) {
            (Ok(Ok(values)), _) | (_, Some((_, values))) => values,
            _ => Arc::default(),
        }
    }

    fn known(&self, key: &str) -> Option<(Instant, Arc<OrgValues>)> {
        self.0.lock().ok()?.get(key).cloned()
    }

    fn keep(&self, key: String, values: Arc<OrgValues>) {
        let Ok(mut kept) = self.0.lock() else { return };
        if kept.len() >= MOST {
            kept.retain(|_, (found, _)| found.elapsed() < KEPT);
        }
        if kept.len() < MOST {
            kept.insert(key, (Instant::now(), values));
        }
    }
}
