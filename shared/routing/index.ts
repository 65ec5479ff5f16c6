export { BackendRotation } from "./backend-rotation.ts";
export { exhaustedStatus, isPassedOn } from "./judge-answer.ts";
export { type Match, matchHosts } from "./match-hosts.ts";
