//! Everybody at once, read from the store and kept until something changes.
//!
//! What may be shown depends on everybody, so nothing is answered from a part. A small company is read anew whenever a score or an
//! exit was recorded. A large one, for which that takes longer than anybody wants to wait, is answered from what was read last
//! while it is read anew behind the scenes; somebody who was erased leaves the figures with it, after a minute at the latest for
//! a small company.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use flight_risk_scoring::Day;

use crate::access::caller::Scope;
use crate::clock::{MICROS_PER_DAY, now_micros};
use crate::core::Core;
use crate::grpc::status::ApiError;
use crate::insight::dimension::Groups;
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
const QUICK: Duration = Duration::from_millis(200);
/// A snapshot is renewed after this time even if nothing seems to have changed: erasures leave no trace.
const RENEW_AFTER: Duration = Duration::from_secs(60);
/// A snapshot that is older than this is not answered from while it is renewed.
const STALE_AFTER: Duration = Duration::from_secs(15 * 60);
/// Most scopes whose views are kept.
const MOST_VIEWS: usize = 64;
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
    /// The number of the last score.
    pub(super) state: InsightState,
    pub(super) model_version: String,
    pub(super) minimum: u32,
    views: Mutex<HashMap<String, Arc<View>>>,
}

impl Snapshot {
    async fn read(store: &Store, state: InsightState, model_version: String, minimum: u32) -> Result<Self, StoreError> {
        let today = now_micros().div_euclid(MICROS_PER_DAY);
        let mut names = Names::default();
        let (mut people, mut past, mut leavers) = (Vec::new(), Vec::new(), Vec::new());
        store
            .standings(None, |standing| {
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
            let mut add = |standing: Standing| past.extend(observed(standing, start, today, &mut names));
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
            state,
            model_version,
            minimum,
            views: Mutex::default(),
        })
    }

    /// What a scope covers. The first call of a scope works it out, which takes a while in a large company.
    pub(super) async fn view(self: &Arc<Self>, scope: &Scope) -> Result<Arc<View>, ApiError> {
        let key = key_of(scope);
        let kept = |snapshot: &Self| snapshot.views.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(view) = kept(self) {
            return Ok(view);
        }
        let (snapshot, scope) = (Arc::clone(self), scope.clone());
        let worked_out = tokio::task::spawn_blocking(move || {
            Arc::new(View::new(&snapshot.names, &snapshot.people, &snapshot.past, &scope, snapshot.minimum))
        });
        let view = worked_out.await.map_err(|_| ApiError::StoreUnavailable)?;
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        if views.len() >= MOST_VIEWS {
            views.clear();
        }
        views.insert(key, Arc::clone(&view));
        Ok(view)
    }
}

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
}

/// What may be shown of a group at the end of a month, by name.
pub(super) struct MonthPlan {
    pub(super) names: Names,
    pub(super) shown: Shown,
    built: Instant,
}

/// The last snapshot, and plans of past months.
#[derive(Clone)]
pub(crate) struct Snapshots {
    core: Core,
    held: Arc<ArcSwapOption<Held>>,
    reading: Arc<tokio::sync::Mutex<()>>,
    months: Arc<Mutex<HashMap<String, Arc<MonthPlan>>>>,
}

impl Snapshots {
    /// None yet.
    pub(crate) fn new(core: Core) -> Self {
        Self { core, held: Arc::default(), reading: Arc::default(), months: Arc::default() }
    }

    /// Reads everybody, so that the first who asks need not wait.
    pub(crate) fn warm(&self) {
        let this = self.clone();
        tokio::spawn(async move { this.current().await.map(|_| ()) });
    }

    fn fresh(&self, held: &Held, state: &InsightState) -> bool {
        let snapshot = &held.snapshot;
        let today = now_micros().div_euclid(MICROS_PER_DAY);
        snapshot.state == *state
            && held.built.elapsed() < RENEW_AFTER
            && snapshot.today == today
            && snapshot.model_version == self.core.active.load().artifact().model_version()
    }

