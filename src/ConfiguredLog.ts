/**
 * The log that the environment chooses, so that a program's code names none.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { Options } from "./backends/file/FileLog.ts"
import type { JobLog } from "./log/JobLog.ts"
import type { LogError } from "./log/LogError.ts"
import * as Setting from "./scheduler/Setting.ts"

/**
 * The logs that can be chosen by name.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export const logNames = ["file", "memory"] as const

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type LogName = (typeof logNames)[number]

/**
 * `LEASEHOLD_LOG`: which log. A name that is not built in fails and lists those that are.
 *
 * @since 0.1.0
 * @category config
 * @stability unstable
 */
export const logName: Config.Config<LogName> = Setting.choice(
  "LEASEHOLD_LOG",
  "file",
  logNames,
  "a log of this release"
)

const mebibyte = 1024 ** 2

/**
 * How to open a file log, apart from where.
 *
 * @since 0.1.0
 * @category config
 * @stability unstable
 */
export const fileSettings: Config.Config<Omit<Options, "directory" | "disk">> = Config.all({
  segmentBytes: Setting.bytes("LEASEHOLD_SEGMENT_SIZE", 32 * mebibyte, 4096, 1024 * mebibyte),
  diskReserve: Setting.bytes("LEASEHOLD_DISK_RESERVE", 64 * mebibyte, 0, 1024 * 1024 * mebibyte),
  acceptClockAhead: Setting.flag("LEASEHOLD_ACCEPT_CLOCK_AHEAD", false)
})

/**
 * `LEASEHOLD_DIRECTORY`: where the file log lives, if set.
 *
 * @since 0.1.0
 * @category config
 * @stability unstable
 */
export const directory: Config.Config<Option.Option<string>> = Setting.optionalText("LEASEHOLD_DIRECTORY", 4096)

// A default place would depend on where the process was started, and a service started elsewhere would lose its jobs.
const directoryNeeded = Config.fail(
  new ConfigProvider.SourceError({
    message:
      "LEASEHOLD_DIRECTORY is not set: the file log needs the directory that holds it (or set LEASEHOLD_LOG=memory)"
  })
)

const fileOptions: Config.Config<Options> = Config.all({
  directory: Config.flatMap(
    directory,
    Option.match({ onNone: () => directoryNeeded, onSome: (path) => Config.succeed(path) })
  ),
  settings: fileSettings
}).pipe(Config.map((all) => ({ directory: all.directory, ...all.settings })))

/**
 * The log of `LEASEHOLD_LOG` with its settings. Only the chosen one is loaded.
 *
 * @since 0.1.0
 * @category layers
 * @stability unstable
 */
export const layer: Layer.Layer<JobLog, LogError | Config.ConfigError> = Layer.unwrap(
  Effect.gen(function* () {
    const name = yield* logName
    if (name === "memory") {
      const MemoryLog = yield* Effect.promise(() => import("./backends/memory/MemoryLog.ts"))
      return MemoryLog.layer()
    }
    const options = yield* fileOptions
    const FileLog = yield* Effect.promise(() => import("./backends/file/FileLog.ts"))
    return FileLog.layer(options)
  })
)
