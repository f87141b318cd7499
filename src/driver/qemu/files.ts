import { access, mkdir } from "node:fs/promises";
import type { Definition } from "../../model/index.ts";
import { ErrorDomain, VirError } from "../../protocol/index.ts";

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

export async function makeDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
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
