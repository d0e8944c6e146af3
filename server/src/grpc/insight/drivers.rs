//! ListDrivers.

use std::sync::Arc;

use flight_risk_proto::v1;
use flight_risk_scoring::Day;
use flight_risk_scoring::schema::{FeatureKind, SourceFeature};

use super::moments::{Masks, moments};
use super::named;
use super::snapshot::{Snapshot, Snapshots, among};
use crate::access::caller::Scope;
use crate::clock::{timestamp, today};
use crate::core::Core;
use crate::gate::Passed;
use crate::grpc::convert_score::family;
use crate::grpc::page_token::Binding;
use crate::grpc::status::ApiError;
use crate::grpc::violations::Violations;
use crate::insight::dimension::Dimension;
use crate::insight::drivers::{Driver, Drivers, MOST_MEMBERS, drawn};
use crate::insight::figures::View;
use crate::insight::trend::shown_months;
use crate::store::{Store, StoreError};

/// Most drivers on a page.
const MOST_DRIVERS: usize = 100;
/// Drivers on a page unless asked otherwise.
const USUAL_DRIVERS: usize = 10;
/// Significant digits of a mean value, and of one that comes from confidential answers.
const DIGITS: i32 = 3;
const CONFIDENTIAL_DIGITS: i32 = 2;

/// Lists what drives the risk in a group, the strongest first.
pub(super) async fn answer(
    core: &Core,
    snapshots: &Snapshots,
    passed: &Passed,
    request: v1::ListDriversRequest,
) -> Result<v1::ListDriversResponse, ApiError> {
    let mut problems = Violations::default();
    let fixed = v1::ListDriversRequest { page_size: 0, page_token: String::new(), ..request.clone() };
    let binding = Binding::page(passed, &fixed);
    let after = binding.open_page(core.store.token_key(), &request.page_token, &mut problems);
    let group = super::group(request.group_by, request.group, &mut problems);
    let month = as_of(&request.as_of_month, &mut problems);
    let size = match usize::try_from(request.page_size) {
        Ok(0) => USUAL_DRIVERS,
        Ok(size) => size.min(MOST_DRIVERS),
        Err(_) => {
            let got = request.page_size;
            problems.push(|| "page_size".to_owned(), format!("must be 0 to {MOST_DRIVERS}, got {got}"));
            USUAL_DRIVERS
        }
    };
    if !problems.is_empty() {
        return Err(ApiError::Invalid(problems));
    }
    let snapshot = snapshots.current().await?;
    let scope = &passed.caller.scope;
    let view = snapshot.view(scope).await?;
    let number = among(&snapshot.names, &view.drivers, named(group.as_ref()))?;
    let (snapshots, of) = (snapshots.clone(), snapshot.number);
    let kept = snapshots.shared();
    let ranked = match month {
        Some(month) => {
            let (key, rows) = (key(scope, group.as_ref(), Some(&month)), snapshot.people.len());
            let work = then(snapshots.clone(), snapshot, scope.clone(), group, month);
            kept.drivers.get(key, of, rows, work).await?
        }
        None => {
            snapshots.note(scope, group.as_ref());
            let (key, rows) = (key(scope, group.as_ref(), None), snapshot.people.len().min(MOST_MEMBERS));
            let work = now(Arc::clone(snapshots.store()), snapshot, view, scope.clone(), number);
            kept.drivers.get(key, of, rows, work).await?
        }
    };
    let Ranked(Some(ranked)) = ranked.as_ref() else { return Err(ApiError::GroupSuppressed) };
    let first = after.and_then(|bytes| <[u8; 8]>::try_from(bytes).ok()).map_or(0, u64::from_le_bytes) as usize;
    let told: Vec<(Driver, &SourceFeature)> = ranked
        .drivers
        .iter()
        .filter_map(|&driver| Some((driver, ranked.features.get(driver.feature)?)))
        .filter(|(_, feature)| passed.fields.confidential_drivers || !feature.confidential)
        .collect();
    let end = first.saturating_add(size);
    let next =
        (end < told.len()).then(|| binding.seal(core.store.token_key(), &(end as u64).to_le_bytes())).transpose()?;
    let groups = &core.config.groups;
    let shown = told.iter().skip(first).take(size);
    Ok(v1::ListDriversResponse {
        drivers: shown
            .map(|(driver, feature)| told_driver(driver, feature, groups.minimum_employees, groups.minimum_answers))
            .collect(),
        employees: ranked.employees,
        next_page_token: next.unwrap_or_default(),
        model_version: ranked.model_version.clone(),
        read_time: Some(timestamp(ranked.read_at)),
    })
}

/// Works out what drives the risk of a group now, before anybody asks, if it may be shown.
pub(super) async fn ahead(
    snapshots: &Snapshots,
    snapshot: &Arc<Snapshot>,
    scope: &Scope,
    group: Option<&(Dimension, String)>,
) {
    let Ok(view) = snapshot.view(scope).await else { return };
    let Ok(number) = among(&snapshot.names, &view.drivers, named(group)) else { return };
    let (key, of) = (key(scope, group, None), snapshot.number);
    let work = now(Arc::clone(snapshots.store()), Arc::clone(snapshot), view, scope.clone(), number);
    snapshots.shared().drivers.ahead(key, of, work).await;
}

/// Under which drivers are kept.
fn key(scope: &Scope, group: Option<&(Dimension, String)>, month: Option<&str>) -> String {
    format!("{scope:?} {group:?} {month:?}")
}

/// The drivers of a group, the strongest first; none where they may not be shown.
pub(super) struct Ranked(Option<Told>);

struct Told {
    drivers: Vec<Driver>,
    features: Vec<SourceFeature>,
    employees: u64,
    model_version: String,
    /// When those were read of whom they are.
    read_at: i64,
}

