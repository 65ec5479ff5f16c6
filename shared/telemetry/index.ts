export {
  attemptFailed,
  backendHealthChanged,
  type Emit,
  jobSignalFailed,
  messageFailed,
  replyInboxLost,
  replyUnclaimed,
  requestFailed,
  requestRouted,
  responseBroken,
  type TelemetryEvent,
} from "./events.ts";
