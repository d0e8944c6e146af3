//! Taking a port, and taking connections from it.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits::{ACCEPT_PAUSE_MAX, ACCEPT_PAUSE_MIN};

/// Where the server listens unless told otherwise.
pub const DEFAULT_ADDRESS: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 50051));

/// Why a port could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Reachable from other machines.
    #[error(
        "refusing to listen on {0}: it can be reached from other machines, and neither encryption (TLS) nor access control is \
         configured, so that anybody there could read who is likely to leave; listen on a loopback address such as {DEFAULT_ADDRESS}"
    )]
    NotLoopback(SocketAddr),
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

/// Takes a port on a loopback address; port 0 is any free one.
///
/// # Errors
/// See [`BindError`]; each names the address and says what to do.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    if !address.ip().to_canonical().is_loopback() {
        return Err(BindError::NotLoopback(address));
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
