export {
  attemptFailed,
  type Emit,
  jobSignalFailed,
  messageFailed,
  replyInboxLost,
  replyUnclaimed,
  requestFailed,
  responseBroken,
  type TelemetryEvent,
} from "./events.ts";
