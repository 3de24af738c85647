/** Runs the real command line in other processes, against logs in temporary directories. */
import { type ChildProcess, execFile, fork } from "node:child_process"
import { cpSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Effect from "effect/Effect"
import * as FileLog from "../../src/backends/file/FileLog.ts"
import type { EnqueueItem, JobLogOperations } from "../../src/log/JobLog.ts"

const entry = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url))
const keptScript = fileURLToPath(new URL("./kept.ts", import.meta.url))
const ownerScript = fileURLToPath(new URL("./owner.ts", import.meta.url))

/** How a command ended. */
export interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** A folder for one test file. */
export interface Place {
  readonly root: string
  /** A directory in it that does not exist yet. */
  readonly fresh: () => string
  /** A copy of a log that nobody has open. */
  readonly copy: (log: string) => string
  /** Runs `leasehold …args`; with an environment always in a process of its own. */
  readonly leasehold: (args: ReadonlyArray<string>, env?: Readonly<Record<string, string>>) => Promise<Ended>
  /** `leasehold` with `--json`: the object on the last line. */
  readonly json: (
    args: ReadonlyArray<string>
  ) => Promise<{ readonly code: number; readonly value: Answer; readonly err: string }>
  /** Runs Node itself there. */
  readonly node: (args: ReadonlyArray<string>) => Promise<Ended>
  readonly remove: () => void
}

/** What the commands answer, as far as tests look into it. */
export interface Answer {
  readonly jobs: ReadonlyArray<{ readonly id: string }>
  readonly next?: string
  readonly queues: ReadonlyArray<{ readonly queue: string; readonly paused: boolean }>
  readonly job: object
  readonly why: ReadonlyArray<{ readonly code: string; readonly detail: string }>
}

/**
 * `kept`: commands are run one after the other by a process that is kept, for tests of what they answer rather than of
 * how they start and end. `env` is added to the environment of all.
 */
export const makePlace = ({
  env: ofAll = {},
  kept = false
}: {
  readonly env?: Readonly<Record<string, string>>
  readonly kept?: boolean
} = {}): Place => {
  const root = mkdtempSync(join(tmpdir(), "leasehold-cli-"))
  // what is compiled is shared by all commands of a run of the tests
  const cache = process.env["NODE_COMPILE_CACHE"] ?? join(root, "cache")
  let count = 0
  const fresh = () => join(root, `log-${++count}`)
  const run = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>>): Promise<Ended> =>
    new Promise((resolve) => {
      const options = { cwd: root, env: { XDG_CACHE_HOME: cache, PATH: process.env["PATH"] ?? "", ...ofAll, ...env } }
      execFile(process.execPath, args, options, (error, out, err) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1
        resolve({ code, out, err })
      })
    })
  let child: ChildProcess | undefined
  let last: Promise<unknown> = Promise.resolve()
  const keptOne = (): ChildProcess => {
    const env = { XDG_CACHE_HOME: cache, NODE_COMPILE_CACHE: cache, PATH: process.env["PATH"] ?? "", ...ofAll }
    return fork(keptScript, { cwd: root, env, stdio: ["ignore", "ignore", "inherit", "ipc"] })
  }
  const ask = (args: ReadonlyArray<string>): Promise<Ended> =>
    new Promise((resolve, reject) => {
      const asked = (child ??= keptOne())
      const died = (code: number | null): void => reject(new Error(`the kept process ended with ${code}`))
      asked.once("exit", died)
      asked.once("message", (answer) => {
        asked.off("exit", died)
        // the process answers in this form
        resolve(answer as Ended)
      })
      asked.send(args)
    })
  const leasehold: Place["leasehold"] = (args, env) => {
    if (!kept || env !== undefined) return run([entry, ...args], env ?? {})
    const answer = last.then(() => ask(args))
    last = answer.catch(() => {})
    return answer
  }
  return {
    root,
    fresh,
    copy: (log) => {
      const to = fresh()
      cpSync(log, to, { recursive: true })
      return to
    },
    leasehold,
    node: (args) => run(args, {}),
    json: async (args) => {
      const { code, err, out } = await leasehold([...args, "--json"])
      return { code, err, value: JSON.parse(out.trimEnd().split("\n").at(-1) ?? "") }
    },
    remove: () => {
      child?.kill()
      rmSync(root, { recursive: true, force: true })
    }
  }
}

