/** A file log without its fibers on a simulated disk: the real journal, engine and operations, driven synchronously. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Engine } from "../../../src/backends/file/Engine.ts"
import { openEngine } from "../../../src/backends/file/EngineOpen.ts"
import { makeOperations } from "../../../src/backends/file/FileOperations.ts"
import { recover } from "../../../src/backends/file/journal/JournalRecovery.ts"
import { closeWalk, emptyWalk, type Walk } from "../../../src/backends/file/journal/Recovery.ts"
import type { OnFrame } from "../../../src/backends/file/journal/SegmentScan.ts"
import type { JobLogOperations } from "../../../src/log/JobLog.ts"
import type { LogError } from "../../../src/log/LogError.ts"
import { SimulatedDisk } from "../../../src/simulation/disk/SimulatedDisk.ts"
import { directory, readerOf, segmentBytes, stateText } from "./State.ts"
import { Workbench } from "./Workbench.ts"

/** A disk with an empty directory for a log. */
export const emptyDisk = (): SimulatedDisk => {
  const disk = new SimulatedDisk()
  Effect.runSync(disk.disk.makeDirectory(directory))
  return disk
}

/** The disk after losing power and all that was not synced. */
export const onlyDurable = (disk: SimulatedDisk): SimulatedDisk => disk.afterCrash(() => false)

/** A log that is open. */
export interface Opened {
  readonly disk: SimulatedDisk
  readonly engine: Engine
  readonly log: JobLogOperations
}

export class Rig {
  readonly workbench = new Workbench()

  /** The effect's value; throws what it failed with. */
  run<A>(effect: Effect.Effect<A, unknown>): A {
    const exit = this.workbench.run(effect)
    if (Exit.isSuccess(exit)) return exit.value
    throw Cause.squash(exit.cause)
  }

  open(disk: SimulatedDisk): Opened {
    const engine = this.run(openEngine({ disk: disk.disk, directory, segmentBytes, acceptClockAhead: false }))
    const none: Effect.Effect<void, LogError> = Effect.void
    return { disk, engine, log: makeOperations({ engine, reopen: none }) }
  }

  /** What the log says that it holds. */
  state({ disk, engine }: Opened): string {
    return stateText(engine.store, readerOf(disk, engine.journal.segments()))
  }

  /** Recovers the disk's journal, repairs included; `onFrame` sees its frames. */
  recover(disk: SimulatedDisk, onFrame: OnFrame): Walk {
    const walk = emptyWalk()
    const recovering = recover(walk, { disk: disk.disk, directory, onFrame, salt: () => 1 })
    const closing = (segments: ReadonlyArray<{ readonly file: { readonly close: Effect.Effect<void> } | undefined }>) =>
      Effect.forEach(segments, ({ file }) => file?.close ?? Effect.void, { discard: true })
    this.run(Effect.ensuring(Effect.flatMap(recovering, closing), closeWalk(walk)))
    return walk
  }
}
