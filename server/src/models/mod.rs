//! The models that this server holds, and which one scores.
//!
//! A model is read, verified and tried before it scores; whatever fails, the one before goes on. Requests take the model once and
//! keep it to their end. Which model scores is kept in the store: a restart serves the same one, and so do other servers of the
//! same store and of a folder with the same models.

mod folder;
mod load;
mod trial;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use flight_risk_scoring::Scorer;
use tokio::sync::Mutex;

pub use folder::ModelFolder;
pub(crate) use folder::{NotLoaded, Summary, is_name_character};
pub use load::{ModelLoadError, load_model};
pub use trial::TrialError;
pub(crate) use trial::trial;

use crate::store::activations::{self, Activation};
use crate::store::db::Tx;
use crate::store::{Store, StoreError};

/// Who activates the first model of a store.
const AT_START: &str = "start of the server";
/// How often it is looked whether another server of the store activated a model.
const LOOK_EVERY: Duration = if cfg!(test) { Duration::from_millis(50) } else { Duration::from_secs(5) };

/// Why a model does not become active.
#[derive(Debug)]
pub(crate) enum ActivationError {
    /// There is none of this version.
    NotFound,
    /// It cannot score.
    Refused(String),
    /// Another one became active meanwhile.
    EtagMismatch,
    /// None was active before.
    NoEarlier,
    /// The store does not answer.
    Store(StoreError),
}

impl From<StoreError> for ActivationError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<NotLoaded> for ActivationError {
    fn from(error: NotLoaded) -> Self {
        match error {
            NotLoaded::NotFound => Self::NotFound,
            NotLoaded::Refused(why) => Self::Refused(why),
        }
    }
}

/// The models, and the one that scores.
#[derive(Debug)]
pub(crate) struct Models {
    /// `None`: the active model is the only one.
    folder: Option<Arc<ModelFolder>>,
    active: Arc<ArcSwap<Scorer>>,
    /// Number of the activation in force.
    activation: AtomicI64,
    /// One change at a time.
    changing: Mutex<()>,
}

/// A change of the model under way; while it lives there is no other in this process.
pub(crate) struct Changing<'a> {
    models: &'a Models,
    _one_at_a_time: tokio::sync::MutexGuard<'a, ()>,
}

impl Models {
    /// One model and no other.
    pub(crate) async fn only(scorer: Scorer, store: &Store) -> Result<Self, StoreError> {
        let models = Self::with(None, scorer);
        models.at_start(store).await?;
        Ok(models)
    }

    /// The models of a folder: the one that was active last scores, or else the one that learned from the latest data.
    pub(crate) async fn start(folder: ModelFolder, store: &Store) -> Result<Self, StartError> {
        let (path, folder) = (folder.path().to_owned(), Arc::new(folder));
        let last = store.last_activation().await?.map(|activation| activation.model_version);
        let chosen = tokio::task::spawn_blocking({
            let folder = Arc::clone(&folder);
            move || choose(&folder, last.as_deref())
        });
        let scorer = chosen.await.map_err(|_| ModelLoadError::NoModel { path: path.clone() })??;
        let models = Self::with(Some(folder), scorer);
        models.at_start(store).await?;
        Ok(models)
    }

    fn with(folder: Option<Arc<ModelFolder>>, scorer: Scorer) -> Self {
        let active = Arc::new(ArcSwap::from_pointee(scorer));
        Self { folder, active, activation: AtomicI64::new(0), changing: Mutex::new(()) }
    }

    /// The first model of a store is an activation, so that there is something to go back to.
    async fn at_start(&self, store: &Store) -> Result<(), StoreError> {
        let mut tx = store.db().begin().await?;
        let seq = activations::next_number(&mut tx).await?;
        let last = match activations::last(&mut tx).await? {
            Some(last) => last.seq,
            None => {
                let first = Activation { seq, model_version: self.version(), before_seq: None };
                activations::keep(&mut tx, &first, AT_START).await?;
                tx.commit().await?;
                seq
            }
        };
        self.activation.store(last, Ordering::Release);
        Ok(())
    }

    /// The model that scores, for those who take it anew for every request.
    pub(crate) fn active(&self) -> Arc<ArcSwap<Scorer>> {
        Arc::clone(&self.active)
    }

    fn version(&self) -> String {
        self.active.load().artifact().model_version().to_owned()
    }

    /// Changes whenever another model becomes active.
    pub(crate) fn etag(&self) -> String {
        etag(self.activation.load(Ordering::Acquire), &self.version())
    }

    /// All models, the active one first, then by version.
    pub(crate) async fn list(&self) -> Result<Vec<Summary>, ModelLoadError> {
        let active = self.active.load_full();
        let found = match &self.folder {
            None => Vec::new(),
            // Reading takes long: not on a thread that answers others.
            Some(folder) => {
                let folder = Arc::clone(folder);
                tokio::task::spawn_blocking(move || folder.summaries()).await.unwrap_or_else(|_| Ok(Vec::new()))?
            }
        };
        let version = active.artifact().model_version();
        let mut of_active = Summary::of(&active);
        if self.folder.is_some() && !found.iter().any(|summary| summary.version == version) {
            of_active.refusal = Some("it scores, but its files are gone or damaged".to_owned());
        }
        let others = found.into_iter().filter(|summary| summary.version != version);
        Ok([of_active].into_iter().chain(others).collect())
    }

