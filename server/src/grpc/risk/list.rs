//! ListAtRiskEmployees: pages of employees by risk.

use flight_risk_proto::v1;
use flight_risk_scoring::scorer::Band;
use prost::Message;
use serde::{Deserialize, Serialize};

use crate::access::caller::Scope;
use crate::audit::Decision;
use crate::clock::now_micros;
use crate::core::Core;
use crate::gate::Passed;
use crate::grpc::filter::Filter;
use crate::grpc::page_token::{Binding, page_size};
use crate::grpc::risk::capacity::outlook;
use crate::grpc::risk::employee_risk::{Besides, employee_risk, recommended};
use crate::grpc::risk::order::{BAND, CHANGE_TIME, LIST_FIELDS, PROBABILITY, order};
use crate::grpc::status::{ApiError, grown};
use crate::grpc::violations::Violations;
use crate::limits::{DEFAULT_LIST_FACTORS, MAX_CAPACITY, MAX_LIST_FACTORS};
use crate::store::changes::{AMONG_CHANGED, CHANGED};
use crate::store::conditions::Conditions;
use crate::store::db::Param;
use crate::store::lists::{Key, ListQuery, Listed, Order, Snapshot};
use crate::store::reading::{Candidate, Reading};
use crate::store::stored_score::{band_number, stale_before};

/// Where a list goes on.
#[derive(Debug, Serialize, Deserialize)]
struct Position {
    /// Number of the last score of the snapshot, and when it was taken.
    seq: i64,
    at: i64,
    /// The last row: the bits of its risk or its time, and the employee.
    risk: Option<u64>,
    time: Option<i64>,
    employee_id: String,
    /// Rows of all pages so far.
    told: usize,
}

/// A checked request.
struct Asked {
    filter: Filter,
    order: Order,
    page_size: usize,
    capacity: Option<usize>,
    max_factors: usize,
    all_bands: bool,
    binding: Binding,
    position: Option<Position>,
}

/// A page of the list.
pub(super) async fn list(
    core: &Core,
    passed: &Passed,
    request: v1::ListAtRiskEmployeesRequest,
) -> Result<v1::ListAtRiskEmployeesResponse, ApiError> {
    let mut asked = checked(core, passed, request)?;
    let (snapshot, after, told) = match asked.position {
        None => (core.store.snapshot(now_micros()).await?, None, 0),
        Some(position) => (Snapshot { seq: position.seq, at: position.at }, Some(position.row()), position.told),
    };
    asked.filter.old_before(stale_before(snapshot.at, core.config.store.stale_after_days));
    let changed_from = asked.filter.take_from(CHANGE_TIME);
    let band = asked.filter.number_of(BAND);
    let at_risk_only = match band {
        None => !asked.all_bands,
        Some(band) => band >= band_number(Band::Elevated),
    };
    let scope = &passed.caller.scope;
    let abstained = band == Some(band_number(Band::Abstained));
    let candidates = candidates(scope, &asked.filter, abstained);
    let mut reading = core.store.reading(&candidates, asked.order, at_risk_only).await?;
    let mut changed = CHANGED;
    if let Some(from) = changed_from
        && !matches!(reading, Reading::Few(_))
        && core.store.few_changes(from, snapshot.at).await?
    {
        (reading, changed) = (Reading::Few("employee_id"), AMONG_CHANGED);
    }
    let mut conditions = Conditions::default();
    scope.restrict_columns(|column| reading.column(column, asked.order), &mut conditions);
    asked.filter.restrict_columns(|column| reading.column(column, asked.order), &mut conditions);
    if asked.filter.names(PROBABILITY) {
        conditions.add("s.band <> 0", []);
    }
    if abstained {
        // The same, as the index has it.
        conditions.add(&format!("{} < 0", reading.column("risk", asked.order)), []);
    }
    if let Some(from) = changed_from {
        // Those told later are no part of what the list shows.
        conditions.add(changed, [Param::from(from), Param::from(snapshot.at)]);
    }
    let query = ListQuery { snapshot, conditions, at_risk_only, order: asked.order, reading };
    let room = asked.capacity.map_or(usize::MAX, |capacity| capacity.saturating_sub(told));
    let size = asked.page_size.min(room);
    // One row more tells whether there is another page.
    let mut rows = core.store.page(&query, after.as_ref(), size + 1).await?;
    let mut more = rows.len() > size && size < room;
    rows.truncate(size);
    let capacity = match asked.capacity.filter(|_| told == 0) {
        None => None,
        Some(capacity) => {
            let risks = core.store.risks(&query, capacity).await?;
            Some(outlook(&risks, core.store.expected_leavers(scope).await?))
        }
    };
    let (employees, fitting) = employees(core, passed, &rows, asked.max_factors).await?;
    more |= fitting < rows.len();
    rows.truncate(fitting);
    let next_page_token = match rows.last().filter(|_| more) {
        None => String::new(),
        Some(last) => {
            let position = Position::after(last, snapshot, told + rows.len());
            let content = serde_json::to_vec(&position).map_err(|_| ApiError::StoreUnavailable)?;
            asked.binding.seal(core.store.token_key(), &content)?
        }
    };
    let ids: Vec<&str> = employees.iter().map(|employee| employee.employee_id.as_str()).collect();
    core.gate.record(passed, &ids, &version(&employees), Decision::Allowed).await?;
    Ok(v1::ListAtRiskEmployeesResponse { employees, next_page_token, capacity })
}

