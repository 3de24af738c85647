/**
 * The faults that are done to real processes, disks and connections, what the machine has to offer for each, and the
 * account of what fired. A fault that cannot be injected here is named with the reason; it is never left out silently.
 */
import { spawnSync } from "node:child_process"

export type Means = "syscalls" | "tmpfs" | "signals" | "sockets"

/** Every fault of this folder by name, and the means that it needs. */
export const faults = {
  "kill at a system call": "syscalls",
  "kill before an answer is told": "syscalls",
  "EIO once": "syscalls",
  "EIO for ever": "syscalls",
  "ENOSPC once": "syscalls",
  "ENOSPC for ever": "syscalls",
  "slow system call": "syscalls",
  "failing fdatasync": "syscalls",
  "disk full": "tmpfs",
  "owner stopped past its lease": "signals",
  "owner stopped under a command": "signals",
  "request lost": "sockets",
  "reply lost after commit": "sockets",
  "reply delayed": "sockets",
  "reply in single bytes": "sockets",
  "connection reset": "sockets",
  "connection swallowed": "sockets",
  "connection half open": "sockets",
  "connection refused": "sockets",
  "server killed": "signals"
} as const satisfies Record<string, Means>

export type FaultName = keyof typeof faults

const attempt = (command: string, words: ReadonlyArray<string>): string | undefined => {
  const { error, status, stderr } = spawnSync(command, words, { encoding: "utf8", timeout: 10_000 })
  if (error !== undefined) return error.message
  return status === 0 ? undefined : `${command} exits with ${status}: ${stderr.trim().split("\n").slice(-1).join()}`
}

/** How to enter a mount namespace of one's own, where a file system may be mounted: as nobody, where that is allowed. */
export const ownMounts = ["unshare", "--user", "--map-root-user", "--mount"] as const

/** Really does it once, on a process of no importance; answers why it does not work. */
const probes: Readonly<Record<Means, () => string | undefined>> = {
  syscalls: () => {
    // the very calls that the harness relies on: an error and a kill
    const words = ["-f", "-qq", "-o", "/dev/null", "-e", "trace=chdir"]
    const inject = (action: string) => ["-e", `inject=chdir:${action}:when=1`, "sh", "-c", "cd / && exit 7"]
    const { error, status } = spawnSync("strace", [...words, ...inject("error=EIO")], { timeout: 10_000 })
    if (error !== undefined) return `${error.message} (Debian package strace)`
    if (status === 7 || status === null) return `strace did not fail the call: exit code ${status} (is ptrace allowed?)`
    const { signal } = spawnSync("strace", [...words, ...inject("signal=SIGKILL")], { timeout: 10_000 })
    return signal === "SIGKILL" ? undefined : "strace did not kill at the call (is ptrace allowed?)"
  },
  tmpfs: () => {
    const [command, ...words] = ownMounts
    const failed = attempt(command, [...words, "sh", "-c", "mount -t tmpfs -o size=1m none /mnt && test -w /mnt"])
    return failed === undefined
      ? undefined
      : `${failed} (Debian package util-linux; unprivileged user namespaces must be allowed)`
  },
  signals: () => (process.platform === "win32" ? "this system has no SIGSTOP" : undefined),
  sockets: () => undefined
}

const found = new Map<Means, string | undefined>()

/** Why this machine lacks the means; probed once. */
export const lacks = (means: Means): string | undefined => {
  if (!found.has(means)) found.set(means, probes[means]())
  return found.get(means)
}

export interface FaultsJson {
  /** How often each fault fired. */
  readonly fired: Readonly<Record<string, number>>
  /** Faults that this machine cannot inject, and why. */
  readonly unavailable: Readonly<Record<string, string>>
}

/** What one run of tests injected. */
export class FaultAccount {
  readonly #fired = new Map<FaultName, number>()
  readonly #unavailable = new Map<FaultName, string>()

  /**
   * Whether the fault can be injected here. Where it cannot, that is noted, and on Linux it is an error: all means can
   * be installed there. `LEASEHOLD_FAULTS=available` makes do with what there is.
   */
  can(fault: FaultName): boolean {
    const reason = lacks(faults[fault])
    if (reason === undefined) return true
    this.#unavailable.set(fault, reason)
    if (process.platform === "linux" && process.env["LEASEHOLD_FAULTS"] !== "available") {
      throw new Error(`this machine cannot inject "${fault}": ${reason}. LEASEHOLD_FAULTS=available goes on without it`)
    }
    return false
  }

  fired(fault: FaultName, times = 1): void {
    this.#fired.set(fault, (this.#fired.get(fault) ?? 0) + times)
  }

  toJSON(): FaultsJson {
    return { fired: Object.fromEntries(this.#fired), unavailable: Object.fromEntries(this.#unavailable) }
  }

  /** For the end of a test run. */
  summary(): string {
    const fired = [...this.#fired].map(([fault, times]) => `${fault} ${times}`)
    const missing = [...this.#unavailable].map(([fault, reason]) => `NOT INJECTED: ${fault}: ${reason}`)
    return [`faults that fired: ${fired.length === 0 ? "none" : fired.join(", ")}`, ...missing].join("\n")
  }
}
