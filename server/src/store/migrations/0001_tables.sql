-- Times are microseconds since 1970 (UTC), days are days since 1970, yes is 1 and no is 0.

CREATE TABLE sequences (
    name KEYTEXT PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO sequences (name, value) VALUES ('score', 0), ('change', 0), ('audit', 0), ('action', 0), ('trial', 0),
    -- Up to which number what replaced scores came from is deleted.
    ('thinned', 0),
    -- Counts what takes scores away: erasures, and deletions of what is too old.
    ('erased', 0);

-- Every score that was recorded. The one in force has to_seq = 9223372036854775807; one that a later score replaced has the
-- number of that score, so that the state at any number S is: seq <= S AND to_seq > S. One that arrived after a score of a later
-- day was never in force and has its own number.
CREATE TABLE scores (
    seq KEYNUMBER PRIMARY KEY,
    to_seq BIGINT NOT NULL,
    employee_id KEYTEXT NOT NULL,
    scored_at BIGINT NOT NULL,
    as_of BIGINT NOT NULL,
    model_version KEYTEXT NOT NULL,
    band BIGINT NOT NULL, -- 0 abstained, 1 low, 2 elevated, 3 high
    risk DOUBLE PRECISION NOT NULL, -- -1 where the model abstained, so that it sorts last
    low DOUBLE PRECISION NOT NULL, -- likewise
    high DOUBLE PRECISION NOT NULL,
    multiple DOUBLE PRECISION NOT NULL,
    horizon_months BIGINT NOT NULL, -- of the headline risk; 0 for a model of a flat table
    department KEYTEXT,
    location KEYTEXT,
    manager_id KEYTEXT,
    job_level KEYTEXT,
    critical_role BIGINT,
    tenure_years DOUBLE PRECISION,
    display_name TEXT,
    display_key KEYTEXT -- the name in lower case
);
-- Lists are read from indexes in their order, and skip what they do not show without looking at the rows: those at risk, who are
-- few, are indexed with everything that lists filter by.
CREATE INDEX scores_at_risk ON scores (to_seq, risk DESC, employee_id, band, seq, scored_at, as_of, department, location,
    manager_id, job_level, critical_role, tenure_years) WHERE band >= 2;
CREATE INDEX scores_by_risk ON scores (to_seq, risk DESC, employee_id, band, as_of, critical_role, tenure_years);
CREATE INDEX scores_by_employee ON scores (employee_id, seq);
CREATE UNIQUE INDEX scores_in_force ON scores (to_seq, employee_id);
CREATE INDEX scores_in_force_by_time ON scores (to_seq, scored_at, employee_id);
-- For reading all that is in force, in the order in which it lies on the disk. `>=`, here as in the query: with `=` SQLite takes an
-- index by to_seq and sorts everybody for every piece.
CREATE INDEX scores_in_order ON scores (seq) WHERE to_seq >= 9223372036854775807;
CREATE INDEX scores_by_time ON scores (scored_at);
-- For what few have in common. Only of what is in force: history does not make them grow. SQLite takes such an index only where a
-- query says the very same; that it is not said by `=` keeps it from taking one of those above instead. The first three have what
-- else lists filter by: where two common values meet in few people or nobody, no row is looked at to find that out.
CREATE INDEX scores_by_department ON scores (department, risk DESC, employee_id, band, as_of, location, job_level, critical_role,
    tenure_years) WHERE to_seq > 9223372036854775806;
CREATE INDEX scores_by_location ON scores (location, risk DESC, employee_id, band, as_of, department, job_level, critical_role,
    tenure_years) WHERE to_seq > 9223372036854775806;
CREATE INDEX scores_by_level ON scores (job_level, risk DESC, employee_id, band, as_of, department, location, critical_role,
    tenure_years) WHERE to_seq > 9223372036854775806;
CREATE INDEX scores_by_manager ON scores (manager_id, risk DESC, employee_id, band) WHERE to_seq > 9223372036854775806;
CREATE INDEX scores_by_day ON scores (as_of, risk DESC, employee_id, band, seq, scored_at) WHERE to_seq > 9223372036854775806;
CREATE INDEX scores_by_name ON scores (display_key) WHERE to_seq > 9223372036854775806 AND display_key IS NOT NULL;

-- Of those in force for whom the model answers: how many there are in each department and location (empty where it is not known),
-- and the sum of their risks in parts of 1/100,000,000,000.
CREATE TABLE risk_sums (
    department KEYTEXT NOT NULL,
    location KEYTEXT NOT NULL,
    employees BIGINT NOT NULL,
    parts BIGINT NOT NULL,
    PRIMARY KEY (department, location)
);

-- What a score came from and how it came about; of scores that were replaced long ago it is deleted. The assessment (JSON), and packed little-endian doubles in the order of the
-- model's features: the values (unknown is NaN) and the contributions in log-odds.
CREATE TABLE score_details (
    seq KEYNUMBER PRIMARY KEY,
    assessment TEXT NOT NULL,
    feature_values BYTEA NOT NULL,
    contributions BYTEA NOT NULL
);

-- What was last told of an employee's risk, and when a change that waits for the cool-down is due. told_at is 0 where nothing was
-- told yet: then it is the first score.
CREATE TABLE told (
    employee_id KEYTEXT PRIMARY KEY,
    seq BIGINT NOT NULL,
    band BIGINT NOT NULL,
    risk DOUBLE PRECISION NOT NULL,
    told_at BIGINT NOT NULL,
    due_at BIGINT
);
CREATE INDEX told_due ON told (due_at);

-- Material changes, in the order in which they are told.
CREATE TABLE changes (
    seq KEYNUMBER PRIMARY KEY,
    employee_id KEYTEXT NOT NULL,
    changed_at BIGINT NOT NULL,
    kind BIGINT NOT NULL,
    previous_seq BIGINT,
    current_seq BIGINT NOT NULL
);
CREATE INDEX changes_by_employee ON changes (employee_id, changed_at);
CREATE INDEX changes_by_time ON changes (changed_at);

CREATE TABLE actions (
    id KEYTEXT PRIMARY KEY,
    employee_id KEYTEXT NOT NULL,
    playbook_id KEYTEXT NOT NULL,
    title TEXT NOT NULL,
    assignee KEYTEXT NOT NULL,
    due_day BIGINT NOT NULL,
    state BIGINT NOT NULL,
    outcome BIGINT NOT NULL,
    note TEXT NOT NULL,
    creator KEYTEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    completed_at BIGINT,
    revision BIGINT NOT NULL
);
CREATE INDEX actions_by_employee ON actions (employee_id, state);
CREATE INDEX actions_in_order ON actions ((CASE WHEN state <= 2 THEN 0 ELSE 1 END), due_day, id);

CREATE TABLE exits (
    employee_id KEYTEXT PRIMARY KEY,
    exit_day BIGINT NOT NULL,
    exit_type BIGINT NOT NULL,
    reported_at BIGINT NOT NULL
);
CREATE INDEX exits_by_day ON exits (exit_day);

-- The answers to writes, so that the same request sent twice is carried out once.
CREATE TABLE requests (
    caller KEYTEXT NOT NULL,
    method KEYTEXT NOT NULL,
    request_id KEYTEXT NOT NULL,
    digest BYTEA NOT NULL,
    response BYTEA NOT NULL,
    employee_id KEYTEXT,
    at BIGINT NOT NULL,
    PRIMARY KEY (caller, method, request_id)
);
CREATE INDEX requests_by_time ON requests (at);
CREATE INDEX requests_by_employee ON requests (employee_id);

-- Who asked what about whom. Employees are named by a keyed hash; hash seals the record and the hash of the one before.
CREATE TABLE audit (
    seq KEYNUMBER PRIMARY KEY,
    at BIGINT NOT NULL,
    actor KEYTEXT NOT NULL,
    role KEYTEXT NOT NULL,
    method KEYTEXT NOT NULL,
    subjects BYTEA NOT NULL, -- 16 bytes per employee
    purpose TEXT NOT NULL,
    model_version KEYTEXT NOT NULL,
    decision KEYTEXT NOT NULL,
    hash BYTEA NOT NULL
);

-- Tells under which key the audit log is written, so that another one is refused; it does not tell the key.
CREATE TABLE audit_key (
    id KEYNUMBER PRIMARY KEY,
    fingerprint TEXT NOT NULL
);

CREATE TABLE api_keys (
    id KEYTEXT PRIMARY KEY,
    secret_sha256 BYTEA NOT NULL,
    name TEXT NOT NULL,
    role KEYTEXT NOT NULL,
    scope TEXT NOT NULL, -- JSON
    purpose TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT
);

-- Which models were active, in order: the last one is. before_seq is the activation that a rollback goes back to.
CREATE TABLE activations (
    seq KEYNUMBER PRIMARY KEY,
    model_version KEYTEXT NOT NULL,
    before_seq BIGINT,
    actor KEYTEXT NOT NULL,
    at BIGINT NOT NULL
);
INSERT INTO sequences (name, value) VALUES ('activation', 0);

-- Keys that all servers of this store share.
CREATE TABLE secrets (
    name KEYTEXT PRIMARY KEY,
    value BYTEA NOT NULL
);

-- The models' schemas, so that a stored score can be told after its model is gone.
CREATE TABLE model_schemas (
    model_version KEYTEXT PRIMARY KEY,
    schema TEXT NOT NULL,
    base_rate DOUBLE PRECISION NOT NULL,
    reference_log_odds DOUBLE PRECISION NOT NULL
);

-- Who signs in to the console. Sessions that began before signed_out_at are over.
CREATE TABLE users (
    name KEYTEXT PRIMARY KEY, -- in small letters
    password_hash TEXT NOT NULL, -- argon2id, as PHC writes it
    role KEYTEXT NOT NULL,
    scope TEXT NOT NULL, -- JSON
    created_at BIGINT NOT NULL,
    password_changed_at BIGINT NOT NULL,
    signed_out_at BIGINT NOT NULL,
    disabled_at BIGINT
);

-- Passwords that were tried since the last right one, by the SHA-256 of the name: names that nobody has are among them, and what
-- somebody typed there by mistake is not kept.
CREATE TABLE sign_in_attempts (
    name_sha256 BYTEA PRIMARY KEY,
    tried BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    wait_until BIGINT NOT NULL
);
CREATE INDEX sign_in_attempts_by_time ON sign_in_attempts (last_at);

-- Browsers that are signed in, by the SHA-256 of what their cookie says; the data is encrypted under the same.
CREATE TABLE sessions (
    id_sha256 BYTEA PRIMARY KEY,
    data BYTEA NOT NULL,
    seen_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL
);
CREATE INDEX sessions_by_end ON sessions (ends_at);
CREATE INDEX sessions_by_time ON sessions (seen_at);

-- Links that sign somebody in once.
CREATE TABLE sign_in_links (
    token_sha256 BYTEA PRIMARY KEY,
    user_name KEYTEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
