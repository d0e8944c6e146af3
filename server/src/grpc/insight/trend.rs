//! GetTrend.

use std::collections::HashMap;

use flight_risk_proto::v1;
use flight_risk_scoring::Day;

use super::snapshot::{Snapshot, Snapshots, day};
use crate::access::caller::Scope;
use crate::clock::MICROS_PER_DAY;
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

/// The end of a month, or of what there is of it.
#[derive(Clone, Copy, Debug)]
struct Moment {
    first_day: Day,
    last_day: i64,
    /// The number of the last score until then.
    at: i64,
}

/// Returns how the risk of a group developed.
pub(super) async fn answer(
    core: &Core,
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
    let number = match &group {
        None if view.shown.total => None,
        None => return Err(ApiError::GroupSuppressed),
        Some((dimension, name)) => {
            let number = snapshot.names.number(*dimension, name).filter(|&n| view.shown.has(dimension.position(), n));
            Some((dimension.position(), number.ok_or(ApiError::GroupSuppressed)?))
        }
    };
    let group = group.as_ref().map(|(dimension, name)| (*dimension, name.as_str()));
    let moments = moments(core, &snapshot, months).await?;
    let (totals, masks) = members(core, scope, group, &moments).await?;
    let mut allowed = Vec::with_capacity(moments.len());
    for moment in &moments {
        let plan = snapshots.month(&snapshot, scope, moment.at, moment.last_day).await?;
        allowed.push(match group {
            None => plan.shown.total,
            Some((dimension, name)) => {
                plan.names.number(dimension, name).is_some_and(|number| plan.shown.has(dimension.position(), number))
            }
        });
    }
    let minimum = u64::from(snapshot.minimum);
    let fits = shown_months(masks.into_iter(), &allowed, minimum);
    let scope = scope.clone();
    let pointed = tokio::task::spawn_blocking(move || {
        let mut points = Vec::new();
        let mut suppressed_months = 0;
        for ((moment, month), fits) in moments.iter().zip(&totals).zip(fits) {
            if fits && month.answered >= minimum {
                points.push(point(&snapshot, &view, &scope, number, moment, month));
            } else if month.employees > 0 {
                suppressed_months += 1;
            }
        }
        v1::GetTrendResponse { points, suppressed_months }
    });
    pointed.await.map_err(|_| ApiError::StoreUnavailable)
}

/// The ends of the last months, the earliest first; of months before the first score there are none.
async fn moments(core: &Core, snapshot: &Snapshot, months: u32) -> Result<Vec<Moment>, ApiError> {
    let this_month = day(snapshot.today).and_then(|today| Day::from_ymd(today.year(), today.month(), 1));
    let Some(this_month) = this_month else { return Ok(Vec::new()) };
    let mut moments = Vec::new();
    for back in (0..months).rev() {
        let first_day = this_month.plus_months(-i32::try_from(back).unwrap_or(0));
        let end = first_day.plus_months(1);
        let last_day = i64::from(end.epoch_days() - 1).min(snapshot.today);
        let before = (last_day + 1).saturating_mul(MICROS_PER_DAY);
        let found = core.store.last_score_before(before).await.map_err(|_| ApiError::StoreUnavailable)?;
        moments.extend(found.map(|at| Moment { first_day, last_day, at }));
    }
    Ok(moments)
}

/// The sums of every month, and of everybody the months in which they were part of them.
async fn members(
    core: &Core,
    scope: &Scope,
    group: Option<(Dimension, &str)>,
    moments: &[Moment],
) -> Result<(Vec<Month>, Vec<u64>), ApiError> {
    let numbers: Vec<i64> = moments.iter().map(|moment| moment.at).collect();
    let read = core.store.memberships(scope, group, &numbers).await.map_err(|_| ApiError::StoreUnavailable)?;
    let mut totals = vec![Month::default(); moments.len()];
    let mut masks: HashMap<String, u64> = HashMap::new();
    for membership in read {
        let mut mask = 0;
        for (index, (moment, month)) in moments.iter().zip(&mut totals).enumerate() {
            let there = membership.exit_day.is_none_or(|day| day > moment.last_day);
            if membership.seq > moment.at || membership.to_seq <= moment.at || !there {
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
        if mask != 0 {
            *masks.entry(membership.employee_id).or_default() |= mask;
        }
    }
    Ok((totals, masks.into_values().collect()))
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
        month: format!("{:04}-{:02}", moment.first_day.year(), moment.first_day.month()),
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
