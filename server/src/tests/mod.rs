//! The server as a client meets it: over a real loopback socket.
