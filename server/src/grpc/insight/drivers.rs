//! ListDrivers.

use flight_risk_proto::v1;
use flight_risk_scoring::schema::{FeatureKind, SourceFeature};

use super::snapshot::Snapshots;
use crate::core::Core;
use crate::gate::Passed;
use crate::grpc::convert_score::family;
use crate::grpc::page_token::Binding;
use crate::grpc::status::ApiError;
use crate::grpc::violations::Violations;
use crate::insight::drivers::{Driver, Drivers, drawn};

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
    let reach = snapshot.names.reach(scope);
    let number = match &group {
        None if view.drivers.total => None,
        None => return Err(ApiError::GroupSuppressed),
        Some((dimension, name)) => {
            let number = snapshot.names.number(*dimension, name).filter(|&n| view.drivers.has(dimension.position(), n));
            Some((dimension.position(), number.ok_or(ApiError::GroupSuppressed)?))
        }
    };
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
    let members = drawn(within.map(|person| person.seq).collect());

    let scorer = core.active.load_full();
    if scorer.artifact().model_version() != snapshot.model_version {
        // Another model became active a moment ago.
        return Err(ApiError::GroupSuppressed);
    }
    let features = scorer.schema().features();
    let mut drivers = Drivers::new(features.len());
    let added = core.store.score_parts(&members, |values, contributions| drivers.add(values, contributions)).await;
    added.map_err(|_| ApiError::StoreUnavailable)?;
    if drivers.members() < u64::from(snapshot.minimum) {
        // Somebody was erased, or scored anew, since the snapshot.
        return Err(ApiError::GroupSuppressed);
    }
    let first = after.and_then(|bytes| <[u8; 8]>::try_from(bytes).ok()).map_or(0, u64::from_le_bytes) as usize;
    let told: Vec<(Driver, &SourceFeature)> = drivers
        .ranked()
        .into_iter()
        .filter_map(|driver| Some((driver, features.get(driver.feature)?)))
        .filter(|(_, feature)| passed.fields.confidential_drivers || !feature.confidential)
        .collect();
    let end = first.saturating_add(size);
    let next = (end < told.len()).then(|| binding.seal(core.store.token_key(), &(end as u64).to_le_bytes()));
    let groups = &core.config.groups;
    let shown = told.iter().skip(first).take(size);
    Ok(v1::ListDriversResponse {
        drivers: shown
            .map(|(driver, feature)| told_driver(driver, feature, groups.minimum_employees, groups.minimum_answers))
            .collect(),
        employees,
        next_page_token: next.unwrap_or_default(),
    })
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
