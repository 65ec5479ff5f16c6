export { type Admission, admit, type Ticket } from "./admit.ts";
export { wantsStream } from "./serving-mode.ts";
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
