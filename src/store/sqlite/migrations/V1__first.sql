-- The log. `id` orders the events of all runs; the store gives it out inside the transaction and
-- never twice (see `home.events_given`). There is no index on this table beyond its key: `spans`
-- leads to its rows, so that appending costs little more than the bytes.
CREATE TABLE events (
    id          INTEGER PRIMARY KEY,
    run         INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    at          INTEGER NOT NULL, -- milliseconds since the Unix epoch
    kind        TEXT    NOT NULL,
    v           INTEGER NOT NULL,
    severity    INTEGER NOT NULL, -- 0 debug, 1 info, 2 warn, 3 error
    agent       INTEGER,
    task        INTEGER,
    spent       INTEGER,          -- nano-dollars, as are the next three; NULL: moved no money
    unconfirmed INTEGER,
    reserved    INTEGER,
    budget      INTEGER,          -- NULL: no budget
    data        TEXT    NOT NULL
);

-- Stretches of the log: events of one run with consecutive ids and sequence numbers, at most 256,
-- with what a filter needs to pass over a whole stretch. They prove that a run has neither gap
-- nor repeat, and take the place of five indexes on `events`.
CREATE TABLE spans (
    id         INTEGER PRIMARY KEY, -- of the first event
    run        INTEGER NOT NULL,
    seq        INTEGER NOT NULL,    -- of the first event
    count      INTEGER NOT NULL,
    oldest     INTEGER NOT NULL,    -- the least `at`
    newest     INTEGER NOT NULL,    -- the greatest `at`
    severity   INTEGER NOT NULL,    -- the greatest
    kinds      INTEGER NOT NULL,    -- one bit per kind, by a hash of its name
    agent_low  INTEGER,             -- NULL: none of the events has an agent
    agent_high INTEGER,
    UNIQUE (run, seq)
);

CREATE TABLE runs (
    id            INTEGER PRIMARY KEY,
    state         TEXT    NOT NULL,
    by            TEXT    NOT NULL,
    title         TEXT    NOT NULL,
    provider      TEXT    NOT NULL,
    model         TEXT    NOT NULL,
    simulated     INTEGER NOT NULL,
    reusable      INTEGER NOT NULL,
    created       INTEGER NOT NULL,
    started       INTEGER,
    ended         INTEGER,
    tasks         INTEGER NOT NULL,
    succeeded     INTEGER NOT NULL,
    failed        INTEGER NOT NULL,
    cancelled     INTEGER NOT NULL,
    spent         INTEGER NOT NULL,
    unconfirmed   INTEGER NOT NULL,
    reserved      INTEGER NOT NULL,
    budget        INTEGER,
    input         INTEGER NOT NULL, -- tokens, as are the next three
    output        INTEGER NOT NULL,
    cache_read    INTEGER NOT NULL,
    cache_write   INTEGER NOT NULL,
    estimated     INTEGER NOT NULL,
    stopped_by    TEXT,
    owner_pid     INTEGER,          -- NULL: nobody is at work on it
    owner_started INTEGER,
    owner_boot    TEXT
);
CREATE INDEX runs_created ON runs (created);
CREATE INDEX runs_state ON runs (state, created);
CREATE INDEX runs_open ON runs (created) WHERE state NOT IN ('completed', 'failed', 'cancelled');
CREATE INDEX runs_model ON runs (provider, model, created);

CREATE TABLE tasks (
    run      INTEGER NOT NULL,
    task     INTEGER NOT NULL,
    agent    INTEGER NOT NULL,
    state    TEXT    NOT NULL,
    key      INTEGER NOT NULL, -- the 64 bits of the key, signed
    payload  INTEGER,          -- the same
    args     BLOB    NOT NULL,
    attempts INTEGER NOT NULL,
    ended    INTEGER,
    own      INTEGER NOT NULL, -- 1: completed with an answer of its own, not with a stored one
    finished TEXT,
    PRIMARY KEY (run, task)
) WITHOUT ROWID;
CREATE INDEX tasks_state ON tasks (run, state);
CREATE INDEX tasks_agent ON tasks (run, agent);
CREATE INDEX tasks_key ON tasks (key, ended) WHERE own = 1;

CREATE TABLE agents (
    run         INTEGER NOT NULL,
    no          INTEGER NOT NULL,
    task        INTEGER NOT NULL,
    state       TEXT    NOT NULL,
    task_state  TEXT    NOT NULL,
    template    TEXT    NOT NULL,
    provider    TEXT    NOT NULL,
    model       TEXT    NOT NULL,
    turns       INTEGER NOT NULL,
    cost        INTEGER NOT NULL,
    input       INTEGER NOT NULL,
    output      INTEGER NOT NULL,
    cache_read  INTEGER NOT NULL,
    cache_write INTEGER NOT NULL,
    estimated   INTEGER NOT NULL,
    PRIMARY KEY (run, no)
) WITHOUT ROWID;
CREATE INDEX agents_state ON agents (run, state);

-- Sealed texts. A text above 1 MiB is a file of its own (`content/<name>`): its `bytes` are NULL.
CREATE TABLE content (
    name  BLOB NOT NULL PRIMARY KEY,
    bytes BLOB
);

-- Facts about the home itself.
CREATE TABLE home (
    name  TEXT NOT NULL PRIMARY KEY,
    value ANY  NOT NULL
) WITHOUT ROWID;