/// The conditions of a list from which its rows may be found.
fn candidates(scope: &Scope, filter: &Filter, abstained: bool) -> Vec<Candidate> {
    let one_of = |column, texts: &[String]| {
        let mut condition = Conditions::default();
        condition.one_of(&format!("s.{column}"), texts);
        Candidate { column, is_one_value: texts.len() == 1, condition }
    };
    let mut candidates: Vec<Candidate> = filter
        .conditions("s")
        .map(|(column, is_one_value, condition)| Candidate { column, is_one_value, condition })
        .collect();
    match scope {
        Scope::All => {}
        Scope::Units { departments, locations } => {
            let lists = [("department", departments), ("location", locations)];
            candidates
                .extend(lists.into_iter().filter(|(_, list)| !list.is_empty()).map(|(name, list)| one_of(name, list)));
        }
        Scope::Reports { manager_id } => candidates.push(one_of("manager_id", std::slice::from_ref(manager_id))),
    }
    if abstained {
        let mut condition = Conditions::default();
        condition.add("s.risk < 0", []);
        candidates.push(Candidate { column: "risk", is_one_value: false, condition });
    }
    candidates
}

/// The employees of these rows, and how many rows they stand for: as many as a message can carry. Rows that were erased meanwhile
/// are left out.
async fn employees(
    core: &Core,
    passed: &Passed,
    rows: &[Listed],
    max_factors: usize,
) -> Result<(Vec<v1::EmployeeRisk>, usize), ApiError> {
    let numbers: Vec<i64> = rows.iter().map(|row| row.seq).collect();
    let scores = core.store.scores(&numbers).await?;
    let mut besides = Besides::of(core, &scores, passed.fields).await?;
    let mut scores = scores.into_iter().peekable();
    let mut employees = Vec::with_capacity(rows.len());
    let mut bytes = 0;
    for (index, row) in rows.iter().enumerate() {
        let Some(score) = scores.next_if(|score| score.record.seq == row.seq) else { continue };
        let recommended = match besides.has_begun(&row.employee_id) {
            true => Vec::new(),
            false => recommended(core, &score, passed.fields, 1).await?,
        };
        let beside = besides.take(&score.record, recommended.first());
        let employee = employee_risk(core, score, passed.fields, max_factors, beside).await?;
        match grown(bytes, employee.encoded_len()) {
            Some(more) => bytes = more,
            None => return Ok((employees, index)),
        }
        employees.push(employee);
    }
    Ok((employees, rows.len()))
}

