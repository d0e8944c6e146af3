//! What became of those who were scored: exits reported, realised calibration, and those acted on beside those not.

use std::sync::Arc;

use flight_risk_proto::v1;

use super::visible;
use crate::access::caller::Scope;
use crate::clock::{MICROS_PER_DAY, now_micros, timestamp, today};
use crate::core::Core;
use crate::gate::Passed;
use crate::grpc::insight::MANY;
use crate::grpc::once::{self, Once};
use crate::grpc::status::ApiError;
use crate::grpc::violations::Violations;
use crate::outcomes::calibration::{self as judging, Group, Judged, Outcome};
use crate::outcomes::comparison::{CAVEAT, FollowUp, Side, follow, side};
use crate::store::exits::{NewExit, report_exit as keep_exit, withdraw_exit as take_exit_back};
use crate::store::outcomes::joined_scores;
use crate::store::{Store, Telling};

/// Months that are compared unless said otherwise.
pub(crate) const USUAL_MONTHS: u32 = 12;
/// Most months that can be compared.
const MAX_MONTHS: u32 = 36;
/// An exit is reported this long before it at most, in days; what is further away is a slip.
const MAX_DAYS_AHEAD: i32 = 366;

/// Who left, by the name of the resource.
fn employee_of<'a>(name: &'a str, problems: &mut Violations) -> &'a str {
    let employee_id = name.strip_prefix("employees/").unwrap_or_default();
    if problems.text(|| "employee".to_owned(), employee_id) && employee_id.is_empty() {
        problems.push(|| "employee".to_owned(), "must be `employees/{employee_id}`");
    }
    employee_id
}

/// An exit.
pub(super) async fn report_exit(
    core: &Core,
    passed: &Passed,
    request: v1::ReportExitRequest,
) -> Result<v1::ReportExitResponse, ApiError> {
    let mut problems = Violations::default();
    problems.text(|| "request_id".to_owned(), &request.request_id);
    let employee_id = employee_of(&request.employee, &mut problems);
    let day = problems.date(|| "exit_date".to_owned(), &request.exit_date);
    if day.is_some_and(|day| day.days_since(today()) > MAX_DAYS_AHEAD) {
        problems.push(|| "exit_date".to_owned(), "more than a year ahead; report the exit when it is near");
    }
    let exit_type = v1::ExitType::try_from(request.exit_type).ok().filter(|&kind| kind != v1::ExitType::Unspecified);
    if exit_type.is_none() {
        problems
            .push(|| "exit_type".to_owned(), "required: VOLUNTARY, INVOLUNTARY, RETIREMENT, END_OF_CONTRACT or OTHER");
    }
    let Some((day, exit_type)) = day.zip(exit_type).filter(|_| problems.is_empty()) else {
        return Err(ApiError::Invalid(problems));
    };
    visible::employee(core, passed, employee_id).await?;
    match once::begin_about(core, passed, employee_id, &request.request_id, &request).await? {
        Once::Answered(response) => Ok(response),
        Once::New(mut write) => {
            let exit = NewExit { employee_id, day, exit_type: i64::from(exit_type as i32), at: now_micros() };
            keep_exit(write.tx(), &exit).await?;
            let joined_scores = joined_scores(write.tx(), employee_id).await?;
            once::finish(write, v1::ReportExitResponse { joined_scores }).await
        }
    }
}

/// An exit that was none.
pub(super) async fn withdraw_exit(
    core: &Core,
    passed: &Passed,
    request: v1::WithdrawExitRequest,
) -> Result<v1::WithdrawExitResponse, ApiError> {
    let mut problems = Violations::default();
    problems.text(|| "request_id".to_owned(), &request.request_id);
    let employee_id = employee_of(&request.employee, &mut problems);
    if !problems.is_empty() {
        return Err(ApiError::Invalid(problems));
    }
    visible::employee(core, passed, employee_id).await?;
    match once::begin_about(core, passed, employee_id, &request.request_id, &request).await? {
        Once::Answered(response) => Ok(response),
        Once::New(mut write) => {
            let telling = Telling::from(&core.config.risk);
            let withdrawn = take_exit_back(write.tx(), employee_id, now_micros(), telling).await?;
            let listed = withdrawn.ok_or(ApiError::ExitNotFound)?;
            once::finish(write, v1::WithdrawExitResponse { listed }).await
        }
    }
}

