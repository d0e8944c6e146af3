//! From what a token claims to a caller. The token's signature, issuer, audience and times were checked before.

use serde_json::{Map, Value};

use crate::access::caller::{Caller, Role, Scope, good_text};
use crate::access::refusal::Refusal;
use crate::config::IdentityProvider;
use crate::limits::MAX_SCOPE_UNITS;

/// Who a token says its bearer is.
pub(crate) fn caller(claims: &Map<String, Value>, provider: &IdentityProvider) -> Result<Caller, Refusal> {
    let role = role(claims.get(&provider.role_claim), provider)?;
    Ok(Caller {
        actor: subject(claims.get("sub"))?,
        role,
        scope: scope(claims, role, provider)?,
        standing_purpose: None,
    })
}

fn subject(claim: Option<&Value>) -> Result<String, Refusal> {
    let subject = claim.and_then(Value::as_str).ok_or(Refusal::Subject)?;
    if good_text(subject) && !Caller::is_own_actor(subject) { Ok(subject.to_owned()) } else { Err(Refusal::Subject) }
}

/// The one role among those named. With a table of groups, only groups that it has count: a group that happens to be called
/// `admin` at the provider gives nobody that role here.
fn role(claim: Option<&Value>, provider: &IdentityProvider) -> Result<Role, Refusal> {
    let names = texts(claim.ok_or(Refusal::Role)?).ok_or(Refusal::Role)?;
    let known = |name: &str| match &provider.groups {
        None => Role::parse(name),
        Some(groups) => Role::ALL.into_iter().find(|role| groups.of(*role) == Some(name)),
    };
    let mut roles = names.into_iter().filter_map(known);
    let role = roles.next().ok_or(Refusal::Role)?;
    // Several would need a rule for which one counts, and every rule would surprise somebody.
    if roles.all(|other| other == role) { Ok(role) } else { Err(Refusal::Role) }
}

fn scope(claims: &Map<String, Value>, role: Role, provider: &IdentityProvider) -> Result<Scope, Refusal> {
    if role == Role::Manager {
        let manager_id = claims.get(&provider.manager_id_claim).and_then(Value::as_str).filter(|id| good_text(id));
        return Ok(Scope::Reports { manager_id: manager_id.ok_or(Refusal::Scope)?.to_owned() });
    }
    let units = |claim: &str| match claims.get(claim) {
        None | Some(Value::Null) => Ok(Vec::new()),
        // A list without entries would mean "any" further on, and surely means "none" here.
        Some(value) => match texts(value) {
            Some(list)
                if !list.is_empty() && list.len() <= MAX_SCOPE_UNITS && list.iter().all(|text| good_text(text)) =>
            {
                Ok(list.into_iter().map(str::to_owned).collect())
            }
            _ => Err(Refusal::Scope),
        },
    };
    let (departments, locations): (Vec<String>, Vec<String>) =
        (units(&provider.departments_claim)?, units(&provider.locations_claim)?);
    if departments.is_empty() && locations.is_empty() {
        return Ok(Scope::All);
    }
    Ok(Scope::Units { departments, locations })
}