/// The model version of a page for the audit log.
fn version(employees: &[v1::EmployeeRisk]) -> String {
    let mut versions: Vec<&str> = employees.iter().map(|employee| employee.model_version.as_str()).collect();
    versions.sort_unstable();
    versions.dedup();
    versions.join(" ")
}

impl Position {
    fn after(last: &Listed, snapshot: Snapshot, told: usize) -> Self {
        let (risk, time) = match last.key {
            Key::Employee => (None, None),
            Key::Risk(risk) => (Some(risk.to_bits()), None),
            Key::Time(time) => (None, Some(time)),
        };
        Self { seq: snapshot.seq, at: snapshot.at, risk, time, employee_id: last.employee_id.clone(), told }
    }

    fn row(&self) -> Listed {
        let key = match (self.risk, self.time) {
            (Some(bits), _) => Key::Risk(f64::from_bits(bits)),
            (None, Some(time)) => Key::Time(time),
            (None, None) => Key::Employee,
        };
        Listed { seq: 0, employee_id: self.employee_id.clone(), key }
    }
}

fn checked(core: &Core, passed: &Passed, request: v1::ListAtRiskEmployeesRequest) -> Result<Asked, ApiError> {
    let mut problems = Violations::default();
    let numbers = passed.fields.numbers;
    let filter = Filter::read(&request.filter, LIST_FIELDS, &mut problems);
    let order = order(&request.order_by, &mut problems);
    let page_size = page_size(request.page_size, &mut problems);
    let capacity = request.capacity.and_then(|capacity| {
        let within = usize::try_from(capacity).ok().filter(|capacity| (1..=MAX_CAPACITY).contains(capacity));
        if within.is_none() {
            problems.push(|| "capacity".to_owned(), format!("must be 1 to {MAX_CAPACITY}, got {capacity}"));
        }
        within
    });
    let max_factors = request.max_factors.map_or(DEFAULT_LIST_FACTORS, |count| count as usize);
    if max_factors > MAX_LIST_FACTORS {
        problems.push(|| "max_factors".to_owned(), format!("must be 0 to {MAX_LIST_FACTORS}, got {max_factors}"));
    }
    if !numbers {
        withheld(&request, &filter, order, &mut problems);
    }
    let fixed = v1::ListAtRiskEmployeesRequest {
        page_token: String::new(),
        page_size: 0,
        purpose: String::new(),
        ..request.clone()
    };
    let binding = Binding::page(passed, &fixed);
    let content = binding.open_page(core.store.token_key(), &request.page_token, &mut problems);
    if !problems.is_empty() {
        return Err(ApiError::Invalid(problems));
    }
    // What is sealed was written here; a token of an older version begins anew.
    let position = content.and_then(|content| serde_json::from_slice(&content).ok());
    let usual = if numbers { Order::RiskDown } else { Order::EmployeeUp };
    Ok(Asked {
        filter,
        order: order.unwrap_or(usual),
        page_size,
        capacity,
        max_factors,
        // Who is listed as at risk would tell the band.
        all_bands: request.all_bands || !numbers,
        binding,
        position,
    })
}

/// What would tell numbers to those who may not see them.
fn withheld(
    request: &v1::ListAtRiskEmployeesRequest,
    filter: &Filter,
    order: Option<Order>,
    problems: &mut Violations,
) {
    const WHY: &str = "numbers are withheld from you, and this would tell them";
    if [BAND, PROBABILITY, CHANGE_TIME].iter().any(|field| filter.names(field)) {
        let what = format!("`{BAND}`, `{PROBABILITY}` and `{CHANGE_TIME}` cannot be used: {WHY}");
        problems.push(|| "filter".to_owned(), what);
    }
    if order.is_some_and(|order| !matches!(order, Order::EmployeeUp | Order::EmployeeDown)) {
        problems
            .push(|| "order_by".to_owned(), format!("only `employee_id` and `employee_id desc` can be used: {WHY}"));
    }
    if request.capacity.is_some() {
        problems.push(|| "capacity".to_owned(), format!("cannot be used: {WHY}"));
    }
}
