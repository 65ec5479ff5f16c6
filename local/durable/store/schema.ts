/** Written to `PRAGMA user_version`; a database with another number is not ours to touch. */
export const SCHEMA_VERSION = 1;

/**
 * `messages` and `entity_messages` are inboxes, `work` and `timers` are what is still to be done.
 * One history row holds all events of one episode: it is written once and read as a whole.
 */
export const SCHEMA = `
CREATE TABLE instances (
  instanceId TEXT PRIMARY KEY,
  executionId TEXT NOT NULL,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  input TEXT,
  output TEXT,
  customStatus TEXT,
  status TEXT NOT NULL,
  createdAt INTEGER NOT NULL,
  updatedAt INTEGER NOT NULL,
  parentId TEXT,
  parentExecutionId TEXT,
  parentTaskId INTEGER,
  chunks INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX instancesByAge ON instances (createdAt, instanceId);

CREATE TABLE history (
  instanceId TEXT NOT NULL,
  chunk INTEGER NOT NULL,
  events TEXT NOT NULL,
  PRIMARY KEY (instanceId, chunk)
) WITHOUT ROWID;

CREATE TABLE messages (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  instanceId TEXT NOT NULL,
  executionId TEXT,
  isUrgent INTEGER NOT NULL,
  event TEXT NOT NULL
);
CREATE INDEX messagesByInstance ON messages (instanceId, isUrgent DESC, id);

CREATE TABLE work (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  instanceId TEXT NOT NULL,
  executionId TEXT NOT NULL,
  taskId INTEGER NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  input TEXT
);
CREATE INDEX workByInstance ON work (instanceId);

CREATE TABLE timers (
  instanceId TEXT NOT NULL,
  taskId INTEGER NOT NULL,
  executionId TEXT NOT NULL,
  fireAt INTEGER NOT NULL,
  PRIMARY KEY (instanceId, taskId)
) WITHOUT ROWID;
CREATE INDEX timersByTime ON timers (fireAt);

CREATE TABLE entities (
  entityId TEXT PRIMARY KEY,
  state TEXT
) WITHOUT ROWID;

CREATE TABLE entity_messages (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  entityId TEXT NOT NULL,
  operation TEXT NOT NULL,
  input TEXT,
  requestId TEXT NOT NULL,
  callerId TEXT,
  callerExecutionId TEXT
);
CREATE INDEX entityMessagesByEntity ON entity_messages (entityId, id);
`;
