//! Identity providers: one set of rules for the tokens that callers of the API bring and for those with which people sign in to the
//! console.
//!
//! What is flattened here cannot refuse unknown keys by itself; the table of keys does.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::access::caller::Role;

/// Tokens that callers of the API bring from an identity provider (RFC 7519).
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Jwt {
    /// The `aud` that tokens must have.
    pub audience: String,
    /// Who signs them, and what they say of their bearers.
    #[serde(flatten)]
    pub provider: IdentityProvider,
}

/// An identity provider: whose tokens count, and what they say of their bearers.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct IdentityProvider {
    /// The `iss` that tokens must have.
    pub issuer: String,
    /// RS256, ES256 or EdDSA: what tokens must be signed with, whatever they say.
    pub algorithm: JwtAlgorithm,
    /// The provider's public keys (JWKS), as a file; this or `jwks_url`. Read again when the file changes.
    pub jwks_file: Option<PathBuf>,
    /// The provider's public keys, as an https address. Asked again every ten minutes, and when a token names an unknown key.
    pub jwks_url: Option<String>,
    /// Who vouches for the certificate of `jwks_url` (PEM); absent: whom this machine trusts.
    pub jwks_ca: Option<PathBuf>,
    /// The claim that names the role, as a text or among a list of texts; exactly one role must be named.
    #[serde(default = "IdentityProvider::default_role_claim")]
    pub role_claim: String,
    /// The claim with the departments that the bearer may see, a text or a list; absent from a token: all.
    #[serde(default = "IdentityProvider::default_departments_claim")]
    pub departments_claim: String,
    /// The claim with the locations that the bearer may see, a text or a list; absent from a token: all.
    #[serde(default = "IdentityProvider::default_locations_claim")]
    pub locations_claim: String,
    /// The claim with a manager's own employee id; a manager's token without it is refused.
    #[serde(default = "IdentityProvider::default_manager_id_claim")]
    pub manager_id_claim: String,
    /// The provider's names of groups, where the role claim holds groups rather than roles: then only these count.
    pub groups: Option<JwtGroups>,
}

impl IdentityProvider {
    fn default_role_claim() -> String {
        "flight_risk_role".to_owned()
    }

    fn default_departments_claim() -> String {
        "flight_risk_departments".to_owned()
    }

    fn default_locations_claim() -> String {
        "flight_risk_locations".to_owned()
    }

    fn default_manager_id_claim() -> String {
        "flight_risk_manager_id".to_owned()
    }
}

/// How tokens are signed. Only with key pairs: whoever can check a token with a shared secret can also make one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum JwtAlgorithm {
    /// RSA with PKCS#1 v1.5 and SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl JwtAlgorithm {
    /// The name in tokens (RFC 7518).
    pub fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }
}

/// The provider's groups that have a role here; a role without a group is nobody's.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct JwtGroups {
    /// The group of the human-resources information systems.
    pub hris: Option<String>,
    /// That of the HR partners.
    pub hr_partner: Option<String>,
    /// That of the managers.
    pub manager: Option<String>,
    /// That of the people analysts.
    pub analyst: Option<String>,
    /// That of the auditors.
    pub auditor: Option<String>,
    /// That of the administrators.
    pub admin: Option<String>,
}

impl JwtGroups {
    /// The group of a role.
    pub fn of(&self, role: Role) -> Option<&str> {
        match role {
            Role::Hris => self.hris.as_deref(),
            Role::HrPartner => self.hr_partner.as_deref(),
            Role::Manager => self.manager.as_deref(),
            Role::Analyst => self.analyst.as_deref(),
            Role::Auditor => self.auditor.as_deref(),
            Role::Admin => self.admin.as_deref(),
        }
    }
}
