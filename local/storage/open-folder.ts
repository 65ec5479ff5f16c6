import { accessSync, constants, mkdirSync } from "node:fs";
import { StartError } from "../service.ts";

/** Makes the data folder and checks that it can be written. */
export function openFolder(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true });
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new StartError(
      `The storage folder ${dataDir} cannot be written (${code}). Mend its rights, or set LOCAL_DATA_DIR to another folder.`,
      { cause: error },
    );
  }
}
