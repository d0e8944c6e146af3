//! The public keys of an identity provider (JWKS, RFC 7517), from a file or an https address: read again now and then, and when
//! a token names a key that is not among them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use hyper::Uri;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::access::web::{self, AddressError, AskError, WebClient};
use crate::config::{IdentityProvider, JwtAlgorithm};
use crate::limits::{
    JWKS_DEADLINE, JWKS_FILE_INTERVAL, JWKS_FILE_RETRY, JWKS_URL_INTERVAL, JWKS_URL_RETRY, MAX_JWKS_BYTES,
};
use crate::tls::TlsError;

/// Why the provider's keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JwksError {
    /// Neither or both of the two places are given.
    #[error("one of jwks_file and jwks_url is needed, where the identity provider's public keys are")]
    Place,
    /// The address cannot be used.
    #[error("jwks_url: {0}")]
    Url(#[from] AddressError),
    /// The certificates that vouch for the provider.
    #[error("jwks_ca: {0}")]
    Trust(#[from] TlsError),
    /// The file cannot be read.
    #[error("jwks_file: {path}: {source}", path = path.display())]
    File {
        /// Where it should lie.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The provider does not answer as it should.
    #[error("the identity provider does not give its keys: {0}")]
    Fetch(#[from] AskError),
    /// What was read is no set of keys.
    #[error("the identity provider's keys are no JWKS: {0}")]
    Form(#[from] serde_json::Error),
    /// Keys, but none that signs as configured.
    #[error("the identity provider's keys have none for {0} signatures")]
    NoneFits(&'static str),
}

/// Where the keys are.
enum Source {
    File(PathBuf),
    Url { client: Box<WebClient>, uri: Uri },
}

/// How often the source is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pauses {
    /// Anyway.
    pub(crate) interval: Duration,
    /// At most, for keys that are not known.
    pub(crate) retry: Duration,
}

/// The keys that sign tokens.
pub(crate) struct Signers {
    source: Source,
    algorithm: JwtAlgorithm,
    pauses: Pauses,
    current: ArcSwap<KeySet>,
    /// When the source was last asked; held while it is.
    asked: Mutex<Option<Instant>>,
}

impl Signers {
    /// The keys of the provider that the configuration names. A file is read at once; an address is asked when it is needed, so
    /// that the server begins to serve while the provider is down.
    ///
    /// # Errors
    /// [`JwksError`] for what an administrator must put right.
    pub(crate) async fn open(provider: &IdentityProvider) -> Result<Self, JwksError> {
        let (source, pauses) = match (&provider.jwks_file, &provider.jwks_url) {
            (Some(path), None) => {
                let pauses = Pauses { interval: JWKS_FILE_INTERVAL, retry: JWKS_FILE_RETRY };
                (Source::File(path.clone()), pauses)
            }
            (None, Some(url)) => {
                let pauses = Pauses { interval: JWKS_URL_INTERVAL, retry: JWKS_URL_RETRY };
                let client = WebClient::new(provider.jwks_ca.as_deref());
                (Source::Url { uri: web::address(url)?, client: Box::new(client?) }, pauses)
            }
            (None, None) | (Some(_), Some(_)) => return Err(JwksError::Place),
        };
        let current = ArcSwap::from_pointee(KeySet::default());
        let signers = Self { source, algorithm: provider.algorithm, pauses, current, asked: Mutex::new(None) };
        if matches!(signers.source, Source::File(_)) {
            signers.read().await?;
        }
        Ok(signers)
    }

    /// With other pauses, for tests that cannot wait for minutes.
    #[cfg(test)]
    pub(crate) fn with_pauses(self, pauses: Pauses) -> Self {
        Self { pauses, ..self }
    }

    /// The keys as they are known now.
    pub(crate) fn current(&self) -> Arc<KeySet> {
        self.current.load_full()
    }

    /// The keys after the source was asked again, unless it was asked a moment ago: tokens with keys that nobody knows must not
    /// make this server a nuisance to the provider.
    pub(crate) async fn renewed(&self) -> Arc<KeySet> {
        let mut asked = self.asked.lock().await;
        if asked.is_none_or(|at| at.elapsed() >= self.pauses.retry) {
            self.ask(&mut asked).await;
        }
        self.current()
    }

    /// Asks the source from time to time, without end.
    pub(crate) async fn keep_up(&self) {
        loop {
            self.ask(&mut *self.asked.lock().await).await;
            tokio::time::sleep(self.pauses.interval).await;
        }
    }

    /// While the source does not give any, the keys of before are kept.
    async fn ask(&self, asked: &mut Option<Instant>) {
        if let Err(error) = self.read().await {
            tracing::warn!(%error, "the keys that sign tokens stay as they were");
        }
        *asked = Some(Instant::now());
    }

    async fn read(&self) -> Result<(), JwksError> {
        let bytes = match &self.source {
            Source::File(path) => file(path).await?,
            Source::Url { client, uri } => client.get(uri, MAX_JWKS_BYTES, JWKS_DEADLINE).await?,
        };
        let before = self.current.load();
        if before.bytes != bytes {
            let set = KeySet::parse(bytes, self.algorithm, before.generation + 1)?;
            tracing::info!(keys = set.keys.len(), "the keys that sign tokens were read");
            self.current.store(Arc::new(set));
        }
        Ok(())
    }
}

async fn file(path: &Path) -> Result<Vec<u8>, JwksError> {
    let at = |source| JwksError::File { path: path.to_owned(), source };
    let size = tokio::fs::metadata(path).await.map_err(at)?.len();
    if size > MAX_JWKS_BYTES as u64 {
        return Err(at(std::io::Error::other(format!("larger than {MAX_JWKS_BYTES} bytes"))));
    }
    tokio::fs::read(path).await.map_err(at)
}

/// Whether a file holds keys for such signatures.
///
/// # Errors
/// [`JwksError`] says what is wrong with it.
pub(crate) fn check_file(path: &Path, algorithm: JwtAlgorithm) -> Result<(), JwksError> {
    let bytes = std::fs::read(path).map_err(|source| JwksError::File { path: path.to_owned(), source })?;
    KeySet::parse(bytes, algorithm, 0).map(|_| ())
}

/// Keys that fit the configured algorithm.
#[derive(Default)]
pub(crate) struct KeySet {
    keys: Vec<Signer>,
    bytes: Vec<u8>,
    /// Counts changes.
    pub(crate) generation: u64,
}

struct Signer {
    id: Option<String>,
    key: DecodingKey,
}

impl KeySet {
    fn parse(bytes: Vec<u8>, algorithm: JwtAlgorithm, generation: u64) -> Result<Self, JwksError> {
        // Keys of kinds that are not known here are the provider's business: each is read by itself.
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<serde_json::Value>,
        }
        let set: Set = serde_json::from_slice(&bytes)?;
        let keys = set.keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
        let keys: Vec<Signer> = keys.filter(|key| fits(key, algorithm)).filter_map(signer).collect();
        if keys.is_empty() {
            return Err(JwksError::NoneFits(algorithm.name()));
        }
        Ok(Self { keys, bytes, generation })
    }

    /// The key that a token names. A token that names none is taken only where there is but one key.
    pub(crate) fn find(&self, id: Option<&str>) -> Option<&DecodingKey> {
        match (id, self.keys.as_slice()) {
            (None, [only]) => Some(&only.key),
            (None, _) => None,
            (Some(id), keys) => keys.iter().find(|signer| signer.id.as_deref() == Some(id)).map(|signer| &signer.key),
        }
    }
}

fn signer(key: Jwk) -> Option<Signer> {
    let decoding = DecodingKey::from_jwk(&key).ok()?;
    Some(Signer { id: key.common.key_id, key: decoding })
}

/// Whether a key is made for such signatures, by its kind and by what it says of itself. A secret (`oct`) never is: with a
/// public key taken for a secret, anybody could sign.
fn fits(key: &Jwk, algorithm: JwtAlgorithm) -> bool {
    let kind = match (&key.algorithm, algorithm) {
        (AlgorithmParameters::RSA(_), JwtAlgorithm::Rs256) => true,
        (AlgorithmParameters::EllipticCurve(key), JwtAlgorithm::Es256) => key.curve == EllipticCurve::P256,
        (AlgorithmParameters::OctetKeyPair(key), JwtAlgorithm::EdDsa) => key.curve == EllipticCurve::Ed25519,
        _ => false,
    };
    let stated = match algorithm {
        JwtAlgorithm::Rs256 => KeyAlgorithm::RS256,
        JwtAlgorithm::Es256 => KeyAlgorithm::ES256,
        JwtAlgorithm::EdDsa => KeyAlgorithm::EdDSA,
    };
    let signs = key.common.public_key_use.as_ref().is_none_or(|of| *of == PublicKeyUse::Signature);
    kind && signs && key.common.key_algorithm.is_none_or(|own| own == stated)
}
