/** File logs that forget or repeat themselves when they crash amid several clients. */
import * as Effect from "effect/Effect"
import type { JobLogOperations } from "../../../src/log/JobLog.ts"
import { fileHarness, simulatedHarness } from "../../properties/fileHarness.ts"
import { showing } from "../Mutant.ts"
import { halfLease } from "./claims.ts"
import type { FileMutant } from "../fileMutants.ts"

/** Changes the log as it is opened after a crash. */
const afterCrash = (name: string, wrap: (log: JobLogOperations) => JobLogOperations): FileMutant["harness"] => ({
  name,
  make: Effect.map(fileHarness.make, (test) => {
    const { crash } = test
    if (crash === undefined) return test
    return { ...test, crash: (options) => Effect.map(crash(options), wrap) }
  })
})

export const concurrentFileMutants: ReadonlyArray<FileMutant> = [
  {
    name: "nothing is ever synced",
    law: "nothingLostInADrain",
    within: 60,
    harness: simulatedHarness("no fdatasync", (disk) => ({
      ...disk,
      open: (path, mode) => Effect.map(disk.open(path, mode), (file) => ({ ...file, datasync: Effect.void }))
    }))
  },
  {
    name: "deliveries begin anew after a crash",
    law: "concurrentHistoriesExplained",
    within: 200,
    harness: afterCrash("deliveries anew", (log) =>
      showing(log, {
        grant: (grant) => ({ ...grant, delivery: 1 }),
        job: (job) => ({ ...job, deliveries: Math.min(1, job.deliveries) })
      })
    )
  },
  {
    name: "a session opened after a crash has the lease of one that died",
    law: "concurrentSingleLease",
    within: 300,
    harness: afterCrash("short leases", (log) => halfLease(log))
  },
  {
    name: "what was enqueued before a crash is not looked for after it",
    law: "noFalseEmpty",
    within: 300,
    harness: afterCrash("empty after a crash", (log) => {
      let enqueued = false
      return {
        ...log,
        enqueue: (items) => Effect.tap(log.enqueue(items), () => Effect.sync(() => void (enqueued = true))),
        claim: (request) => log.claim(enqueued ? request : { ...request, park: false, queue: "elsewhere" })
      }
    })
  }
]
