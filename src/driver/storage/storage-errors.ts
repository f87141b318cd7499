import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";

export function invalid(detail: string): VirError {
  return VirError.of(ErrorCode.operationInvalid, ErrorDomain.storage, detail);
}

export function invalidArgument(detail: string): VirError {
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.storage, detail);
}

export function unsupported(detail: string): VirError {
  return VirError.of(ErrorCode.configUnsupported, ErrorDomain.storage, detail);
}

/** In libvirt's words: what was tried, then why not, as the C library says it. */
export function fileError(what: string, error: unknown): unknown {
  if (!(error instanceof Error && "errno" in error && typeof error.errno === "number")) return error;
  const { code = "", errno } = error as NodeJS.ErrnoException;
  const reason = reasons[code] ?? code;
  return VirError.system(ErrorDomain.storage, Math.abs(errno ?? 0), `${what}: ${reason}`, error);
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: "Permission denied",
  EEXIST: "File exists",
  EFBIG: "File too large",
  EINVAL: "Invalid argument",
  EISDIR: "Is a directory",
  ELOOP: "Too many levels of symbolic links",
  ENAMETOOLONG: "File name too long",
  ENOENT: "No such file or directory",
  ENOSPC: "No space left on device",
  ENOTDIR: "Not a directory",
  ENOTEMPTY: "Directory not empty",
  EPERM: "Operation not permitted",
  EROFS: "Read-only file system",
};

export function noVolume(what: string, value: string): VirError {
  const str2 = `no storage vol with matching ${what} ${what === "key" ? value : `'${value}'`}`;
  const fields = {
    code: ErrorCode.noStorageVol,
    domain: ErrorDomain.storage,
    str1: "Storage volume not found: %s",
    str2,
  };
  return new VirError(`Storage volume not found: ${str2}`, fields);
}

export function volumeExists(name: string): VirError {
  const str2 = `'${name}'`;
  const fields = {
    code: ErrorCode.storageVolExist,
    domain: ErrorDomain.storage,
    str1: "storage volume %s exists already",
    str2,
  };
  return new VirError(`storage volume ${str2} exists already`, fields);
}

export function noPool(detail: string): VirError {
  const fields = {
    code: ErrorCode.noStoragePool,
    domain: ErrorDomain.storage,
    str1: "Storage pool not found: %s",
    str2: detail,
  };
  return new VirError(`Storage pool not found: ${detail}`, fields);
}

/** What a clone is told instead. */
export function nameInUse(name: string): VirError {
  const detail = `storage volume name '${name}' already in use.`;
  return VirError.of(ErrorCode.internalError, ErrorDomain.storage, detail);
}
