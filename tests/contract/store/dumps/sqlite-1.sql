-- A store as the first release that had one (commit f79419e) wrote it.
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE documents (
      collection TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL,
      PRIMARY KEY (collection, key)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "documents" VALUES('heartbeats','system-health-check',1,'{"at":"2026-11-20T12:00:00.123457+00:00"}');
INSERT INTO "documents" VALUES('incidents','board',2,'{"open":[],"text":"ünïcode €"}');
CREATE TABLE events (
      event_id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, at INTEGER NOT NULL, actor TEXT NOT NULL, body TEXT NOT NULL
    ) STRICT;
INSERT INTO "events" VALUES('rsi-1:strategy_disabled','strategy_disabled',1795176000123457,'guard','{"reason":"lost 12 % of the account; at once","loss_usd":"1234.50"}');
INSERT INTO "events" VALUES('rsi-1:released','strategy_released',1795183200123457,'operator','{"note":"it''s mended"}');
CREATE TABLE outbox (
      key TEXT NOT NULL PRIMARY KEY, target TEXT NOT NULL, body TEXT NOT NULL, created_at INTEGER NOT NULL,
      due_at INTEGER NOT NULL, state TEXT NOT NULL DEFAULT 'waiting', owner TEXT, leased_until INTEGER,
      tries INTEGER NOT NULL DEFAULT 0
    ) STRICT;
INSERT INTO "outbox" VALUES('told','slack','{"title":"message 0"}',1795176000123457,1795176000123457,'waiting',NULL,NULL,0);
INSERT INTO "outbox" VALUES('lost','slack','{"title":"message 1"}',1795176000123457,1795179600123457,'waiting',NULL,NULL,1);
INSERT INTO "outbox" VALUES('late','slack','{"title":"message 2"}',1795176000123457,1795176000123457,'delivered',NULL,NULL,1);
CREATE TABLE points (
      series TEXT NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (series, key)
    ) STRICT;
INSERT INTO "points" VALUES('health_checks','run-0',1795176000123457,'{"overall":"healthy","services":{"engine":{"ms":12.5,"error":null}}}');
INSERT INTO "points" VALUES('health_checks','run-1',1795176900123457,'{"overall":"healthy","services":{"engine":{"ms":13.5,"error":null}}}');
INSERT INTO "points" VALUES('health_checks','run-2',1795177800123457,'{"overall":"healthy","services":{"engine":{"ms":14.5,"error":null}}}');
INSERT INTO "points" VALUES('trades','t-9007199254740993',1795176000123457,'{"pnl_usd":"-3.10","quantity":1e-08,"fills":[1,2.0,true]}');
CREATE INDEX events_at ON events (at);
CREATE INDEX points_at ON points (series, at);
CREATE INDEX outbox_due ON outbox (state, due_at);
COMMIT;
