export {
  type Admission,
  admit,
  asJobTicket,
  isJobAtOnce,
  type Promotion,
  type Ticket,
} from "./admit.ts";
export { wantsBackground, wantsStream } from "./serving-mode.ts";
export {
  type CallerDirectory,
  type InjectedHeaders,
  type ValidatedParts,
  type Validation,
  validate,
} from "./validate.ts";
export {
  compileValidationRules,
  type ValidationRules,
  type ValidationSettings,
} from "./validation-rules.ts";
