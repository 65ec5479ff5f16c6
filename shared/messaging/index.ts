export { type ClaimCheck, createClaimCheck } from "./claim-check.ts";
export { type DeadLetter, type DeadLetterSource, DeadLetters, type Found } from "./dead-letters.ts";
export {
  inlineBytes,
  type MessageBody,
  PoisonMessageError,
  type ReplyEnvelope,
  type RequestEnvelope,
  readRequestEnvelope,
  type TripMemory,
} from "./envelope.ts";
export { type Act, holdLetters, type LetterBox, settleLetters } from "./held-letters.ts";
export { ReplyInbox } from "./reply-inbox.ts";
export { type DeadLetterCause, type OutgoingMessage, ServiceBus } from "./service-bus.ts";
export { readSubmission, type Submission } from "./submission.ts";
