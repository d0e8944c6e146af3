//! Every limit of the server in one place. Those that clients meet are repeated in the comments of the .proto files.

use std::time::Duration;

/// Largest message in either direction, in bytes. Most gRPC libraries receive no larger one unless told to.
pub const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;
/// Most rows of one BatchScoreEmployees.
pub const MAX_BATCH_ROWS: usize = 1_000;
/// Most assignments of one history.
pub const MAX_ASSIGNMENTS: usize = 2_000;
/// Most survey responses of one history.
pub const MAX_SURVEY_RESPONSES: usize = 10_000;
/// Most feedback events of one history.
pub const MAX_FEEDBACK_EVENTS: usize = 10_000;
/// Most dates of one list, and most kinds of feedback in a coverage.
pub const MAX_DATES: usize = 1_000;
/// Most named values of one row.
pub const MAX_NAMED_VALUES: usize = 5_000;
/// Most changes of one SimulateChanges.
pub const MAX_SIMULATED_CHANGES: usize = 20;
/// Longest text of a field, in bytes: identifiers, names, levels.
pub const MAX_TEXT_BYTES: usize = 256;
/// Longest note of an action, in bytes.
pub const MAX_NOTE_BYTES: usize = 4_000;
/// Largest magnitude of a number among features: squares of larger ones overflow in the standard error.
pub const MAX_NUMBER: f64 = 1e100;
/// Smallest pay, in any currency.
pub const MIN_PAY: f64 = 0.01;
/// Largest pay, in any currency.
pub const MAX_PAY: f64 = 1e12;
/// Largest magnitude of a rating, of a job level and of an end of a survey scale.
pub const MAX_RATING: f64 = 1e6;

/// Entries on a page of a list unless the client asks for another number.
pub const DEFAULT_PAGE_SIZE: usize = 50;
/// Most entries on a page of a list; who asks for more gets as many.
pub const MAX_PAGE_SIZE: usize = 1_000;

/// Factors per employee of a list unless the client asks for another number.
pub const DEFAULT_LIST_FACTORS: usize = 3;
/// Most factors per employee of a list.
pub const MAX_LIST_FACTORS: usize = 50;
/// Most employees that HR is taken to be able to look after.
pub const MAX_CAPACITY: usize = 100_000;

/// Changes that a watcher reads at a time.
pub const WATCH_CHANGES_AT_A_TIME: usize = 256;
/// Messages that wait for a watcher who does not read.
pub const WATCH_MESSAGES_WAITING: usize = 16;
/// Pause of a watcher after there was nothing new.
pub const WATCH_PAUSE: Duration = Duration::from_secs(1);
/// A watcher is given a sign of life this often.
pub const WATCH_HEARTBEAT: Duration = Duration::from_secs(30);
/// A watcher's stream ends after this time, so that who watches is asked again whether they may.
pub const WATCH_LONGEST: Duration = Duration::from_secs(3_600);

/// Most field violations of one error.
pub const MAX_FIELD_VIOLATIONS: usize = 25;
/// Most bytes of field violations in an error status: it travels in a header, and common clients refuse headers over 8 KiB.
pub const MAX_STATUS_DETAIL_BYTES: usize = 3 * 1024;
/// Longest description of one violation and longest message of an error, in bytes.
pub const MAX_DESCRIPTION_BYTES: usize = 300;

/// Most open connections; further ones wait in the listener's queue.
pub const MAX_CONNECTIONS: usize = 512;
/// Most requests of one connection at a time; a client queues further ones by itself.
pub const MAX_REQUESTS_PER_CONNECTION: u32 = 128;
/// Most requests at a time over all connections, open streams included; further ones are answered UNAVAILABLE.
pub const MAX_REQUESTS: usize = 512;
/// Largest sum of request headers, in bytes.
pub const MAX_HEADER_BYTES: u32 = 16 * 1024;
/// What a client may send on one request before the server has taken it, in bytes.
pub const REQUEST_WINDOW_BYTES: u32 = 256 * 1024;
/// What a client may send on one connection before the server has taken it, in bytes.
pub const CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;
/// What is kept for a client that does not read, per request, in bytes.
pub const SEND_BUFFER_BYTES: usize = 64 * 1024;
/// Bytes of answers that are written to a connection at a time.
pub const WRITE_BYTES: usize = 64 * 1024;
/// Most rows of a StreamScores that are written to the audit log and to the store at a time. Two such groups wait for a client that
/// does not read.
pub const STREAM_GROUP_ROWS: usize = 256;
/// Most factors in the results of such a group, which bounds what waits in memory ...
pub const STREAM_GROUP_FACTORS: usize = 4_000;
/// ... and the longest time for which requests that have arrived join it, so that the first ones are answered soon and other
/// requests get their turn.
pub const STREAM_GROUP_TIME: Duration = Duration::from_millis(2);

