//! Everybody at once, read from the store and kept until something changes.
//!
//! What may be shown depends on everybody, so nothing is answered from a part. A small company is read anew whenever a score or an
//! exit was recorded or somebody was erased. A large one, for which that takes longer than anybody wants to wait, is read behind the
//! scenes from the start on, and answered from what was read last; who asks before it was read once is told when to come again.
//! Somebody who was erased leaves the figures when it is read anew: at the next question for a small company; for a large one as
//! soon as the next reading is over, which begins within ten times as long as one takes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, ArcSwapOption};
use flight_risk_proto::v1;
use flight_risk_scoring::Day;
use flight_risk_scoring::Scorer;

use crate::access::caller::Scope;
use crate::clock::{MICROS_PER_DAY, now_micros};
use crate::core::Core;
use crate::grpc::insight::ahead::{ActionsState, Asked, numbered_with_actions};
use crate::grpc::insight::kept::Kept;
use crate::grpc::insight::moments::Moment;
use crate::grpc::insight::progress::Progress;
use crate::grpc::status::ApiError;
use crate::insight::dimension::{Dimension, Groups};
use crate::insight::figures::{Past, Person, View, shown};
use crate::insight::population::{Names, cells};
use crate::insight::suppression::Shown;
use crate::store::insight::{InsightState, Standing};
use crate::store::{Store, StoreError};

/// Days over which exits are observed.
const OBSERVED_DAYS: i64 = 365;
/// Days of a month, on average.
const DAYS_PER_MONTH: f64 = 30.436_875;
/// Months that the probability of a model of a flat table is taken to be about: it does not say.
const FLAT_MONTHS: i64 = 12;
/// What takes longer to read is read behind the scenes.
pub(super) const QUICK: Duration = Duration::from_millis(20);
/// A company of fewer people is not large, however long it takes to read.
pub(crate) const MANY: usize = 5_000;
/// Longest wait of a page while it is read for the first time, if it takes longer than [`SHORT`].
const PATIENCE: Duration = Duration::from_millis(100);
/// What takes no longer is waited for: twice as long, as there may be other work.
const SHORT: Duration = Duration::from_secs(3);
/// A large company is read again after so many times what the reading took.
const REST: u32 = 10;
/// How often it is looked whether a large company must be read anew.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// A snapshot that is older than this is not answered from while it is renewed.
pub(super) const STALE_AFTER: Duration = Duration::from_secs(15 * 60);
/// Most scopes whose views are kept, and that are worked out before they are asked for because they were before.
const MOST_VIEWS: usize = 64;
const MOST_AHEAD: usize = 8;
/// Most plans of months that are kept, and how long.
const MOST_MONTHS: usize = 512;
const MONTH_AFTER: Duration = Duration::from_secs(3_600);

/// Everybody at a moment.
pub(crate) struct Snapshot {
    pub(super) names: Names,
    pub(super) people: Vec<Person>,
    past: Vec<Past>,
    /// Voluntary exits: the day, and the groups of the last score.
    pub(super) leavers: Vec<(i64, Groups)>,
    /// First and last day of the exits observed.
    pub(super) observed: Option<(Day, Day)>,
    /// The day on which it was read.
    pub(super) today: i64,
    /// When, in microseconds since 1970.
    pub(super) read_at: i64,
    /// What it was read from: as long as this stays, so do the figures.
    pub(super) state: InsightState,
    pub(super) model_version: String,
    pub(super) minimum: u32,
    /// Its own number: no other snapshot of this process has it.
    pub(super) number: u64,
    views: Mutex<HashMap<String, (Scope, Arc<View>)>>,
}

