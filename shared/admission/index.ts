export {
  admit,
  asJobTicket,
  isJobAtOnce,
  type Promotion,
  priorityOf,
  type Ticket,
} from "./admit.ts";
export { wantsStream } from "./serving-mode.ts";
export { pathFault, validate } from "./validate.ts";
export {
  compileValidationRules,
  type ValidationRules,
  type ValidationSettings,
} from "./validation-rules.ts";