/// Rows that a batch scores before it lets other requests run.
pub const ROWS_BETWEEN_YIELDS: usize = 8;
/// Longest time for a request that is no stream; a client can set a shorter one, not a longer one.
pub const REQUEST_DEADLINE: Duration = Duration::from_secs(30);
/// Longest time for a new connection to say that it speaks HTTP/2.
pub const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);
/// An idle connection is asked this often whether it still lives ...
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
/// ... and is closed without an answer in this time.
pub const KEEPALIVE_DEADLINE: Duration = Duration::from_secs(10);
/// First pause after the system refuses a new connection (no file handles left).
pub const ACCEPT_PAUSE_MIN: Duration = Duration::from_millis(5);
/// Longest such pause; it doubles with every refusal.
pub const ACCEPT_PAUSE_MAX: Duration = Duration::from_secs(1);
/// Time for requests under way to end at shutdown; what is still open after it is cut off.
pub const DRAIN_DEADLINE: Duration = Duration::from_secs(10);
/// Within it, the time after which those who watch the health service are sent away.
pub const DRAIN_WATCHERS_AFTER: Duration = Duration::from_millis(500);

/// Largest model file, in bytes.
pub const MAX_MODEL_BYTES: u64 = 256 * 1024 * 1024;

/// API keys that were read longer ago are read again before they let anybody in: a revocation takes effect within this time.
pub const KEYS_FRESH: Duration = Duration::from_secs(5);
/// When a key is not known, those that were read longer ago are read again: a new key is good after this time.
pub const KEYS_RETRY: Duration = Duration::from_millis(250);
/// While the store does not answer, the keys that were read last let callers in for this time.
pub const KEYS_USABLE: Duration = Duration::from_secs(30);

/// Difference between the clocks of this machine and the identity provider that is borne, in seconds.
pub const TOKEN_LEEWAY_SECONDS: u64 = 30;
/// Tokens that are remembered so that each is checked once.
pub const MAX_TOKENS_KNOWN: usize = 20_000;
/// Departments, and locations, of one token.
pub const MAX_SCOPE_UNITS: usize = 200;
/// Largest set of an identity provider's keys, in bytes.
pub const MAX_JWKS_BYTES: usize = 256 * 1024;
/// Longest time for the identity provider to answer.
pub const JWKS_DEADLINE: Duration = Duration::from_secs(5);
/// The identity provider is asked for its keys this often ...
pub const JWKS_URL_INTERVAL: Duration = Duration::from_secs(600);
/// ... and no more often than this for keys that are not known.
pub const JWKS_URL_RETRY: Duration = Duration::from_secs(10);
/// A file with the identity provider's keys is read this often ...
pub const JWKS_FILE_INTERVAL: Duration = Duration::from_secs(5);
/// ... and no more often than this for keys that are not known.
pub const JWKS_FILE_RETRY: Duration = Duration::from_secs(1);
/// The files of the certificate are looked at this often.
pub const CERTIFICATE_INTERVAL: Duration = Duration::from_secs(5);

/// Passwords that are checked at a time.
pub const MAX_PASSWORDS_CHECKED: usize = 2;
/// People whose password is checked or who wait for it; further ones are told to try again.
pub const MAX_PASSWORDS_WAITING: usize = 64;
/// Time to sign in at the identity provider, before it must be begun again.
pub const PROVIDER_SIGN_IN_LONGEST: Duration = Duration::from_secs(600);
/// Most people in a minute who are sent to the identity provider: each is remembered until they come back, or this long.
pub const MAX_PROVIDER_SIGN_INS: u32 = 600;
/// Most open connections of browsers.
pub const MAX_PAGE_CONNECTIONS: usize = 512;
/// Time that a browser has to say what it wants, and that a connection may be idle.
pub const PAGE_HEADER_DEADLINE: Duration = Duration::from_secs(30);
/// Most bytes of a page request's line and headers.
pub const MAX_PAGE_HEADER_BYTES: usize = 32 * 1024;
/// Most bytes of a form.
pub const MAX_FORM_BYTES: usize = 64 * 1024;
/// Time within which a page is answered.
pub const PAGE_DEADLINE: Duration = Duration::from_secs(20);
/// Most rows said to stand on the pages before one: an address can say any number.
pub const MAX_ROWS_BEFORE: usize = 1_000_000_000;
/// Most lines of a list that is taken away as a file.
pub const MAX_EXPORT_ROWS: usize = 10_000;
