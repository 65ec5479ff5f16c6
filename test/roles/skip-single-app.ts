import { beforeEach } from "vitest";
import { IN_ROLES } from "../support/shape.ts";
import { reasonToSkip } from "./single-app.ts";

if (IN_ROLES) {
  beforeEach(({ task, skip }) => {
    const reason = reasonToSkip(task.file.name, task.name);
    if (reason !== undefined) skip(reason);
  });
}
