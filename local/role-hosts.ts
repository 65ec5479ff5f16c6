import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { makePackages, packageFolder } from "./package/make-packages.ts";
import { StartError } from "./service.ts";
import type { StackSettings } from "./stack-settings.ts";

/** One of several hosts: which role it has, and where. */
export interface RoleHost {
  /** `stream`, or `jobs-1` where there are several of a role. */
  readonly name: string;
  readonly role: string;
  readonly port: number;
  /** The app's package, unpacked. */
  readonly appDir: string;
}

const NO_PORT = 0;

/** The hosts that `LOCAL_ROLES` asks for, on ports one after the other, or on free ones. */
export async function planRoleHosts(settings: StackSettings): Promise<RoleHost[]> {
  const { roles, port, appDir, packagesDir } = settings;
  if (packagesDir === undefined) makePackages(appDir);
  const folderOf = (role: StackSettings["roles"][number]): string =>
    packagesDir === undefined ? packageFolder(appDir, role) : join(packagesDir, role);
  return Promise.all(
    roles.map(async (role, index) => ({
      name: nameOf(roles, index),
      role,
      port: port === NO_PORT ? await freePort() : port + index,
      appDir: folderOf(role),
    })),
  );
}

function nameOf(roles: readonly string[], index: number): string {
  const role = roles[index];
  if (role === undefined) throw new StartError("A role is missing.");
  const isAlone = roles.filter((other) => other === role).length === 1;
  const number = roles.slice(0, index + 1).filter((other) => other === role).length;
  return isAlone ? role : `${role}-${number}`;
}
