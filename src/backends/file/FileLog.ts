/**
 * The file log: all jobs of one process in one directory, every transition durable before it is answered.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { JobLog } from "../../log/JobLog.ts"
import type { JobLogOperations } from "../../log/JobLog.ts"
import { Closed, type LogError, refused } from "../../log/LogError.ts"
import * as ControlSocket from "./control/ControlSocket.ts"
import type { Disk } from "./journal/Disk.ts"
import type { Engine } from "./Engine.ts"
import { openEngine } from "./EngineOpen.ts"
import { capabilities } from "./FileCapabilities.ts"
import { type Host, makeOperations } from "./FileOperations.ts"
import { housekeeping } from "./Housekeeping.ts"
import { nodeDisk } from "./journal/NodeDisk.ts"
import { reviving } from "./Revival.ts"
import { timer } from "./WaitTimer.ts"

/**
 * How to open a file log.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Options {
  /** Created if it does not exist. One process owns it at a time. */
  readonly directory: string
  /** Size at which a segment ends, bytes; default 32 MiB. */
  readonly segmentBytes?: number | undefined
  /** Free disk space below which enqueues are refused so that settlements go on, bytes; default 64 MiB. */
  readonly diskReserve?: number | undefined
  /** Go on from the recorded time even if it lies more than an hour ahead of this machine's clock. Default false. */
  readonly acceptClockAhead?: boolean | undefined
  /** Takes commands of other processes through a socket in the directory. Default true on this machine's disk. */
  readonly controlSocket?: boolean | undefined
  /** The disk; default this machine's. */
  readonly disk?: Disk | undefined
}

const defaultSegmentBytes = 32 * 1024 * 1024
const defaultReserve = 64 * 1024 * 1024

/**
 * Opens a file log for as long as the scope lasts. Closing it leaves everything that was acknowledged on disk.
 *
 * Fails with `OwnedBy`, `NotWritable`, `Corrupt`, `UnsupportedFormat`, `ClockAhead` or `Unavailable`.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const make: (options: Options) => Effect.Effect<JobLogOperations, LogError, Scope.Scope> = Effect.fnUntraced(
  function* (options) {
    const disk = options.disk ?? nodeDisk
    const open = openEngine({
      disk,
      directory: options.directory,
      segmentBytes: options.segmentBytes ?? defaultSegmentBytes,
      acceptClockAhead: options.acceptClockAhead ?? false
    })
    const reopening = yield* Semaphore.make(1)
    const alone = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
      Semaphore.withPermits(reopening, 1)(Effect.uninterruptible(effect))
    const changed = yield* Latch.make(false)
    const chores = yield* Latch.make(false)
    let closed = false
    const attach = (engine: Engine): Engine => {
      engine.waits.onEarlier = () => changed.openUnsafe()
      engine.onGarbage = () => chores.openUnsafe()
      chores.openUnsafe()
      return engine
    }
    const hostOf = (engine: Engine): Host => {
      const host: Host = {
        engine: attach(engine),
        // not to be interrupted between an opened journal and whoever closes it: it only waits for the disk
        reopen: alone(
          Effect.suspend(() => {
            if (closed) return Effect.fail(refused("open", new Closed({})))
            if (host.engine.failure === undefined) return Effect.void
            host.engine.waits.fail()
            return Effect.andThen(
              host.engine.journal.abandon,
              Effect.map(open, (opened) => {
                host.engine = attach(opened)
                changed.openUnsafe()
              })
            )
          })
        )
      }
      return host
    }
    const host = yield* Effect.acquireRelease(Effect.map(open, hostOf), (opened) =>
      Effect.suspend(() => {
        closed = true
        opened.engine.waits.fail()
        // behind a reopening, whose journal it is then that has to be closed
        return alone(
          Effect.suspend(() => {
            const { engine } = opened
            engine.waits.fail()
            return engine.failure === undefined ? engine.journal.close : engine.journal.abandon
          })
        )
      })
    )
    yield* Effect.forkScoped(timer(host, changed))
    yield* Effect.forkScoped(
      housekeeping(host, chores, {
        disk,
        directory: options.directory,
        reserve: options.diskReserve ?? defaultReserve,
        floor: 2 * (options.segmentBytes ?? defaultSegmentBytes)
      })
    )
    const log = reviving(host, yield* Clock.Clock, makeOperations(host))
    if (options.controlSocket ?? disk === nodeDisk) {
      yield* Effect.catch(ControlSocket.listen(options.directory, log), (error) =>
        Effect.logWarning(`no commands can be taken from other processes: ${error.message}`)
      )
    }
    return log
  }
)

/**
 * A file log as a layer.
 *
 * @since 0.1.0
 * @category layers
 * @stability unstable
 */
export const layer = (options: Options): Layer.Layer<JobLog, LogError> => Layer.effect(JobLog, make(options))

export { capabilities }
export { readDirectory, type Reader } from "./FileReader.ts"