impl Snapshot {
    async fn read(
        store: &Store,
        state: InsightState,
        model_version: String,
        minimum: u32,
        progress: &Progress,
    ) -> Result<Self, StoreError> {
        let read_at = now_micros();
        let today = read_at.div_euclid(MICROS_PER_DAY);
        let mut names = Names::default();
        let (mut people, mut past, mut leavers) = (Vec::new(), Vec::new(), Vec::new());
        store
            .standings(None, |standing| {
                progress.another();
                let Standing { seq, model_version: version, risk, facts, tenure_years, exit, .. } = standing;
                let groups = names.groups(facts, tenure_years);
                match exit {
                    Some((day, voluntary)) if day <= today => leavers.extend(voluntary.then_some((day, groups))),
                    _ => people.push(Person {
                        groups,
                        risk: risk.map(|risk| risk as f32),
                        seq,
                        current: version == model_version,
                    }),
                }
            })
            .await?;
        let first = state.first_score.map(|micros| micros.div_euclid(MICROS_PER_DAY));
        let start = first.map(|first| first.max(today - OBSERVED_DAYS)).filter(|&start| start < today);
        if let Some(start) = start
            && let Some(at) = store.last_score_before((start + 1) * MICROS_PER_DAY).await?
        {
            let mut add = |standing: Standing| {
                progress.another();
                past.extend(observed(standing, start, today, &mut names));
            };
            store.standings(Some(at), &mut add).await?;
        }
        let renumbered = names.sort();
        people.iter_mut().for_each(|person| renumbered.apply(&mut person.groups));
        past.iter_mut().for_each(|past| renumbered.apply(&mut past.groups));
        leavers.iter_mut().for_each(|(_, groups)| renumbered.apply(groups));
        Ok(Self {
            names,
            people,
            past,
            leavers,
            observed: start.and_then(|start| Some((day(start + 1)?, day(today)?))),
            today,
            read_at,
            state,
            model_version,
            minimum,
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
            views: Mutex::default(),
        })
    }

    /// What a scope covers. The first call of a scope works it out, which takes a while in a large company.
    pub(super) async fn view(self: &Arc<Self>, scope: &Scope) -> Result<Arc<View>, ApiError> {
        let key = key_of(scope);
        let kept =
            self.views.lock().unwrap_or_else(PoisonError::into_inner).get(&key).map(|(_, view)| Arc::clone(view));
        if let Some(view) = kept {
            return Ok(view);
        }
        let (snapshot, scope, own) = (Arc::clone(self), scope.clone(), scope.clone());
        let worked_out = tokio::task::spawn_blocking(move || {
            Arc::new(View::new(&snapshot.names, &snapshot.people, &snapshot.past, &scope, snapshot.minimum))
        });
        let view = worked_out.await.map_err(|_| ApiError::StoreUnavailable)?;
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        if views.len() >= MOST_VIEWS {
            views.clear();
        }
        views.insert(key, (own, Arc::clone(&view)));
        Ok(view)
    }

    /// The scopes of which somebody asked.
    pub(super) fn asked(&self) -> Vec<Scope> {
        let views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        views.values().map(|(scope, _)| scope.clone()).take(MOST_AHEAD).collect()
    }
}

/// Numbers of snapshots.
static NUMBER: AtomicU64 = AtomicU64::new(1);

/// A day from its number.
pub(super) fn day(number: i64) -> Option<Day> {
    i32::try_from(number).ok().and_then(Day::from_epoch_days)
}

/// The key of a scope among views.
pub(super) fn key_of(scope: &Scope) -> String {
    format!("{scope:?}")
}

/// Somebody from the day after `start` on: whether they left by their own will until `today`, and what their score of that time
/// made of it. Hazards are spread evenly over the horizon; who left for another reason is counted up to then.
fn observed(standing: Standing, start: i64, today: i64, names: &mut Names) -> Option<Past> {
    let Standing { risk: [risk, ..], horizon_months, facts, tenure_years, exit, .. } = standing;
    let exit = exit.filter(|&(day, _)| day <= today);
    if risk < 0.0 || exit.is_some_and(|(day, _)| day <= start) {
        return None;
    }
    let left = exit.is_some_and(|(_, voluntary)| voluntary);
    let until = exit.filter(|&(_, voluntary)| !voluntary).map_or(today, |(day, _)| day);
    let months = if horizon_months > 0 { horizon_months } else { FLAT_MONTHS };
    let share = (until - start) as f64 / (months as f64 * DAYS_PER_MONTH);
    let expected = 1.0 - (1.0 - risk.min(1.0)).powf(share);
    Some(Past { groups: names.groups(facts, tenure_years), expected: expected as f32, left })
}

