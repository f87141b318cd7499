import type { Definition } from "../../../model/index.ts";
import { ErrorDomain, VirError } from "../../../protocol/index.ts";
import type { FileHost, FileStatus } from "./file-host.ts";
import { filesOfGuest, type GuestFile } from "./guest-files.ts";
import { guestUser, type Owner, type SecurityPolicy } from "./guest-user.ts";

/** A file that belongs to the user of a guest's QEMU until the guest does not use it any more. */
export interface Loan {
  readonly path: string;
  /** As in FileStatus: if another file is there by now, that is nobody's business here. */
  readonly device: string;
  readonly inode: string;
  /** Whose it was before the first guest had it. */
  readonly before: Owner;
  /** Whose it is now. */
  readonly owner: Owner;
}

/** Where loans are written down, by the UUID of the guest: a RecordStore. */
export interface LoanStore {
  load<T>(
    read: (text: string, name: string) => T,
  ): Promise<{ records: T[]; unreadable: readonly { path: string; error: Error }[] }>;
  save(name: string, text: string): Promise<void>;
  remove(name: string): Promise<void>;
}

export interface LoansOptions {
  readonly policy: SecurityPolicy;
  readonly files: FileHost;
  readonly store: LoanStore;
  /** Numbers of devices mean something within one boot. */
  readonly boot: string;
  /** Hears of files that cannot be given back. */
  readonly report: (error: unknown) => void;
}

/**
 * The files that are lent to guests: what QEMU could not use otherwise is given to its user, and given back to whom it had
 * belonged to when the last guest that uses it is gone. Whose it was is on the disk before it is given, and stays there
 * until it has been given back: whatever ends the daemon, the next one finds it.
 *
 *     load:     once, before everything else.
 *     lend:     under the domain's job; rejects with VirError, and what has been lent then is taken back with the rest.
 *     takeBack: at any time, for a guest that is gone; and for what a guest that runs has no more use for.
 */
export class Loans {
  readonly #options: LoansOptions;
  readonly #loans = new Map<string, Loan[]>();
  /** Of each guest: it is written once at a time. */
  readonly #writing = new Map<string, Promise<void>>();
  /** From before the machine was booted. */
  readonly #old = new Set<Loan>();

  constructor(options: LoansOptions) {
    this.#options = options;
  }

  async load(): Promise<void> {
    const { store, boot, report } = this.#options;
    const { unreadable } = await store.load((text, uuid) => {
      const record = parse(text);
      this.#loans.set(uuid, record.loans);
      if (record.boot !== boot) for (const loan of record.loans) this.#old.add(loan);
    });
    for (const { path, error } of unreadable)
      report(
        new Error(`cannot read ${path}, so what it names stays with QEMU's user: ${error.message}`, { cause: error }),
      );
  }

