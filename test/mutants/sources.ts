import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { pathToFileURL } from "node:url"
import type { Harness } from "../../properties/Harness.ts"
import type { LawName } from "../../properties/LawName.ts"
import * as VirtualClock from "../../properties/VirtualClock.ts"
import type * as MemoryLog from "../../src/backends/memory/MemoryLog.ts"

/** One line of the shared transitions changed: both the memory and the file log decide by them. */
export interface SourceMutant {
  readonly name: string
  readonly law: LawName
  readonly within: number
  readonly find: string
  readonly replace: string
}

/** Changes of `src/model/Transition.ts`. The laws' own model knows nothing of that file. */
export const sourceMutants: ReadonlyArray<SourceMutant> = [
  {
    name: "the fence looks at the session only",
    law: "staleTokenRefused",
    within: 300,
    find: "if (job.token !== token || job.session !== session) return",
    replace: "if (job.session !== session) return"
  },
  {
    name: "the fence looks at the token only",
    law: "staleTokenRefused",
    within: 100,
    find: "if (job.token !== token || job.session !== session) return",
    replace: "if (job.token !== token) return"
  },
  {
    name: "one attempt too many",
    law: "attemptsBounded",
    within: 100,
    find: "if (counted && attempts >= job.maxAttempts)",
    replace: "if (counted && attempts > job.maxAttempts)"
  },
  {
    name: "deliveries are not bounded",
    law: "attemptsBounded",
    within: 100,
    find: "if (job.deliveries >= job.maxDeliveries) return",
    replace: "if (job.deliveries > 1e9) return"
  },
  {
    name: "an expired run that had started costs no attempt",
    law: "attemptsBounded",
    within: 300,
    find: "attempts: job.started ? job.attempts + 1 : job.attempts,",
    replace: "attempts: job.attempts,"
  },
  {
    name: "a grant is not counted as a delivery",
    law: "attemptsBounded",
    within: 50,
    find: "deliveries: job.deliveries + 1,",
    replace: "deliveries: job.deliveries,"
  },
  {
    name: "a release counts as an attempt",
    law: "attemptsBounded",
    within: 100,
    find: `        visibleAt: event.visibleAt,
        session: undefined,
        started: false,
        cause: event.cause ?? job.cause`,
    replace: `        attempts: job.attempts + 1,
        visibleAt: event.visibleAt,
        session: undefined,
        started: false,
        cause: event.cause ?? job.cause`
  },
  {
    name: "the deadline does not end a retry",
    law: "deadLettersConserved",
    within: 400,
    find: "if (job.deadline !== undefined && (job.deadline <= now || job.deadline < visibleAt)) {",
    replace: "if (job.deadline !== undefined && job.deadline <= now) {"
  },
  {
    name: "a dead letter forgets its cause",
    law: "deadLettersConserved",
    within: 50,
    find: `        finishedAt: event.at,
        cause: event.cause
      }`,
    replace: `        finishedAt: event.at
      }`
  },
  {
    name: "a job can be replaced after it was granted",
    law: "keyDeduplicates",
    within: 400,
    find: `return job.token > 0 ? "granted" : { _tag: "Replaced", job: command.job }`,
    replace: `return { _tag: "Replaced", job: command.job }`
  },
  {
    name: "a cancelled job can still be completed",
    law: "cancelIsTerminal",
    within: 100,
    find: `if (job.status === "Cancelled") return "cancelled"
  return job.status === "Leased" ? undefined : "stale"`,
    replace: `return undefined`
  }
]

const root = path.resolve(import.meta.dirname, "../..")

/** A copy of the sources with one place changed, in a fresh directory that `remove` deletes. */
export const copySources = (mutant: SourceMutant): { readonly directory: string; readonly remove: () => void } => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "leasehold-mutant-"))
  for (const floor of ["model", "log", "backends/memory"]) {
    fs.cpSync(path.join(root, "src", floor), path.join(directory, "src", floor), { recursive: true })
  }
  fs.copyFileSync(path.join(root, "package.json"), path.join(directory, "package.json"))
  fs.symlinkSync(path.join(root, "node_modules"), path.join(directory, "node_modules"))
  const file = path.join(directory, "src/model/Transition.ts")
  const text = fs.readFileSync(file, "utf8")
  const parts = text.split(mutant.find)
  if (parts.length !== 2) {
    throw new Error(`mutant "${mutant.name}": its place occurs ${parts.length - 1} times in Transition.ts; adapt it`)
  }
  fs.writeFileSync(file, parts.join(mutant.replace))
  return { directory, remove: () => fs.rmSync(directory, { recursive: true, force: true }) }
}

/** The memory log of a directory of sources. */
export const harnessOf = async (name: string, directory: string): Promise<Harness> => {
  const url = pathToFileURL(path.join(directory, "src/backends/memory/MemoryLog.ts")).href
  // the copy has the shape of the original
  const copy = (await import(/* @vite-ignore */ url)) as typeof MemoryLog
  return {
    name,
    make: Effect.suspend(() => {
      const clock = VirtualClock.make()
      return copy.make().pipe(
        Effect.provideService(Clock.Clock, clock),
        Effect.map((log) => ({ log: VirtualClock.runLogOn(clock, log), advance: clock.advance }))
      )
    })
  }
}
