//! Keys of an identity provider, and tokens signed with them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

/// A key of the provider.
pub(crate) struct Key {
    pub(crate) id: &'static str,
    pub(crate) algorithm: Algorithm,
    pub(crate) secret: EncodingKey,
    pub(crate) pair: rcgen::KeyPair,
}

impl Key {
    /// A fresh one.
    pub(crate) fn new(id: &'static str, algorithm: Algorithm) -> Self {
        let pair = rcgen::KeyPair::generate_for(match algorithm {
            Algorithm::RS256 => &rcgen::PKCS_RSA_SHA256,
            Algorithm::ES256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            Algorithm::EdDSA => &rcgen::PKCS_ED25519,
            other => panic!("{other:?}"),
        })
        .unwrap();
        let der = pair.serialized_der();
        let secret = match algorithm {
            // Within PKCS#8, after 26 bytes that say what it is, lies the key in the form of PKCS#1 (RFC 5958, RFC 8017).
            Algorithm::RS256 => EncodingKey::from_rsa_der(&der[26..]),
            Algorithm::ES256 => EncodingKey::from_ec_der(der),
            _ => EncodingKey::from_ed_der(der),
        };
        Self { id, algorithm, secret, pair }
    }

    /// Its public half.
    pub(crate) fn jwk(&self) -> Value {
        let raw = self.pair.public_key_raw();
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self.algorithm {
            // An uncompressed point: 4, x, y.
            Algorithm::ES256 => {
                json!({"kty": "EC", "crv": "P-256", "kid": self.id, "use": "sig", "x": encode(&raw[1..33]), "y": encode(&raw[33..])})
            }
            Algorithm::EdDSA => json!({"kty": "OKP", "crv": "Ed25519", "kid": self.id, "x": encode(raw)}),
            _ => {
                let mut jwk =
                    serde_json::to_value(Jwk::from_encoding_key(&self.secret, self.algorithm).unwrap()).unwrap();
                jwk["kid"] = json!(self.id);
                jwk
            }
        }
    }

    /// A token with its signature.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.sign_as(Header { kid: Some(self.id.into()), ..Header::new(self.algorithm) }, claims)
    }

    /// A token with this header and its signature.
    pub(crate) fn sign_as(&self, header: Header, claims: &Value) -> String {
        jsonwebtoken::encode(&header, claims, &self.secret).unwrap()
    }
}
