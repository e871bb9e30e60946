-- What `heartbeat listen` was told of checks by its management interface, its keys, and where it has read to.
CREATE TABLE listen_checks (
    code TEXT PRIMARY KEY,
    spec TEXT NOT NULL CHECK (json_valid(spec))
) STRICT, WITHOUT ROWID;

CREATE TABLE listen_keys (
    name TEXT PRIMARY KEY,
    key  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE listen_memory (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    memory TEXT NOT NULL CHECK (json_valid(memory))
) STRICT;
