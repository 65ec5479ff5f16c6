/** Raised with every change of the tables below; a database of another version is refused. */
export const SCHEMA_VERSION = 1;

// A message's key packs entity and sequence number into one rowid, so that the b-tree's inner nodes
// hold no bodies. 2^40 messages an entity, 8192 entities: both stay exact in a JavaScript number.
const SEQUENCES_PER_ENTITY = 2 ** 40;

/** The row key of an entity's message. */
export const messageKey = (entityId: number, sequenceNumber: number): number =>
  entityId * SEQUENCES_PER_ENTITY + sequenceNumber;

/** The sequence number within a row key. */
export const sequenceOf = (key: number): number => key % SEQUENCES_PER_ENTITY;

export const SCHEMA = `
CREATE TABLE entities (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  requires_session INTEGER NOT NULL,
  requires_duplicate_detection INTEGER NOT NULL,
  last_sequence INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE messages (
  key INTEGER PRIMARY KEY,
  state INTEGER NOT NULL,
  delivery_count INTEGER NOT NULL,
  enqueued_at INTEGER NOT NULL,
  expires_at INTEGER,
  ttl_ms INTEGER,
  message_id TEXT NOT NULL,
  session_id TEXT,
  size_bytes INTEGER NOT NULL,
  enqueue_sequence INTEGER,
  dead_letter_source TEXT,
  durable INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  client_ttl_ms INTEGER,
  annotations BLOB NOT NULL,
  tail BLOB NOT NULL
);
CREATE TABLE message_ids (
  entity_id INTEGER NOT NULL,
  message_id TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (entity_id, message_id)
) WITHOUT ROWID;
CREATE INDEX message_ids_by_expiry ON message_ids (expires_at);
CREATE TABLE sessions (
  entity_id INTEGER NOT NULL,
  session_id TEXT NOT NULL,
  state BLOB NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (entity_id, session_id)
) WITHOUT ROWID;
CREATE TABLE rules (
  entity_id INTEGER NOT NULL,
  name TEXT NOT NULL,
  description BLOB NOT NULL,
  PRIMARY KEY (entity_id, name)
) WITHOUT ROWID;
PRAGMA user_version = ${SCHEMA_VERSION};
`;
