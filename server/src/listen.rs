//! Taking a port, and taking connections from it.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::{AccessMode, ServerConfig};
use crate::limits::{ACCEPT_PAUSE_MAX, ACCEPT_PAUSE_MIN};

/// Where the server listens unless told otherwise.
pub const DEFAULT_ADDRESS: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 50051));

/// Where the console listens unless told otherwise.
pub const DEFAULT_CONSOLE_ADDRESS: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 8080));

/// Why a port could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Reachable from other machines.
    #[error(
        "refusing to listen on {address}: it can be reached from other machines, where somebody could read who is likely to \
         leave, and {missing}; put that right, or listen on a loopback address such as {DEFAULT_ADDRESS}"
    )]
    NotLoopback {
        /// The address.
        address: SocketAddr,
        /// What is not configured, in words.
        missing: String,
    },
    /// Somebody else has the port.
    #[error("{0} is in use by another program (perhaps another flight-risk); stop it or choose another port")]
    InUse(SocketAddr),
    /// Anything else.
    #[error("cannot listen on {address}: {source}; choose another address or port")]
    Refused {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
}

/// Takes the port that the configuration names; port 0 is any free one. An address that other machines can reach needs
/// encryption, access control and the audit log.
///
/// # Errors
/// See [`BindError`]; each names the address and says what to do.
pub async fn bind(config: &ServerConfig) -> Result<TcpListener, BindError> {
    listen(config, config.listen.address).await
}

/// Takes the port of the console, if there is to be one, under the same conditions.
///
/// # Errors
/// See [`BindError`].
pub async fn bind_console(config: &ServerConfig) -> Result<Option<TcpListener>, BindError> {
    if !config.console.enabled {
        return Ok(None);
    }
    listen(config, config.console.address).await.map(Some)
}

async fn listen(config: &ServerConfig, address: SocketAddr) -> Result<TcpListener, BindError> {
    if !address.ip().to_canonical().is_loopback() {
        let guards = [
            (config.tls.is_some(), "there is no encryption (TLS: certificate and key in [tls])"),
            (config.access.mode == AccessMode::Required, "access control is off (mode in [access])"),
            (config.audit.enabled, "there is no audit log (enabled in [audit])"),
        ];
        let missing: Vec<&str> = guards.iter().filter(|(there, _)| !there).map(|(_, what)| *what).collect();
        if !missing.is_empty() {
            return Err(BindError::NotLoopback { address, missing: missing.join(", and ") });
        }
    }
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        std::io::ErrorKind::AddrInUse => BindError::InUse(address),
        _ => BindError::Refused { address, source },
    })
}

/// The next connection, once there is room for one. Never fails: what the system refuses is tried again after a pause, because
/// an accept loop that spins when file handles run out takes the processor from those who could free some.
pub(crate) async fn accept(listener: &TcpListener, room: &Arc<Semaphore>) -> (TcpStream, OwnedSemaphorePermit) {
    let mut pause = ACCEPT_PAUSE_MIN;
    loop {
        let Ok(permit) = Arc::clone(room).acquire_owned().await else {
            // The semaphore is never closed; if it were, nobody could be let in.
            return std::future::pending().await;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "small replies may be delayed");
                }
                return (stream, permit);
            }
            Err(error) => {
                tracing::warn!(%error, pause_ms = pause.as_millis() as u64, "a connection was not accepted");
                drop(permit);
                tokio::time::sleep(pause).await;
                pause = next_pause(pause);
            }
        }
    }
}

fn next_pause(pause: Duration) -> Duration {
    (pause * 2).min(ACCEPT_PAUSE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_grows_to_its_limit() {
        let pauses: Vec<u64> = std::iter::successors(Some(ACCEPT_PAUSE_MIN), |pause| Some(next_pause(*pause)))
            .map(|pause| pause.as_millis() as u64)
            .take(10)
            .collect();
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
    }
}
