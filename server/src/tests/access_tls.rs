//! Encryption: TLS, certificates of clients, certificates that change under a running server.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use flight_risk_proto::v1;
use flight_risk_proto::v1::model_service_client::ModelServiceClient;
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};

use super::fixture::{Served, native, open_config};
use crate::config::Tls;
use crate::limits::CERTIFICATE_INTERVAL;
use crate::tls::{Certificate, TlsError};

/// Somebody who vouches for certificates.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
struct Pair {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "an authority of the tests");
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(super) fn pem(&self) -> String {
        self.0.pem()
    }

    fn vouch(&self, name: &str) -> Pair {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        Pair { certificate: params.signed_by(&key, &self.0).unwrap(), key }
    }

    /// A server of this authority at `localhost`.
    pub(super) fn server(&self) -> rustls::ServerConfig {
        let pair = self.vouch("localhost");
        let builder = rustls::ServerConfig::builder().with_no_client_auth();
        builder.with_single_cert(vec![pair.certificate.der().clone()], pair.private()).unwrap()
    }
}

impl Pair {
    fn private(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::try_from(self.key.serialize_der()).unwrap()
    }

    /// Writes both as a server reads them.
    fn write(&self, folder: &Path) -> Tls {
        Tls {
            certificate: write(folder, "server.pem", &self.certificate.pem()),
            key: write(folder, "server.key", &self.key.serialize_pem()),
            client_ca: None,
        }
    }
}

pub(super) fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// A client that trusts an authority, and may show a certificate.
fn client(authority: &Authority, own: Option<&Pair>, alpn: &[&[u8]]) -> ClientConfig {
    crate::tls::install_provider();
    let mut roots = RootCertStore::empty();
    roots.add(authority.0.der().clone()).unwrap();
    let builder = ClientConfig::builder().with_root_certificates(roots);
    let mut config = match own {
        None => builder.with_no_client_auth(),
        Some(pair) => builder.with_client_auth_cert(vec![pair.certificate.der().clone()], pair.private()).unwrap(),
    };
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    config
}

/// A gRPC channel through TLS.
async fn channel(server: &Served, config: ClientConfig) -> Result<Channel, tonic::transport::Error> {
    let (connector, address) = (TlsConnector::from(Arc::new(config)), server.address);
    let connect = tower_service(move || {
        let connector = connector.clone();
        async move {
            let stream = TcpStream::connect(address).await?;
            let name = ServerName::try_from("localhost").map_err(std::io::Error::other)?;
            Ok::<_, std::io::Error>(TokioIo::new(connector.connect(name, stream).await?))
        }
    });
    Endpoint::from_static("http://localhost").connect_with_connector(connect).await
}

/// A service of a function.
fn tower_service<F, R>(connect: F) -> Connect<F>
where
    F: Fn() -> R,
{
    Connect(connect)
}

struct Connect<F>(F);

impl<F, R, T> tonic::codegen::Service<hyper::Uri> for Connect<F>
where
    F: Fn() -> R,
    R: Future<Output = Result<T, std::io::Error>> + Send + 'static,
{
    type Response = T;
    type Error = std::io::Error;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<T, std::io::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: hyper::Uri) -> Self::Future {
        Box::pin((self.0)())
    }
}

/// Whether a client is answered.
async fn answered(server: &Served, config: ClientConfig) -> bool {
    let Ok(channel) = channel(server, config).await else { return false };
    let request = v1::GetModelRequest { name: "models/active".into() };
    ModelServiceClient::new(channel).get_model(request).await.is_ok()
}

async fn serve(tls: Tls) -> Served {
    let mut config = open_config();
    config.tls = Some(tls);
    Served::start_with(native(), config).await
}

/// The certificate that a server shows.
async fn shown(server: &Served, config: ClientConfig) -> CertificateDer<'static> {
    let stream = TcpStream::connect(server.address).await.unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await;
    let stream = stream.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
}

