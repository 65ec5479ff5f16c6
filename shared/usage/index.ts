export { UsageReader } from "./usage-reader.ts";