/// What drives the risk of a group now.
async fn now(
    store: Arc<Store>,
    snapshot: Arc<Snapshot>,
    view: Arc<View>,
    scope: Scope,
    number: Option<(usize, u32)>,
) -> Result<Ranked, ApiError> {
    let reach = snapshot.names.reach(&scope);
    let employees = match number {
        None => view.total.employees,
        Some((dimension, group)) => {
            view.groups.get(dimension).and_then(|groups| groups.get(group as usize)).map_or(0, |of| of.employees)
        }
    };
    let within = snapshot.people.iter().filter(|person| {
        person.current
            && person.risk[0] >= 0.0
            && number.is_none_or(|(dimension, group)| person.groups.get(dimension) == Some(&group))
            && reach.covers(&person.groups)
    });
    let members = within.map(|person| person.seq).collect();
    ranked(&store, &snapshot, &snapshot.model_version, members, employees).await
}

/// What drove it at the end of a month: of those whom the model of that time scored. Shown only if the group now, and in every
/// earlier month that is shown, is the same people or differs by enough.
async fn then(
    snapshots: Snapshots,
    snapshot: Arc<Snapshot>,
    scope: Scope,
    group: Option<(Dimension, String)>,
    month: String,
) -> Result<Ranked, ApiError> {
    let group = group.as_ref().map(|(dimension, name)| (*dimension, name.as_str()));
    let moments = moments(snapshots.store(), &snapshot).await?;
    let Some(asked) = moments.iter().position(|moment| moment.month() == month) else { return Ok(Ranked(None)) };
    let mut plans = Vec::with_capacity(moments.len());
    for moment in &moments {
        plans.push(snapshots.month(&snapshot, &scope, moment).await?);
    }
    let (mut masks, mut members, mut employees) = (Masks::default(), Vec::new(), 0);
    // The lowest bit is now, which is judged before all months: it is shown in any case.
    let mut numbers: Vec<i64> = moments.iter().map(|moment| moment.at).collect();
    numbers.push(i64::MAX - 1);
    let read = snapshots.store().memberships(&scope, group, &numbers, |membership| {
        let answered = membership.risk >= 0.0;
        let here = membership.to_seq == i64::MAX && membership.exit_day.is_none_or(|day| day > snapshot.today);
        let mut mask = u64::from(here && answered && membership.model_version == snapshot.model_version);
        for (index, (moment, plan)) in moments.iter().zip(&plans).enumerate() {
            if !moment.has(&membership) {
                continue;
            }
            let counts = answered && membership.model_version == plan.model_version;
            mask |= u64::from(counts) << (index + 1);
            if index == asked {
                employees += 1;
                members.extend(counts.then_some(membership.seq));
            }
        }
        masks.add(&membership.employee_id, mask);
    });
    read.await.map_err(|_| ApiError::StoreUnavailable)?;
    let mut allowed = vec![true];
    allowed.extend(plans.iter().map(|plan| plan.allows(&plan.drivers, group)));
    let shown = shown_months(masks.into_values(), &allowed, u64::from(snapshot.minimum));
    match plans.get(asked) {
        Some(plan) if shown.get(asked + 1) == Some(&true) => {
            ranked(snapshots.store(), &snapshot, &plan.model_version, members, employees).await
        }
        _ => Ok(Ranked(None)),
    }
}

/// The drivers of the members of a group by the scores with these numbers, all of the same model.
async fn ranked(
    store: &Store,
    snapshot: &Snapshot,
    model_version: &str,
    members: Vec<i64>,
    employees: u64,
) -> Result<Ranked, ApiError> {
    let unavailable = |_: StoreError| ApiError::StoreUnavailable;
    let Some(model) = store.model(model_version).await.map_err(unavailable)? else { return Ok(Ranked(None)) };
    let features = model.schema.features().to_vec();
    let mut drivers = Drivers::new(features.len());
    let members = drawn(members);
    let added = store.score_parts(&members, |values, contributions| drivers.add(values, contributions)).await;
    added.map_err(unavailable)?;
    if drivers.members() < u64::from(snapshot.minimum) {
        // Somebody was erased, or scored anew, since everybody was read.
        return Ok(Ranked(None));
    }
    let model_version = model_version.to_owned();
    let read_at = snapshot.read_at;
    Ok(Ranked(Some(Told { drivers: drivers.ranked(), features, employees, model_version, read_at })))
}

/// The month that is asked about; `None`: now, which is also what this month is.
fn as_of(month: &str, problems: &mut Violations) -> Option<String> {
    if month.is_empty() {
        return None;
    }
    if month.len() != "YYYY-MM".len() || format!("{month}-01").parse::<Day>().is_err() {
        problems.push(|| "as_of_month".to_owned(), "must be a month, such as `2026-04`");
    }
    Some(month.to_owned()).filter(|month| *month != this_month_text())
}

fn this_month_text() -> String {
    let today = today();
    format!("{:04}-{:02}", today.year(), today.month())
}

fn told_driver(driver: &Driver, feature: &SourceFeature, employees: u32, answers: u32) -> v1::Driver {
    let numeric = matches!(feature.kind, FeatureKind::Numeric { .. });
    let (minimum, digits) = if feature.confidential { (answers, CONFIDENTIAL_DIGITS) } else { (employees, DIGITS) };
    v1::Driver {
        feature: feature.name.clone(),
        label: feature.label.clone(),
        family: family(feature.family).into(),
        mean_contribution_log_odds: driver.mean(),
        mean_strength_log_odds: driver.mean_strength(),
        raised_share: driver.raised_share(),
        actionable: feature.actionable,
        confidential: feature.confidential,
        mean_value: if numeric { driver.mean_value(u64::from(minimum), digits) } else { None },
    }
}