#[tokio::test]
async fn a_client_is_served_through_tls_and_strangers_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, other) = (Authority::new(), Authority::new());
    let server = serve(authority.vouch("localhost").write(folder.path())).await;
    assert!(answered(&server, client(&authority, None, &[b"h2"])).await);
    // Clients that do not say which protocol they want are taken at their first bytes.
    assert!(answered(&server, client(&authority, None, &[])).await);
    assert!(!answered(&server, client(&authority, None, &[b"http/1.1"])).await);
    assert!(!answered(&server, client(&other, None, &[b"h2"])).await, "the client does not trust this server");
    assert!(
        Channel::from_shared(format!("http://{}", server.address)).unwrap().connect().await.is_err() || {
            let channel = Channel::from_shared(format!("http://{}", server.address)).unwrap().connect_lazy();
            let request = v1::GetModelRequest { name: "models/active".into() };
            ModelServiceClient::new(channel).get_model(request).await.is_err()
        }
    );
    // Something else than HTTP/2 inside.
    let stream = TcpStream::connect(server.address).await.unwrap();
    let connector = TlsConnector::from(Arc::new(client(&authority, None, &[])));
    let mut stream = connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut reply = Vec::new();
    let end = timeout(Duration::from_secs(3), stream.read_to_end(&mut reply)).await;
    assert!(end.is_ok() && reply.is_empty(), "the connection stays open");
    // One that says nothing holds nobody up.
    let _silent = TcpStream::connect(server.address).await.unwrap();
    assert!(answered(&server, client(&authority, None, &[b"h2"])).await);
}

#[tokio::test]
async fn where_clients_must_show_a_certificate_only_a_good_one_is_let_in() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, clients, other) = (Authority::new(), Authority::new(), Authority::new());
    let client_ca = Some(write(folder.path(), "clients.pem", &clients.pem()));
    let server = serve(Tls { client_ca, ..authority.vouch("localhost").write(folder.path()) }).await;
    for (own, good) in [(None, false), (Some(clients.vouch("client")), true), (Some(other.vouch("client")), false)] {
        assert_eq!(answered(&server, client(&authority, own.as_ref(), &[b"h2"])).await, good);
    }
}

#[tokio::test]
async fn a_new_certificate_is_used_without_a_restart_and_a_broken_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let (first, second) = (authority.vouch("localhost"), authority.vouch("localhost"));
    let server = serve(first.write(folder.path())).await;
    let trusting = || client(&authority, None, &[b"h2"]);
    let open = channel(&server, trusting()).await.unwrap();
    assert_eq!(shown(&server, trusting()).await, *first.certificate.der());
    // A certificate without its key, as it is while somebody copies them one after the other.
    write(folder.path(), "server.pem", &second.certificate.pem());
    tokio::time::sleep(CERTIFICATE_INTERVAL + Duration::from_millis(500)).await;
    assert_eq!(shown(&server, trusting()).await, *first.certificate.der());
    second.write(folder.path());
    let changed = async {
        while shown(&server, trusting()).await != *second.certificate.der() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(CERTIFICATE_INTERVAL * 3, changed).await.unwrap();
    // What was open goes on.
    let request = v1::GetModelRequest { name: "models/active".into() };
    ModelServiceClient::new(open).get_model(request).await.unwrap();
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, other) = (Authority::new(), Authority::new());
    let good = authority.vouch("localhost").write(folder.path());
    assert!(Certificate::open(&good).is_ok());
    let empty = write(folder.path(), "empty.pem", "");
    let junk = write(folder.path(), "junk.pem", "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n");
    let key = write(folder.path(), "other.key", &other.vouch("localhost").key.serialize_pem());
    let missing = folder.path().join("missing.pem");
    let refused = |tls: &Tls| Certificate::open(tls).unwrap_err();
    for path in [&empty, &junk, &missing] {
        for tls in [
            Tls { certificate: path.clone(), ..good.clone() },
            Tls { key: path.clone(), ..good.clone() },
            Tls { client_ca: Some(path.clone()), ..good.clone() },
        ] {
            let error = refused(&tls);
            assert!(error.to_string().contains(&path.display().to_string()), "{error}");
        }
    }
    assert!(matches!(refused(&Tls { key, ..good.clone() }), TlsError::Pair { .. }));
}