/// A text, or a list of nothing but texts.
fn texts(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(text) => Some(vec![text]),
        Value::Array(list) => list.iter().map(Value::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]
mod tests {
    use serde_json::json;

    use super::*;

    fn jwt(more: &str) -> IdentityProvider {
        let text = format!("issuer = 'i'\nalgorithm = 'ES256'\njwks_file = 'x'\n{more}");
        toml::from_str(&text).unwrap()
    }

    fn of(claims: Value, jwt: &IdentityProvider) -> Result<Caller, Refusal> {
        let Value::Object(claims) = claims else { panic!("{claims}") };
        caller(&claims, jwt)
    }

    #[test]
    fn claims_make_a_caller() {
        let units = |departments: &[&str], locations: &[&str]| {
            let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
            Scope::Units { departments: list(departments), locations: list(locations) }
        };
        let made = |role, scope| Ok(Caller { actor: "u".into(), role, scope, standing_purpose: None });
        let role = "flight_risk_role";
        for (claims, expected) in [
            (json!({"sub": "u", role: "hris"}), made(Role::Hris, Scope::All)),
            (json!({"sub": "u", role: ["staff", "auditor"]}), made(Role::Auditor, Scope::All)),
            (json!({"sub": "u", role: ["hris", "hris"]}), made(Role::Hris, Scope::All)),
            (
                json!({"sub": "u", role: "hr_partner", "flight_risk_departments": "Sales"}),
                made(Role::HrPartner, units(&["Sales"], &[])),
            ),
            (
                json!({"sub": "u", role: "hr_partner", "flight_risk_departments": ["A", "B"], "flight_risk_locations": ["X"]}),
                made(Role::HrPartner, units(&["A", "B"], &["X"])),
            ),
            (
                json!({"sub": "u", role: "manager", "flight_risk_manager_id": "m-1", "flight_risk_departments": ["A"]}),
                made(Role::Manager, Scope::Reports { manager_id: "m-1".into() }),
            ),
            (json!({"sub": "u"}), Err(Refusal::Role)),
            (json!({"sub": "u", role: "boss"}), Err(Refusal::Role)),
            (json!({"sub": "u", role: []}), Err(Refusal::Role)),
            (json!({"sub": "u", role: ["hris", 7]}), Err(Refusal::Role)),
            (json!({"sub": "u", role: ["hris", "admin"]}), Err(Refusal::Role)),
            (json!({"sub": "u", role: {"hris": true}}), Err(Refusal::Role)),
            (json!({"sub": "u", role: "manager"}), Err(Refusal::Scope)),
            (json!({"sub": "u", role: "manager", "flight_risk_manager_id": ""}), Err(Refusal::Scope)),
            (json!({"sub": "u", role: "manager", "flight_risk_manager_id": 7}), Err(Refusal::Scope)),
            (json!({"sub": "u", role: "hr_partner", "flight_risk_departments": []}), Err(Refusal::Scope)),
            (json!({"sub": "u", role: "hr_partner", "flight_risk_departments": [""]}), Err(Refusal::Scope)),
            (json!({"sub": "u", role: "hr_partner", "flight_risk_locations": 7}), Err(Refusal::Scope)),
            (json!({role: "hris"}), Err(Refusal::Subject)),
            (json!({"sub": "", role: "hris"}), Err(Refusal::Subject)),
            (json!({"sub": "a\nb", role: "hris"}), Err(Refusal::Subject)),
            (json!({"sub": "anybody", role: "hris"}), Err(Refusal::Subject)),
            (json!({"sub": "key:nightly", role: "hris"}), Err(Refusal::Subject)),
            (json!({"sub": "user:somebody", role: "hris"}), Err(Refusal::Subject)),
        ] {
            assert_eq!(of(claims.clone(), &jwt("")), expected, "{claims}");
        }
    }

    #[test]
    fn with_a_table_of_groups_only_these_groups_give_roles() {
        let jwt = jwt("role_claim = 'groups'\n[groups]\nhr_partner = 'HR Partners'\nanalyst = 'People Analytics'");
        let role = |groups: Value| of(json!({"sub": "u", "groups": groups}), &jwt).map(|caller| caller.role);
        assert_eq!(role(json!(["Staff", "HR Partners"])), Ok(Role::HrPartner));
        assert_eq!(role(json!(["admin", "hr_partner"])), Err(Refusal::Role));
        assert_eq!(role(json!(["People Analytics", "HR Partners"])), Err(Refusal::Role));
        assert!(
            toml::from_str::<IdentityProvider>("issuer = 'i'\nalgorithm = 'ES256'\ngroups = {boss = 'x'}").is_err()
        );
        assert!(toml::from_str::<IdentityProvider>("issuer = 'i'\nalgorithm = 'HS256'").is_err());
    }
}