  /** The guests that have something. */
  get borrowers(): string[] {
    return [...this.#loans.keys()];
  }

  /** Resolves when all that is known is on the disk. */
  async settled(): Promise<void> {
    await Promise.all(this.#writing.values());
  }

  /** Lends a guest these files, of those that it has to have. */
  async lend({ uuid, root }: Definition, files: readonly GuestFile[] = filesOfGuest(root)): Promise<void> {
    const { fileOwner } = guestUser(root, this.#options.policy);
    if (fileOwner === undefined) return;
    const wanted = files.map((file) => ({ ...file, owner: file.owner ?? fileOwner }));
    const noted = wanted.flatMap((file) => this.#note(uuid, file));
    if (noted.length === 0) return;
    await Promise.all([...new Set(noted.map(({ borrower }) => borrower))].map((each) => this.#write(each)));
    for (const { borrower, loan } of noted) if (borrower === uuid && this.#has(uuid, loan)) this.#give(loan);
  }

  /** Takes back what a guest has; with `unlessIn`, only what these files do not include. Never throws. */
  takeBack(uuid: string, unlessIn: readonly GuestFile[] = []): void {
    const loans = this.#loans.get(uuid);
    if (loans === undefined) return;
    const paths = new Set(unlessIn.map(({ path }) => path));
    const kept = loans.filter(({ path }) => paths.has(path));
    if (kept.length === loans.length) return;
    if (kept.length === 0) this.#loans.delete(uuid);
    else this.#loans.set(uuid, kept);
    for (const loan of loans) if (!kept.includes(loan) && this.#holdersOf(loan).length === 0) this.#giveBack(loan);
    this.#write(uuid).catch(this.#options.report);
  }

  /** Writes down that the guest will have the file, and, where others have it, whose it will be then. */
  #note(uuid: string, file: GuestFile & { readonly owner: Owner }): { borrower: string; loan: Loan }[] {
    const { files } = this.#options;
    const { path, owner, isWritten } = file;
    return (
      this.#attempt(file, () => {
        if (file.isMade === true) files.make(path);
        return files.withFile(path, ({ status }) => {
          const holders = this.#holdersOf(status);
          const [known] = holders;
          if (known === undefined && isUsable(status, owner, isWritten)) return [];
          if (this.#loans.get(uuid)?.some((loan) => loan.path === path && isSame(loan, status)) === true) return [];
          const { device, inode, uid, gid } = status;
          const loan: Loan = { path, device, inode, before: known?.loan.before ?? { uid, gid }, owner };
          this.#loans.set(uuid, [...(this.#loans.get(uuid) ?? []), loan]);
          return [{ borrower: uuid, loan }, ...this.#changeOwner(holders, owner)];
        });
      }) ?? []
    );
  }

  /** The next guest may have another user. */
  #changeOwner(holders: readonly { borrower: string; loan: Loan }[], owner: Owner): { borrower: string; loan: Loan }[] {
    return holders
      .filter(({ loan }) => !isOwner(loan.owner, owner))
      .map(({ borrower, loan }) => {
        const changed = { ...loan, owner };
        const loans = this.#loans.get(borrower) ?? [];
        this.#loans.set(
          borrower,
          loans.map((each) => (each === loan ? changed : each)),
        );
        return { borrower, loan: changed };
      });
  }

  #give(loan: Loan): void {
    this.#attempt(loan, () =>
      this.#options.files.withFile(loan.path, (file) => {
        if (isSame(loan, file.status) && !isOwner(file.status, loan.owner)) file.giveTo(loan.owner);
      }),
    );
  }

  /** What somebody else has changed meanwhile is his to answer for. */
  #giveBack(loan: Loan): void {
    try {
      this.#options.files.withFile(loan.path, (file) => {
        const isIt = this.#old.has(loan) ? loan.inode === file.status.inode : isSame(loan, file.status);
        if (isIt && isOwner(file.status, loan.owner)) file.giveTo(loan.before);
      });
    } catch (error) {
      const { message } = error as Error;
      this.#options.report(new Error(`cannot give '${loan.path}' back: ${message}`, { cause: error }));
    }
  }

  #attempt<T>({ path, owner }: Pick<Loan, "path" | "owner">, act: () => T): T | undefined {
    try {
      return act();
    } catch (error) {
      const { errno = -5, code, message } = error as NodeJS.ErrnoException;
      // On such file systems it may be usable as it is: QEMU will know.
      if (["EPERM", "EROFS", "ENOTSUP", "EOPNOTSUPP"].includes(code ?? "")) return undefined;
      const detail = `unable to set user and group to '${owner.uid}:${owner.gid}' on '${path}': ${message}`;
      throw VirError.system(ErrorDomain.security, -errno, detail, error);
    }
  }

  #has(uuid: string, loan: Loan): boolean {
    return this.#loans.get(uuid)?.includes(loan) === true;
  }

  #holdersOf(file: Pick<FileStatus, "device" | "inode">): { borrower: string; loan: Loan }[] {
    return [...this.#loans].flatMap(([borrower, loans]) =>
      loans.filter((loan) => isSame(loan, file)).map((loan) => ({ borrower, loan })),
    );
  }

  /** What is known when its turn comes. */
  #write(uuid: string): Promise<void> {
    const { store, boot } = this.#options;
    const before = this.#writing.get(uuid) ?? Promise.resolve();
    const writing = before
      .catch(() => {})
      .then(() => {
        const loans = this.#loans.get(uuid);
        return loans === undefined ? store.remove(uuid) : store.save(uuid, JSON.stringify({ boot, loans }));
      });
    this.#writing.set(uuid, writing);
    const forget = (): void => {
      if (this.#writing.get(uuid) === writing) this.#writing.delete(uuid);
    };
    writing.then(forget, forget);
    return writing;
  }
}

/** Whether a user can do with a file what it has to; other groups that it is in do not count. */
function isUsable({ uid, gid, mode }: FileStatus, owner: Owner, isWritten: boolean): boolean {
  const needed = isWritten ? 6 : 4;
  const shift = uid === owner.uid ? 6 : gid === owner.gid ? 3 : 0;
  return ((mode >> shift) & needed) === needed;
}

function isOwner(one: Owner, other: Owner): boolean {
  return one.uid === other.uid && one.gid === other.gid;
}

function isSame(one: Pick<FileStatus, "device" | "inode">, other: Pick<FileStatus, "device" | "inode">): boolean {
  return one.device === other.device && one.inode === other.inode;
}

function parse(text: string): { readonly boot: string; readonly loans: Loan[] } {
  const { boot, loans } = JSON.parse(text) as { boot: unknown; loans: unknown };
  if (typeof boot !== "string" || !Array.isArray(loans) || !loans.every(isLoan)) throw new Error("these are no loans");
  return { boot, loans };
}

function isLoan(value: unknown): value is Loan {
  const { path, device, inode, before, owner } = (value ?? {}) as Partial<Record<keyof Loan, unknown>>;
  return [path, device, inode].every((each) => typeof each === "string") && [before, owner].every(isOwnerRecord);
}

function isOwnerRecord(value: unknown): boolean {
  const { uid, gid } = (value ?? {}) as Partial<Record<keyof Owner, unknown>>;
  return Number.isInteger(uid) && Number.isInteger(gid);
}