    /// Reads, verifies and tries a model; the active one is at hand.
    pub(crate) async fn get(&self, version: &str) -> Result<Arc<Scorer>, NotLoaded> {
        let active = self.active.load_full();
        if active.artifact().model_version() == version {
            return Ok(active);
        }
        self.read(version).await
    }

    /// Reads, verifies and tries a model, even if it is active.
    pub(crate) async fn read(&self, version: &str) -> Result<Arc<Scorer>, NotLoaded> {
        let Some(folder) = &self.folder else {
            let active = self.active.load_full();
            return if active.artifact().model_version() == version { Ok(active) } else { Err(NotLoaded::NotFound) };
        };
        let (folder, version) = (Arc::clone(folder), version.to_owned());
        let read = tokio::task::spawn_blocking(move || folder.load(&version)).await;
        read.unwrap_or_else(|_| Err(NotLoaded::Refused("it could not be read".to_owned()))).map(Arc::new)
    }

    /// Waits until no other change is under way.
    pub(crate) async fn change(&self) -> Changing<'_> {
        Changing { models: self, _one_at_a_time: self.changing.lock().await }
    }

    /// Follows what other servers of the store activate, until dropped.
    pub(crate) async fn follow(&self, store: &Store) {
        let mut refused = 0;
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let Ok(Some(last)) = store.last_activation().await else { continue };
            if last.seq == self.activation.load(Ordering::Acquire) || last.seq == refused {
                continue;
            }
            let changing = self.change().await;
            if last.seq <= self.activation.load(Ordering::Acquire) {
                continue;
            }
            match self.get(&last.model_version).await {
                Ok(scorer) => changing.done(scorer, last.seq),
                Err(_) => {
                    refused = last.seq;
                    tracing::warn!(
                        model_version = last.model_version,
                        "another server activated a model that this one cannot serve; the one before scores on"
                    );
                }
            }
        }
    }
}

impl Changing<'_> {
    /// The activation that would make `version` active, as a row of this transaction.
    ///
    /// # Errors
    /// EtagMismatch when another model is active than that of `etag`, where one is given.
    pub(crate) async fn activate(
        &self,
        tx: &mut Tx,
        version: &str,
        etag: &str,
        actor: &str,
    ) -> Result<Activation, ActivationError> {
        let (seq, last) = self.begin(tx, etag).await?;
        if let Some(last) = last.as_ref().filter(|last| last.model_version == version) {
            return Ok(last.clone());
        }
        let next = Activation { seq, model_version: version.to_owned(), before_seq: last.map(|last| last.seq) };
        activations::keep(tx, &next, actor).await?;
        Ok(next)
    }

    /// The activation that would go back to the model before.
    ///
    /// # Errors
    /// As in [`Changing::activate`]; NoEarlier when there is none.
    pub(crate) async fn roll_back(&self, tx: &mut Tx, etag: &str, actor: &str) -> Result<Activation, ActivationError> {
        let (seq, last) = self.begin(tx, etag).await?;
        let before = last.and_then(|last| last.before_seq).ok_or(ActivationError::NoEarlier)?;
        let before = activations::of_number(tx, before).await?.ok_or(ActivationError::NoEarlier)?;
        let next = Activation { seq, ..before };
        activations::keep(tx, &next, actor).await?;
        Ok(next)
    }

    async fn begin(&self, tx: &mut Tx, etag: &str) -> Result<(i64, Option<Activation>), ActivationError> {
        let seq = activations::next_number(tx).await?;
        let last = activations::last(tx).await?;
        let now = self::etag(last.as_ref().map_or(0, |last| last.seq), &self.models.version());
        if !etag.is_empty() && etag != now {
            return Err(ActivationError::EtagMismatch);
        }
        Ok((seq, last))
    }

    /// Lets a model score; what was begun ends with the one before.
    pub(crate) fn done(self, scorer: Arc<Scorer>, seq: i64) {
        let version = scorer.artifact().model_version().to_owned();
        self.models.active.store(scorer);
        self.models.activation.store(seq, Ordering::Release);
        tracing::info!(model_version = version, activation = seq, "another model scores");
    }
}

/// What tells one state of the models from the next.
pub(crate) fn etag(activation: i64, version: &str) -> String {
    format!("{activation}-{version}")
}

/// Why the models of a folder cannot be served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// The store does not say which model was active.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The folder cannot be read.
    #[error(transparent)]
    Load(#[from] ModelLoadError),
}

/// The model to begin with.
fn choose(folder: &ModelFolder, last: Option<&str>) -> Result<Scorer, StartError> {
    if let Some(version) = last {
        match folder.load(version) {
            Ok(scorer) => {
                tracing::info!(model_version = version, "the model that was active last scores again");
                return Ok(scorer);
            }
            Err(NotLoaded::NotFound) => {
                tracing::warn!(model_version = version, "the model that was active last is not among the models");
            }
            Err(NotLoaded::Refused(why)) => {
                tracing::warn!(model_version = version, why, "the model that was active last cannot score");
            }
        }
    }
    let newest = folder.newest_first()?;
    let count = newest.len();
    for version in newest {
        if let Ok(scorer) = folder.load(&version) {
            let of = scorer.artifact().content().provenance.data_until.as_deref().unwrap_or("no time");
            tracing::info!(
                model_version = version,
                data_until = of,
                models = count,
                "the model of the latest data scores"
            );
            return Ok(scorer);
        }
    }
    Err(ModelLoadError::NoModel { path: folder.path().to_owned() }.into())
}