/** The n-th job's id. */
export const id = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`

const item = (n: number, queue: string, rest: Partial<EnqueueItem> = {}): EnqueueItem => ({
  id: id(n),
  queue,
  name: "send",
  version: 1,
  payload: JSON.stringify({ n }),
  ...rest
})

/**
 * Fills an empty log with a job in every state that needs no live owner: 1 dead (of `Declined`), 2 ready, 3 delayed by
 * an hour, 4 completed, 5 cancelled, 6 backing off, all in `mail`; 7 ready in `stopped`, which is paused; 8 and 9 dead of
 * `deadline` and `Declined` in `mail`.
 */
export const fill = Effect.fnUntraced(function* (log: JobLogOperations) {
  const session = (yield* log.open({ owner: "seed", leaseDuration: 60_000 })).id
  let call = 0
  const settleNext = Effect.fnUntraced(function* (
    settlement: Parameters<typeof log.settle>[0]["items"][number]["settlement"]
  ) {
    const { grants } = yield* log.claim({ session, call: ++call, queue: "mail", limit: 1 })
    const { id, receipt, token } = grants[0]!
    yield* log.settle({ session, call: ++call, items: [{ id, receipt, token, settlement }] })
  })
  const declined = { kind: "failure", tag: "Declined", message: "no money\n\u001b[31m" } as const
  yield* log.enqueue([item(1, "mail"), item(4, "mail")])
  yield* settleNext({ _tag: "DeadLetter", cause: declined })
  yield* settleNext({ _tag: "Complete", result: '"sent"' })
  yield* log.enqueue([item(8, "mail"), item(9, "mail"), item(6, "mail")])
  yield* settleNext({ _tag: "DeadLetter", cause: { kind: "deadline", message: "too late" } })
  yield* settleNext({ _tag: "DeadLetter", cause: declined })
  yield* settleNext({
    _tag: "Retry",
    delay: 3_600_000,
    cause: { kind: "failure", tag: "GatewayDown", message: "502" }
  })
  yield* log.enqueue([item(2, "mail"), item(3, "mail", { delay: 3_600_000 }), item(5, "mail"), item(7, "stopped")])
  yield* log.control([
    { _tag: "Cancel", id: id(5) },
    { _tag: "Pause", queue: "stopped" }
  ])
  yield* log.close(session)
})

/** A new file log that is filled. */
export const seed = (directory: string): Promise<void> =>
  Effect.runPromise(Effect.scoped(Effect.flatMap(FileLog.make({ directory }), fill)))

/** A process that owns a log and runs jobs. */
export interface Owner {
  readonly pid: number
  /** Waits until the owner has said this. */
  readonly said: (message: string) => Promise<void>
  /** Ends it in order. */
  readonly stop: () => Promise<void>
}

export const startOwner = async (directory: string): Promise<Owner> => {
  const child: ChildProcess = fork(ownerScript, [directory], { stdio: ["ignore", "ignore", "inherit", "ipc"] })
  const heard = new Set<string>()
  const waiting = new Map<string, () => void>()
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()))
  child.on("message", (message) => {
    heard.add(String(message))
    waiting.get(String(message))?.()
  })
  const said = (message: string) =>
    heard.has(message)
      ? Promise.resolve()
      : Promise.race([
          new Promise<void>((resolve) => waiting.set(message, resolve)),
          ended.then(() => {
            if (!heard.has(message)) throw new Error(`the owner ended before it said ${message}`)
          })
        ])
  await said("ready")
  return {
    pid: child.pid ?? -1,
    said,
    stop: () => {
      if (child.connected) child.send("stop")
      return ended
    }
  }
}
