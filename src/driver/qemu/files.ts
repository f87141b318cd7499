import { access, chmod, chown, copyFile, lstat, mkdir, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { Definition } from "../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import type { VariableStore } from "./command-line/index.ts";

/** Throws VirError in libvirt's words when an image, a kernel or an initial ramdisk is not there. */
export async function checkFiles(definition: Definition): Promise<void> {
  for (const { file } of definition.disks) {
    if (file !== undefined) await check(file, ErrorDomain.storage, `Cannot access storage file '${file}'`);
  }
  for (const name of ["kernel", "initrd"]) {
    const path = definition.textOf("os", name);
    if (path !== undefined) await check(path, ErrorDomain.security, `unable to stat: ${path}`);
  }
}

/** For `owner` alone; absent: for us. */
export async function makeDirectory(
  path: string,
  owner?: { readonly uid: number; readonly gid: number },
): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  if (owner !== undefined) await chown(path, owner.uid, owner.gid);
}

/** Copies the template of the firmware's variables, unless the guest has its own already. */
export async function makeVariables({ path, template }: VariableStore): Promise<void> {
  if (await exists(path)) return;
  if (template === undefined) {
    const detail = `unable to find any master var store for loader: there is no '${path}'`;
    throw VirError.of(ErrorCode.operationFailed, ErrorDomain.qemu, detail);
  }
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    await copyFile(template, `${path}.new`);
    await chmod(`${path}.new`, 0o600);
    await rename(`${path}.new`, path);
  } catch (error) {
    const { errno = -2, message } = error as NodeJS.ErrnoException;
    throw VirError.system(ErrorDomain.qemu, -errno, `cannot make '${path}' from '${template}': ${message}`, error);
  }
}

/** Removes what was half written. What a guest was saved or dumped into may be a device or a pipe: they stay. */
export async function discardFile(path: string): Promise<void> {
  const status = await lstat(path).catch(() => undefined);
  if (status?.isFile() === true) await rm(path, { force: true });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function check(path: string, domain: ErrorDomain, complaint: string): Promise<void> {
  try {
    await access(path);
  } catch (error) {
    const { errno = -2, code } = error as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? "No such file or directory" : (code ?? "");
    throw VirError.system(domain, -errno, `${complaint}: ${reason}`, error);
  }
}
