//! GetTrend.

use std::sync::Arc;

use flight_risk_proto::v1;

use super::moments::{Masks, Moment, moments, this_month};
use super::named;
use super::snapshot::{MANY, Snapshot, Snapshots, among};
use crate::access::caller::Scope;
use crate::clock::timestamp;
use crate::core::Core;
use crate::gate::Passed;
use crate::grpc::status::ApiError;
use crate::grpc::violations::Violations;
use crate::insight::dimension::{Dimension, Groups};
use crate::insight::figures::{View, shown};
use crate::insight::population::cells;
use crate::insight::trend::{MOST_MONTHS, Month, shown_months};

/// Months unless asked otherwise.
const USUAL_MONTHS: u32 = 12;
/// From this number on a band is at risk.
const ELEVATED: i64 = 2;

/// All months of a group of which there is something, the earliest first, and whether they are shown.
pub(super) struct Months {
    months: Vec<(Moment, Option<v1::TrendPoint>)>,
    /// When those were read of whom they are.
    read_at: i64,
}

/// Returns how the risk of a group developed.
pub(super) async fn answer(
    _core: &Core,
    snapshots: &Snapshots,
    passed: &Passed,
    request: v1::GetTrendRequest,
) -> Result<v1::GetTrendResponse, ApiError> {
    let mut problems = Violations::default();
    let group = super::group(request.group_by, request.group, &mut problems);
    let months = if request.months == 0 { USUAL_MONTHS } else { request.months };
    if months as usize > MOST_MONTHS {
        problems.push(|| "months".to_owned(), format!("must be 1 to {MOST_MONTHS}, got {months}"));
    }
    if !problems.is_empty() {
        return Err(ApiError::Invalid(problems));
    }
    let snapshot = snapshots.current().await?;
    let scope = &passed.caller.scope;
    let view = snapshot.view(scope).await?;
    let number = among(&snapshot.names, &view.shown, named(group.as_ref()))?;
    let people = snapshot.people.len();
    // Of a large company every score that was ever recorded is read: it may be of one of the months.
    let rows = if people < MANY { people } else { people.max(snapshot.state.scores()) };
    let (key, of) = (key(scope, group.as_ref()), snapshot.number);
    let first = this_month(&snapshot).map(|day| day.plus_months(1 - i32::try_from(months).unwrap_or(1)));
    let work = worked_out(snapshots.clone(), snapshot, view, scope.clone(), group, number);
    let all = snapshots.shared().trends.get(key, of, rows, work).await?;
    let asked = all.months.iter().filter(|(moment, _)| first.is_none_or(|first| moment.first_day >= first));
    let points: Vec<v1::TrendPoint> = asked.clone().filter_map(|(_, point)| point.clone()).collect();
    let suppressed_months = u32::try_from(asked.count() - points.len()).unwrap_or(u32::MAX);
    Ok(v1::GetTrendResponse { points, suppressed_months, read_time: Some(timestamp(all.read_at)) })
}

/// Works out the months of a group before anybody asks, if it may be shown.
pub(super) async fn ahead(
    snapshots: &Snapshots,
    snapshot: &Arc<Snapshot>,
    scope: &Scope,
    group: Option<&(Dimension, String)>,
) {
    let Ok(view) = snapshot.view(scope).await else { return };
    let Ok(number) = among(&snapshot.names, &view.shown, named(group)) else { return };
    let (key, of) = (key(scope, group), snapshot.number);
    let work = worked_out(snapshots.clone(), Arc::clone(snapshot), view, scope.clone(), group.cloned(), number);
    snapshots.shared().trends.ahead(key, of, work).await;
}

/// Under which the months of a group are kept.
fn key(scope: &Scope, group: Option<&(Dimension, String)>) -> String {
    format!("{scope:?} {group:?}")
}

/// Every month: which are shown must not depend on how many are asked for, or two answers would tell by their difference what one
/// does not.
async fn worked_out(
    snapshots: Snapshots,
    snapshot: Arc<Snapshot>,
    view: Arc<View>,
    scope: Scope,
    group: Option<(Dimension, String)>,
    number: Option<(usize, u32)>,
) -> Result<Months, ApiError> {
    let group = named(group.as_ref());
    let moments = moments(snapshots.store(), &snapshot).await?;
    let mut totals = vec![Month::default(); moments.len()];
    let mut masks = Masks::default();
    let numbers: Vec<i64> = moments.iter().map(|moment| moment.at).collect();
    let read = snapshots.store().memberships(&scope, group, &numbers, |membership| {
        let mut mask = 0;
        for (index, (moment, month)) in moments.iter().zip(&mut totals).enumerate() {
            if !moment.has(&membership) {
                continue;
            }
            month.employees += 1;
            if membership.risk >= 0.0 {
                month.answered += 1;
                month.risk += membership.risk;
                month.at_risk += u64::from(membership.band >= ELEVATED);
                mask |= 1_u64 << index;
            }
        }
        masks.add(&membership.employee_id, mask);
    });
    read.await.map_err(|_| ApiError::StoreUnavailable)?;
    let mut allowed = Vec::with_capacity(moments.len());
    for moment in &moments {
        let plan = snapshots.month(&snapshot, &scope, moment).await?;
        allowed.push(plan.allows(&plan.shown, group));
    }
    let minimum = u64::from(snapshot.minimum);
    let fits = shown_months(masks.into_values(), &allowed, minimum);
    let pointed = tokio::task::spawn_blocking(move || {
        let told = moments.into_iter().zip(&totals).zip(fits).filter(|((_, month), _)| month.employees > 0);
        let told = told.map(|((moment, month), fits)| {
            let shown = fits && month.answered >= minimum;
            (moment, shown.then(|| point(&snapshot, &view, &scope, number, &moment, month)))
        });
        Months { months: told.collect(), read_at: snapshot.read_at }
    });
    pointed.await.map_err(|_| ApiError::StoreUnavailable)
}

fn point(
    snapshot: &Snapshot,
    view: &View,
    scope: &Scope,
    number: Option<(usize, u32)>,
    moment: &Moment,
    month: &Month,
) -> v1::TrendPoint {
    v1::TrendPoint {
        month: moment.month(),
        employees: month.employees,
        mean_risk: month.mean_risk(),
        at_risk_share: month.at_risk_share(),
        observed_exits: exits(snapshot, view, scope, number, moment),
    }
}

/// Voluntary exits of a month. Those who left are people like any others: a count is told only where no combination of counts
/// isolates fewer of them than the minimum.
fn exits(
    snapshot: &Snapshot,
    view: &View,
    scope: &Scope,
    number: Option<(usize, u32)>,
    moment: &Moment,
) -> Option<u64> {
    let days = i64::from(moment.first_day.epoch_days())..=moment.last_day;
    let gone: Vec<&Groups> =
        snapshot.leavers.iter().filter(|(day, _)| days.contains(day)).map(|(_, groups)| groups).collect();
    let reach = snapshot.names.reach(scope);
    let cells = cells(gone.into_iter(), &reach);
    let told = shown(&cells, snapshot.names.levels(), snapshot.minimum, &reach, Some(&view.shown));
    let allowed = match number {
        None => told.total,
        Some((dimension, group)) => told.has(dimension, group),
    };
    let of = |groups: &Groups| number.is_none_or(|(dimension, group)| groups.get(dimension) == Some(&group));
    allowed
        .then(|| cells.iter().filter(|cell| cell.inside && of(&cell.groups)).map(|cell| u64::from(cell.people)).sum())
}