/// A snapshot and what it was read from.
struct Held {
    snapshot: Arc<Snapshot>,
    built: Instant,
    took: Duration,
    /// When it was last what is true.
    good_at: Mutex<Instant>,
}

impl Held {
    /// Whether it is answered from while it is read anew. A machine with other work makes no small company large.
    fn is_large(&self) -> bool {
        self.took > QUICK && self.snapshot.people.len() >= MANY
    }

    /// Whether it is near enough to what is true to be answered from while it is read anew.
    fn is_recent(&self) -> bool {
        let good_at = *self.good_at.lock().unwrap_or_else(PoisonError::into_inner);
        good_at.elapsed() < STALE_AFTER.max(2 * REST * self.took)
    }

    /// Nothing has changed since.
    fn is_good(&self) {
        *self.good_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

/// What may be shown of a group at the end of a month, by name.
pub(super) struct MonthPlan {
    pub(super) names: Names,
    pub(super) shown: Shown,
    /// Those of them whose drivers may be shown: of people whom the model of the time scored.
    pub(super) drivers: Shown,
    /// The model of the time.
    pub(super) model_version: String,
    built: Instant,
}

impl MonthPlan {
    /// Whether a group, or all, is among what is `shown`.
    pub(super) fn allows(&self, shown: &Shown, group: Option<(Dimension, &str)>) -> bool {
        among(&self.names, shown, group).is_ok()
    }
}

/// The dimension and the number of a group that is among what is `shown`; `None`: all.
///
/// # Errors
/// GroupSuppressed where it is not.
pub(super) fn among(
    names: &Names,
    shown: &Shown,
    group: Option<(Dimension, &str)>,
) -> Result<Option<(usize, u32)>, ApiError> {
    match group {
        None if shown.total => Ok(None),
        None => Err(ApiError::GroupSuppressed),
        Some((dimension, name)) => {
            let position = dimension.position();
            let number = names.number(dimension, name).filter(|&number| shown.has(position, number));
            Ok(Some((position, number.ok_or(ApiError::GroupSuppressed)?)))
        }
    }
}

/// The last snapshot, plans of past months and what was worked out from them: one for all who answer from a store.
#[derive(Default)]
pub(crate) struct Shared {
    held: ArcSwapOption<Held>,
    reading: tokio::sync::Mutex<()>,
    progress: Progress,
    watched: AtomicBool,
    months: Mutex<HashMap<String, Arc<MonthPlan>>>,
    pub(super) trends: Kept<super::trend::Months>,
    pub(super) drivers: Kept<super::drivers::Ranked>,
    /// The groups whose drivers were asked for last.
    pub(super) groups: Mutex<Vec<Asked>>,
    /// How often actions were seen to have changed, and as what.
    pub(super) actions: Mutex<(u64, ActionsState)>,
    /// How often all was worked out before it is asked for.
    #[cfg(test)]
    pub(super) rounds: AtomicU64,
    /// Realised calibrations, by model and scope.
    pub(crate) calibrations: Kept<v1::GetRealizedCalibrationResponse>,
    /// Those acted on beside those not, by months and scope.
    pub(crate) comparisons: Kept<v1::CompareActedOnResponse>,
}

impl Shared {
    /// The number of the snapshot that is answered from; 0 before the first.
    pub(crate) fn number(&self) -> u64 {
        self.held.load().as_ref().map_or(0, |held| held.snapshot.number)
    }

    /// The same, of what depends on actions too.
    pub(crate) fn number_with_actions(&self) -> u64 {
        numbered_with_actions(self.number(), self.actions.lock().unwrap_or_else(PoisonError::into_inner).0)
    }
}

/// Everybody, as the services see them.
#[derive(Clone)]
pub(crate) struct Snapshots {
    store: Arc<Store>,
    active: Arc<ArcSwap<Scorer>>,
    minimum: u32,
    shared: Arc<Shared>,
}

impl Snapshots {
    /// Of a server.
    pub(crate) fn new(core: &Core) -> Self {
        let (store, active) = (Arc::clone(&core.store), Arc::clone(&core.active));
        Self { store, active, minimum: core.config.groups.minimum_employees, shared: Arc::clone(&core.insight) }
    }

    /// What they are read from.
    pub(super) fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// The version of the model that scores.
    pub(super) fn active_model(&self) -> String {
        self.active.load().artifact().model_version().to_owned()
    }

    /// The smallest group that is shown.
    pub(super) fn minimum(&self) -> u32 {
        self.minimum
    }

    /// The snapshot that is answered from, if there is one.
    pub(super) fn held(&self) -> Option<Arc<Snapshot>> {
        self.shared.held.load().as_ref().map(|held| Arc::clone(&held.snapshot))
    }

    /// What was worked out from them.
    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Reads everybody, so that the first who asks need not wait; a large company again and again, until the server ends.
    pub(crate) fn warm(&self) {
        if self.shared.watched.swap(true, Ordering::Relaxed) {
            return;
        }
        let Self { store, active, minimum, shared } = self.clone();
        let shared: Weak<Shared> = Arc::downgrade(&shared);
        tokio::spawn(async move {
            while let Some(shared) = shared.upgrade() {
                let (store, active) = (Arc::clone(&store), Arc::clone(&active));
                let rest = Self { store, active, minimum, shared }.look().await;
                tokio::time::sleep(rest).await;
            }
        });
    }

    /// Reads what is not read yet, or has changed and is large; gives the time until the next look.
    async fn look(&self) -> Duration {
        let began = Instant::now();
        let held = self.shared.held.load_full();
        let Ok(state) = self.store.insight_state().await else { return LOOK_EVERY };
        match &held {
            Some(held) if self.fresh(held, &state) => held.is_good(),
            _ => {
                if let Err(error) = self.renew(Instant::now()).await {
                    tracing::warn!(?error, "employees could not be read for figures about groups");
                }
            }
        }
        self.work_ahead().await;
        LOOK_EVERY.max((REST * began.elapsed()).min(STALE_AFTER / 2))
    }

    fn fresh(&self, held: &Held, state: &InsightState) -> bool {
        let snapshot = &held.snapshot;
        let today = now_micros().div_euclid(MICROS_PER_DAY);
        snapshot.state == *state
            && snapshot.today == today
            && snapshot.model_version == self.active.load().artifact().model_version()
    }

    /// Everybody now, or a little while ago in a large company.
    pub(crate) async fn current(&self) -> Result<Arc<Snapshot>, ApiError> {
        let state = self.store.insight_state().await.map_err(|_| ApiError::StoreUnavailable)?;
        let held = self.shared.held.load_full();
        if let Some(held) = &held {
            if self.fresh(held, &state) {
                held.is_good();
                return Ok(Arc::clone(&held.snapshot));
            }
            let active = self.active.load();
            let same_model = held.snapshot.model_version == active.artifact().model_version();
            if held.is_large() && held.is_recent() && same_model {
                if held.built.elapsed() >= LOOK_EVERY && self.shared.reading.try_lock().is_ok() {
                    let this = self.clone();
                    tokio::spawn(async move { this.renew(Instant::now()).await.map(|_| ()) });
                }
                return Ok(Arc::clone(&held.snapshot));
            }
        }
        // In a task of its own: the next who asks profits even if this caller goes away.
        let this = self.clone();
        let asked = Instant::now();
        let mut reading = tokio::spawn(async move { this.renew(asked).await });
        let mut patience = PATIENCE;
        loop {
            match tokio::time::timeout(patience, &mut reading).await {
                Ok(read) => return read.map_err(|_| ApiError::StoreUnavailable)?,
                Err(_) if asked.elapsed() < 2 * SHORT && self.shared.progress.remaining() < SHORT => {
                    patience = PATIENCE.max(2 * SHORT - asked.elapsed());
                }
                Err(_) => return Err(ApiError::being_read(self.shared.progress.remaining())),
            }
        }
    }

    /// Reads everybody, unless it was done since somebody asked.
    async fn renew(&self, asked: Instant) -> Result<Arc<Snapshot>, ApiError> {
        let shared = &self.shared;
        let _one_at_a_time = shared.reading.lock().await;
        let unavailable = |_: StoreError| ApiError::StoreUnavailable;
        let state = self.store.insight_state().await.map_err(unavailable)?;
        let before = shared.held.load_full();
        if let Some(held) = before.as_ref().filter(|held| held.built >= asked || self.fresh(held, &state)) {
            return Ok(Arc::clone(&held.snapshot));
        }
        let built = Instant::now();
        let model_version = self.active.load().artifact().model_version().to_owned();
        // Those in force now, and as many a year ago.
        shared.progress.begin(2 * self.store.count_in_force().await.map_err(unavailable)?);
        let read = Snapshot::read(&self.store, state, model_version, self.minimum, &shared.progress).await;
        let snapshot = Arc::new(read.map_err(unavailable)?);
        snapshot.view(&Scope::All).await?;
        let took = built.elapsed();
        if let Some(before) = before.filter(|before| before.is_large()) {
            for scope in before.snapshot.asked() {
                snapshot.view(&scope).await?;
            }
            // What is asked for is answered from the one before until this is ready, too; of another model it is not.
            if before.snapshot.model_version == snapshot.model_version {
                self.prepare(&snapshot).await;
            }
        }
        let good_at = Mutex::new(Instant::now());
        shared.held.store(Some(Arc::new(Held { snapshot: Arc::clone(&snapshot), built, took, good_at })));
        Ok(snapshot)
    }

    /// What a scope may see of the people who were there at the end of a month.
    pub(super) async fn month(
        &self,
        snapshot: &Snapshot,
        scope: &Scope,
        moment: &Moment,
    ) -> Result<Arc<MonthPlan>, ApiError> {
        let Moment { at, last_day, .. } = *moment;
        let key = format!("{at} {last_day} {} {}", snapshot.state.exits_key(), key_of(scope));
        let kept = self.shared.months.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(plan) = kept.filter(|plan| plan.built.elapsed() < MONTH_AFTER) {
            return Ok(plan);
        }
        let (this, scope, minimum) = (self.clone(), scope.clone(), snapshot.minimum);
        let worked_out = tokio::spawn(async move {
            let unavailable = |_: StoreError| ApiError::StoreUnavailable;
            let model_version = this.store.model_of(at).await.map_err(unavailable)?;
            let mut names = Names::default();
            let mut people = Vec::new();
            let add = |standing: Standing| {
                if standing.risk[0] >= 0.0 && standing.exit.is_none_or(|(day, _)| day > last_day) {
                    let by_model = standing.model_version == model_version;
                    people.push((names.groups(standing.facts, standing.tenure_years), by_model));
                }
            };
            this.store.standings(Some(at), add).await.map_err(unavailable)?;
            let plan = tokio::task::spawn_blocking(move || {
                let renumbered = names.sort();
                people.iter_mut().for_each(|(groups, _)| renumbered.apply(groups));
                let (reach, levels) = (names.reach(&scope), names.levels());
                let all = cells(people.iter().map(|(groups, _)| groups), &reach);
                let by_model = cells(people.iter().filter(|(_, by)| *by).map(|(groups, _)| groups), &reach);
                let shown = self::shown(&all, levels, minimum, &reach, None);
                let drivers = if by_model == all {
                    shown.clone()
                } else {
                    self::shown(&by_model, levels, minimum, &reach, Some(&shown))
                };
                Arc::new(MonthPlan { names, shown, drivers, model_version, built: Instant::now() })
            });
            let plan = plan.await.map_err(|_| ApiError::StoreUnavailable)?;
            let mut months = this.shared.months.lock().unwrap_or_else(PoisonError::into_inner);
            if months.len() >= MOST_MONTHS {
                months.clear();
            }
            months.insert(key, Arc::clone(&plan));
            Ok(plan)
        });
        worked_out.await.map_err(|_| ApiError::StoreUnavailable)?
    }
}