    /// Everybody now, or a little while ago in a large company.
    pub(crate) async fn current(&self) -> Result<Arc<Snapshot>, ApiError> {
        let state = self.core.store.insight_state().await.map_err(|_| ApiError::StoreUnavailable)?;
        let held = self.held.load_full();
        if let Some(held) = &held {
            if self.fresh(held, &state) {
                return Ok(Arc::clone(&held.snapshot));
            }
            let active = self.core.active.load();
            let same_model = held.snapshot.model_version == active.artifact().model_version();
            if held.took > QUICK && held.built.elapsed() < STALE_AFTER && same_model {
                if self.reading.try_lock().is_ok() {
                    let this = self.clone();
                    tokio::spawn(async move { this.renew().await.map(|_| ()) });
                }
                return Ok(Arc::clone(&held.snapshot));
            }
        }
        // In a task of its own: the next who asks profits even if this caller goes away.
        let this = self.clone();
        tokio::spawn(async move { this.renew().await }).await.map_err(|_| ApiError::StoreUnavailable)?
    }

    async fn renew(&self) -> Result<Arc<Snapshot>, ApiError> {
        let _one_at_a_time = self.reading.lock().await;
        let unavailable = |_: StoreError| ApiError::StoreUnavailable;
        let state = self.core.store.insight_state().await.map_err(unavailable)?;
        if let Some(held) = self.held.load_full()
            && self.fresh(&held, &state)
        {
            return Ok(Arc::clone(&held.snapshot));
        }
        let built = Instant::now();
        let model_version = self.core.active.load().artifact().model_version().to_owned();
        let minimum = self.core.config.groups.minimum_employees;
        let snapshot =
            Arc::new(Snapshot::read(&self.core.store, state, model_version, minimum).await.map_err(unavailable)?);
        snapshot.view(&Scope::All).await?;
        self.held.store(Some(Arc::new(Held { snapshot: Arc::clone(&snapshot), built, took: built.elapsed() })));
        Ok(snapshot)
    }

    /// What a scope may see of the people who were there on the last day of a month, whose last score has the number `at`.
    pub(super) async fn month(
        &self,
        snapshot: &Snapshot,
        scope: &Scope,
        at: i64,
        last_day: i64,
    ) -> Result<Arc<MonthPlan>, ApiError> {
        let key = format!("{at} {last_day} {} {}", snapshot.state.exits_key(), key_of(scope));
        let kept = self.months.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(plan) = kept.filter(|plan| plan.built.elapsed() < MONTH_AFTER) {
            return Ok(plan);
        }
        let (this, scope, minimum) = (self.clone(), scope.clone(), snapshot.minimum);
        let worked_out = tokio::spawn(async move {
            let mut names = Names::default();
            let mut people = Vec::new();
            let add = |standing: Standing| {
                if standing.risk[0] >= 0.0 && standing.exit.is_none_or(|(day, _)| day > last_day) {
                    people.push(names.groups(standing.facts, standing.tenure_years));
                }
            };
            this.core.store.standings(Some(at), add).await.map_err(|_| ApiError::StoreUnavailable)?;
            let plan = tokio::task::spawn_blocking(move || {
                let renumbered = names.sort();
                people.iter_mut().for_each(|groups| renumbered.apply(groups));
                let reach = names.reach(&scope);
                let shown = shown(&cells(people.iter(), &reach), names.levels(), minimum, &reach, None);
                Arc::new(MonthPlan { names, shown, built: Instant::now() })
            });
            let plan = plan.await.map_err(|_| ApiError::StoreUnavailable)?;
            let mut months = this.months.lock().unwrap_or_else(PoisonError::into_inner);
            if months.len() >= MOST_MONTHS {
                months.clear();
            }
            months.insert(key, Arc::clone(&plan));
            Ok(plan)
        });
        worked_out.await.map_err(|_| ApiError::StoreUnavailable)?
    }
}