/// Those acted on beside those not.
pub(super) async fn compare(
    core: &Core,
    passed: &Passed,
    request: v1::CompareActedOnRequest,
) -> Result<v1::CompareActedOnResponse, ApiError> {
    let months = match request.months {
        0 => USUAL_MONTHS,
        months @ 1..=MAX_MONTHS => months,
        months => {
            let mut problems = Violations::default();
            problems.push(|| "months".to_owned(), format!("must be 1 to {MAX_MONTHS}, got {months}"));
            return Err(ApiError::Invalid(problems));
        }
    };
    // It takes as long as there are scores of the past: many are gone through behind the scenes when something changed.
    let (key, rows) = (format!("{months} {:?}", passed.caller.scope), core.store.most_scores().await?);
    let minimum = core.config.groups.minimum_employees;
    let work = compared(Arc::clone(&core.store), minimum, passed.caller.scope.clone(), months);
    if rows < MANY {
        return work.await;
    }
    let told = core.insight.comparisons.get(key, core.insight.number_with_actions(), rows, work).await?;
    Ok(told.as_ref().clone())
}

/// Worked out anew.
pub(crate) async fn compared(
    store: Arc<Store>,
    minimum: u32,
    scope: Scope,
    months: u32,
) -> Result<v1::CompareActedOnResponse, ApiError> {
    let read_time = Some(timestamp(now_micros()));
    let (today, scope) = (today(), &scope);
    let since = today.plus_months(-i32::try_from(months).unwrap_or_default());
    let acted = store.acted_on(i64::from(since.epoch_days()) * MICROS_PER_DAY, scope).await?;
    let acted: Vec<FollowUp> = acted.iter().filter_map(|(from, score)| follow(score, *from, today)).collect();
    let mut others: Vec<FollowUp> = Vec::new();
    store.not_acted_on(since, scope, |score| others.extend(follow(&score, score.as_of, today))).await?;
    let fewest = usize::try_from(minimum).unwrap_or(usize::MAX);
    Ok(v1::CompareActedOnResponse {
        acted_on: side(&acted, fewest).map(acted_on_group),
        not_acted_on: side(&others, fewest).map(acted_on_group),
        caveat: CAVEAT.to_owned(),
        minimum_group_size: minimum,
        read_time,
    })
}

fn acted_on_group(side: Side) -> v1::ActedOnGroup {
    v1::ActedOnGroup {
        employees: side.employees,
        expected_exits: side.expected,
        observed_exits: side.observed,
        ratio: side.ratio,
        ratio_low: side.ratio_low,
        ratio_high: side.ratio_high,
    }
}

/// How the risks of the past compare with what happened.
pub(super) async fn calibration(
    core: &Core,
    passed: &Passed,
    request: v1::GetRealizedCalibrationRequest,
) -> Result<v1::GetRealizedCalibrationResponse, ApiError> {
    let version = match request.model.as_str() {
        "" => None,
        name => Some(model_version(name)?.to_owned()),
    };
    let (key, rows) = (format!("{version:?} {:?}", passed.caller.scope), core.store.most_scores().await?);
    let minimum = core.config.groups.minimum_employees;
    let work = calibrated(Arc::clone(&core.store), minimum, passed.caller.scope.clone(), version);
    if rows < MANY {
        return work.await;
    }
    let told = core.insight.calibrations.get(key, core.insight.number(), rows, work).await?;
    Ok(told.as_ref().clone())
}

/// Worked out anew.
pub(crate) async fn calibrated(
    store: Arc<Store>,
    minimum: u32,
    scope: Scope,
    version: Option<String>,
) -> Result<v1::GetRealizedCalibrationResponse, ApiError> {
    let read_time = Some(timestamp(now_micros()));
    let today = today();
    let mut judged = Vec::new();
    let mut pending = 0;
    store
        .past_scores(version.as_deref(), &scope, |employee, score| match judging::outcome(&score, today) {
            Outcome::Left => judged.push(Judged { risk: score.risk, left: true, employee }),
            Outcome::Stayed => judged.push(Judged { risk: score.risk, left: false, employee }),
            Outcome::Pending => pending += 1,
            Outcome::Censored => {}
        })
        .await?;
    let minimum = usize::try_from(minimum).unwrap_or(usize::MAX);
    let (total, groups) = judging::groups(judged, minimum);
    Ok(v1::GetRealizedCalibrationResponse {
        total: total.map(calibration_group),
        groups: groups.into_iter().map(calibration_group).collect(),
        pending,
        read_time,
    })
}

fn model_version(name: &str) -> Result<&str, ApiError> {
    let fits = |version: &&str| !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_alphanumeric());
    name.strip_prefix("models/").filter(fits).ok_or_else(|| {
        let mut problems = Violations::default();
        problems.push(|| "model".to_owned(), "must be `models/{version}`, or empty for all models");
        ApiError::Invalid(problems)
    })
}

fn calibration_group(group: Group) -> v1::CalibrationGroup {
    v1::CalibrationGroup {
        scores: group.scores,
        predicted: group.predicted,
        observed: group.observed,
        observed_low: group.observed_low,
        observed_high: group.observed_high,
    }
}
