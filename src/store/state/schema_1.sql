-- Times are whole nanoseconds since 1970 UTC; the view shows them as RFC 3339.
CREATE TABLE check_sets (
    id    INTEGER PRIMARY KEY,
    name  TEXT NOT NULL UNIQUE,
    rules TEXT NOT NULL,
    at_ns INTEGER NOT NULL
) STRICT;

CREATE TABLE check_holds (
    of      INTEGER NOT NULL REFERENCES check_sets (id) ON DELETE CASCADE,
    "check" TEXT NOT NULL,
    tags    TEXT NOT NULL CHECK (json_valid(tags)),
    hold    TEXT NOT NULL CHECK (json_valid(hold)),
    PRIMARY KEY (of, "check", tags)
) STRICT, WITHOUT ROWID;

CREATE TABLE check_series (
    id     INTEGER PRIMARY KEY,
    of     INTEGER NOT NULL REFERENCES check_sets (id) ON DELETE CASCADE,
    series TEXT NOT NULL CHECK (json_valid(series)),
    UNIQUE (of, series)
) STRICT;

CREATE TABLE check_points (
    series INTEGER NOT NULL REFERENCES check_series (id) ON DELETE CASCADE,
    ts_ns  INTEGER NOT NULL,
    value  REAL NOT NULL,
    weight REAL NOT NULL
) STRICT;

CREATE INDEX check_points_by_time ON check_points (series, ts_ns);

CREATE VIEW check_memory AS
SELECT sets.name AS "set",
       strftime('%Y-%m-%dT%H:%M:%S', (at_ns - ns) / 1000000000, 'unixepoch') || printf('.%09dZ', ns) AS at,
       holds."check", holds.tags, holds.hold, sets.rules
FROM (SELECT *, (at_ns % 1000000000 + 1000000000) % 1000000000 AS ns FROM check_sets) AS sets
LEFT JOIN check_holds AS holds ON holds.of = sets.id
ORDER BY 1, 3, 4;
