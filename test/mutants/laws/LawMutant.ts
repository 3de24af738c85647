/** How a log is broken so that one law has to notice. */
import * as Effect from "effect/Effect"
import type { Harness, TestLog } from "../../../properties/Harness.ts"
import type { Disk } from "../../../src/backends/file/journal/Disk.ts"
import type { Capabilities } from "../../../src/log/Capabilities.ts"
import type { JobLogOperations } from "../../../src/log/JobLog.ts"
import type { LogError } from "../../../src/log/LogError.ts"
import { fileHarness, simulatedHarness } from "../../properties/fileHarness.ts"
import { memoryHarness } from "../../properties/memoryHarness.ts"
import type { FileMutant } from "../fileMutants.ts"
import { mutate } from "../Mutant.ts"

/** A log that is broken in one way, the law that has to notice, and the unbroken log. */
export interface LawMutant extends FileMutant {
  readonly original: Harness
}

export type Wrap = (log: JobLogOperations) => JobLogOperations

export const inMemory = (law: LawMutant["law"], within: number, name: string, wrap: Wrap): LawMutant => ({
  name,
  law,
  within,
  original: memoryHarness,
  harness: { ...mutate(memoryHarness, { name, wrap }), patience: 5000 }
})

/** A log that is as it is, and says that it is otherwise. */
export const boasting = (name: string, original: Harness, claims: Partial<Capabilities>): LawMutant => ({
  name,
  law: "capabilitiesHonest",
  within: 1,
  original,
  harness: {
    ...original,
    name,
    make: Effect.map(original.make, (test) => ({
      ...test,
      log: { ...test.log, capabilities: { ...test.log.capabilities, ...claims } }
    }))
  }
})

/** The file log with its hands changed. */
export const handled = (
  law: LawMutant["law"],
  within: number,
  name: string,
  change: (test: TestLog) => Partial<TestLog> | Effect.Effect<Partial<TestLog>>
): LawMutant => ({
  name,
  law,
  within,
  original: fileHarness,
  harness: {
    ...fileHarness,
    name,
    make: Effect.gen(function* () {
      const test = yield* fileHarness.make
      const changed = change(test)
      return { ...test, ...(Effect.isEffect(changed) ? yield* changed : changed) }
    })
  }
})

/** The file log with something done at each opening; `opened` counts them from 0. */
export const opening = (
  law: LawMutant["law"],
  within: number,
  name: string,
  open: (log: JobLogOperations, opened: number) => Effect.Effect<JobLogOperations, LogError>
): LawMutant =>
  handled(law, within, name, (test) =>
    Effect.gen(function* () {
      let opened = 0
      const again = (log: JobLogOperations) => open(log, ++opened)
      const { crash, restart } = test
      return {
        log: yield* Effect.orDie(open(test.log, 0)),
        crash: crash === undefined ? undefined : (options) => Effect.flatMap(crash(options), again),
        restart: restart === undefined ? undefined : Effect.flatMap(restart, again)
      }
    })
  )

export const onDisk = (
  law: LawMutant["law"],
  within: number,
  name: string,
  change: (disk: Disk) => Partial<Disk>
): LawMutant => ({
  name,
  law,
  within,
  original: fileHarness,
  harness: simulatedHarness(name, (disk) => ({ ...disk, ...change(disk) }))
})
