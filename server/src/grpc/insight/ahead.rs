//! What pages ask for first, worked out before anybody asks: after the start, and whenever something changed.

use std::sync::{Arc, PoisonError};

use super::snapshot::{MANY, Snapshot, Snapshots};
use super::{drivers, trend};
use crate::access::caller::Scope;
use crate::grpc::actions::{USUAL_MONTHS, calibrated, compared};
use crate::insight::dimension::Dimension;

/// Kinds of groups whose drivers are worked out for those who may see everybody, though nobody asked: there are few of each, and they
/// are large.
const KINDS: [Dimension; 4] = [Dimension::Department, Dimension::Location, Dimension::JobLevel, Dimension::Tenure];
/// Most groups of a kind for which that is done, and from how many people on: of fewer it takes no longer than a page may.
const MOST_OF_A_KIND: usize = 100;
const LARGE: u64 = 500;
/// People from whom on what is asked first is worked out ahead: a year of their scores takes longer to read than a page may.
const NOT_AT_ONCE: usize = 500;
/// Groups that are remembered because somebody asked for their drivers.
const MOST_GROUPS: usize = 16;
/// Numbers of one snapshot, for what depends on actions too.
const NUMBERS: u64 = 1 << 20;

/// A group, or all, within a scope.
pub(super) type Asked = (Scope, Option<(Dimension, String)>);
/// What tells whether actions have changed: how many there are, and when one was changed last.
pub(crate) type ActionsState = (i64, i64);

/// The number of a snapshot after actions have changed so often.
pub(super) fn numbered_with_actions(snapshot: u64, changes: u64) -> u64 {
    snapshot * NUMBERS + changes % NUMBERS
}

impl Snapshots {
    /// Remembers of what drivers were asked for.
    pub(super) fn note(&self, scope: &Scope, group: Option<&(Dimension, String)>) {
        let Some(group) = group else { return };
        let asked = (scope.clone(), Some(group.clone()));
        let mut groups = self.shared().groups.lock().unwrap_or_else(PoisonError::into_inner);
        groups.retain(|one| *one != asked);
        groups.insert(0, asked);
        groups.truncate(MOST_GROUPS);
    }

    /// Works out what is not yet, of the snapshot that is answered from.
    pub(super) async fn work_ahead(&self) {
        if let Ok(state) = self.store().actions_state().await {
            let mut actions = self.shared().actions.lock().unwrap_or_else(PoisonError::into_inner);
            if actions.1 != state {
                *actions = (actions.0 + 1, state);
            }
        }
        if let Some(snapshot) = self.held() {
            self.prepare(&snapshot).await;
            self.prepare_groups(&snapshot).await;
        }
        #[cfg(test)]
        self.shared().rounds.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }

    /// Works out the drivers of the large groups of those who may see everybody.
    async fn prepare_groups(&self, snapshot: &Arc<Snapshot>) {
        if snapshot.people.len() < MANY {
            return;
        }
        let Ok(view) = snapshot.view(&Scope::All).await else { return };
        for kind in KINDS {
            let groups = view.groups.get(kind.position()).map_or(&[][..], Vec::as_slice);
            let large = groups.iter().enumerate().filter(|(_, of)| of.employees >= LARGE).take(MOST_OF_A_KIND);
            for (number, _) in large {
                let name = snapshot.names.name(kind.position(), u32::try_from(number).unwrap_or(u32::MAX));
                drivers::ahead(self, snapshot, &Scope::All, Some(&(kind, name.to_owned()))).await;
            }
        }
    }

    /// Works out what will be asked of a snapshot; of few people it is worked out when they ask.
    pub(super) async fn prepare(&self, snapshot: &Arc<Snapshot>) {
        if snapshot.people.len() < NOT_AT_ONCE {
            return;
        }
        let scopes = snapshot.asked();
        let groups = self.shared().groups.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (scope, group) in scopes.iter().map(|scope| (scope.clone(), None)).chain(groups) {
            // What may not be shown is not worked out.
            drivers::ahead(self, snapshot, &scope, group.as_ref()).await;
            trend::ahead(self, snapshot, &scope, group.as_ref()).await;
        }
        let changes = self.shared().actions.lock().unwrap_or_else(PoisonError::into_inner).0;
        for scope in scopes {
            for version in [None, Some(self.active_model())] {
                let work = calibrated(Arc::clone(self.store()), self.minimum(), scope.clone(), version.clone());
                self.shared().calibrations.ahead(format!("{version:?} {scope:?}"), snapshot.number, work).await;
            }
            let work = compared(Arc::clone(self.store()), self.minimum(), scope.clone(), USUAL_MONTHS);
            let of = numbered_with_actions(snapshot.number, changes);
            self.shared().comparisons.ahead(format!("{USUAL_MONTHS} {scope:?}"), of, work).await;
        }
    }
}
