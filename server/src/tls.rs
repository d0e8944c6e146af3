//! Encryption: the one provider of cryptography of the process, the server's certificate, and whom this server trusts as a
//! client.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::Tls;
use crate::limits::CERTIFICATE_INTERVAL;

/// The protocol that gRPC speaks, as clients and servers agree on it (RFC 7301).
const ALPN_HTTP2: &[u8] = b"h2";
/// The protocol that the console speaks.
const ALPN_HTTP1: &[u8] = b"http/1.1";

/// Chooses aws-lc-rs for all TLS of the process. To be called first thing in `main`: where two providers are linked and none is
/// chosen, the first handshake panics.
pub fn install_provider() {
    // An error says that one was chosen before, which is this one: nothing else chooses.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// Why a certificate or a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file cannot be read.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// Where it should lie.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file holds something else.
    #[error("{path}: no {what} in PEM form: {why}", path = path.display())]
    Pem {
        /// Where it lies.
        path: PathBuf,
        /// What should be in it.
        what: &'static str,
        /// What is wrong.
        why: String,
    },
    /// Certificate and key do not belong together, or cannot be used at all.
    #[error("{path} and {key} cannot be used: {why}", path = path.display(), key = key.display())]
    Pair {
        /// The certificate.
        path: PathBuf,
        /// The key.
        key: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Nobody to trust.
    #[error("{path} names nobody who could vouch for a certificate: {why}", path = path.display())]
    Authority {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// This machine trusts nobody.
    #[error("this machine has no list of those who vouch for certificates ({0}); name one in access.jwt.jwks_ca")]
    NoRoots(String),
    /// The provider of cryptography refuses.
    #[error("TLS cannot be set up: {0}")]
    Setup(#[from] rustls::Error),
}

/// The server's certificate, read again when its files change.
#[derive(Debug)]
pub(crate) struct Certificate {
    tls: Tls,
    current: ArcSwap<Encryption>,
}

/// What connections are encrypted with: those of gRPC clients, and those of browsers, of whom no certificate is asked.
#[derive(Debug)]
struct Encryption {
    grpc: Arc<ServerConfig>,
    browsers: Arc<ServerConfig>,
}

/// The files as they were read.
#[derive(Clone, PartialEq, Eq)]
struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

impl Certificate {
    /// Reads the files.
    ///
    /// # Errors
    /// [`TlsError`] names the file and what is wrong with it.
    pub(crate) fn open(tls: &Tls) -> Result<Self, TlsError> {
        let config = Files::read(tls)?.config(tls)?;
        Ok(Self { tls: tls.clone(), current: ArcSwap::from_pointee(config) })
    }

    /// What new connections of gRPC clients are encrypted with.
    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.load().grpc)
    }

    /// What new connections of browsers are encrypted with.
    pub(crate) fn for_browsers(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.load().browsers)
    }

    /// Looks at the files from time to time, without end. What is in them counts, not their times: links that are turned
    /// elsewhere (as Kubernetes does) keep theirs. Files that cannot be used leave the certificate as it is.
    pub(crate) async fn keep_up(self: Arc<Self>) {
        let mut seen = Files::read(&self.tls).ok();
        loop {
            tokio::time::sleep(CERTIFICATE_INTERVAL).await;
            match Files::read(&self.tls) {
                Ok(files) => {
                    // The same files again are no news, broken ones neither.
                    if seen.as_ref() != Some(&files) {
                        self.replace(&files);
                        seen = Some(files);
                    }
                }
                Err(error) => {
                    if seen.take().is_some() {
                        tracing::error!(%error, "the certificate cannot be read; the one before stays");
                    }
                }
            }
        }
    }

    fn replace(&self, files: &Files) {
        match files.config(&self.tls) {
            Ok(config) => {
                self.current.store(Arc::new(config));
                tracing::info!("new connections use the new certificate");
            }
            Err(error) => tracing::error!(%error, "the new certificate cannot be used; the one before stays"),
        }
    }
}

impl Files {
    fn read(tls: &Tls) -> Result<Self, TlsError> {
        let client_ca = tls.client_ca.as_deref().map(read).transpose()?;
        Ok(Self { certificate: read(&tls.certificate)?, key: read(&tls.key)?, client_ca })
    }

    fn config(&self, tls: &Tls) -> Result<Encryption, TlsError> {
        let clients = tls.client_ca.as_ref().zip(self.client_ca.as_ref());
        let grpc = Arc::new(self.one(tls, clients, ALPN_HTTP2)?);
        Ok(Encryption { grpc, browsers: Arc::new(self.one(tls, None, ALPN_HTTP1)?) })
    }

    fn one(&self, tls: &Tls, clients: Option<(&PathBuf, &Vec<u8>)>, protocol: &[u8]) -> Result<ServerConfig, TlsError> {
        let chain = certificates(&self.certificate, &tls.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|error| TlsError::Pem {
            path: tls.key.clone(),
            what: "private key",
            why: error.to_string(),
        })?;
        let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?;
        let builder = match clients {
            Some((path, bytes)) => {
                let refused = |why: String| TlsError::Authority { path: path.clone(), why };
                let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(bytes, path)?), provider);
                builder.with_client_cert_verifier(verifier.build().map_err(|error| refused(error.to_string()))?)
            }
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_single_cert(chain, key).map_err(|error| TlsError::Pair {
            path: tls.certificate.clone(),
            key: tls.key.clone(),
            why: error.to_string(),
        })?;
        config.alpn_protocols = vec![protocol.to_vec()];
        Ok(config)
    }
}

/// How this server, as a client, encrypts and whom it trusts: those in a file, or those whom this machine trusts.
///
/// # Errors
/// [`TlsError`] when there is nobody to trust.
pub(crate) fn client_config(ca: Option<&Path>) -> Result<ClientConfig, TlsError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?;
    let roots = match ca {
        Some(path) => roots(&read(path)?, path)?,
        None => {
            let found = rustls_native_certs::load_native_certs();
            let mut roots = RootCertStore::empty();
            let (added, _) = roots.add_parsable_certificates(found.certs);
            if added == 0 {
                let why = found.errors.first().map(ToString::to_string);
                return Err(TlsError::NoRoots(why.unwrap_or_else(|| "it is empty".to_owned())));
            }
            roots
        }
    };
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn roots(bytes: &[u8], path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(bytes, path)? {
        roots
            .add(certificate)
            .map_err(|error| TlsError::Authority { path: path.to_owned(), why: error.to_string() })?;
    }
    Ok(roots)
}

/// The certificates of a PEM file; at least one.
fn certificates(bytes: &[u8], path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let broken = |why: String| TlsError::Pem { path: path.to_owned(), what: "certificate", why };
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    let found = found.map_err(|error| broken(error.to_string()))?;
    if found.is_empty() { Err(broken("there is none".to_owned())) } else { Ok(found) }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|source| TlsError::File { path: path.to_owned(), source })
}
