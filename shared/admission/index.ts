export { type Admission, admit, type Ticket } from "./admit.ts";
export { wantsStream } from "./serving-mode.ts";
