export {
  attemptFailed,
  backendHealthChanged,
  type Emit,
  jobSignalFailed,
  limitLedgerFailed,
  messageFailed,
  replyInboxLost,
  replyUnclaimed,
  requestFailed,
  requestRouted,
  responseBroken,
  type TelemetryEvent,
} from "./events.ts";
