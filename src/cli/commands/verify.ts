/**
 * `leasehold verify`
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import { fileDirectory, mustHoldLog } from "../Access.ts"
import { answering } from "../Answer.ts"
import { Unsuccessful } from "../Failure.ts"
import { json, print, printJson } from "../Output.ts"
import { table } from "../Table.ts"

/**
 * @since 0.1.0
 * @category commands
 * @stability unstable
 */
export const verify = Command.make(
  "verify",
  {
    directory: Argument.String("directory").pipe(
      Argument.withDescription("The log's directory; default LEASEHOLD_DIRECTORY"),
      Argument.optional
    ),
    json
  },
  ({ directory, json }) =>
    answering(
      json,
      Effect.gen(function* () {
        const absolute = yield* fileDirectory(directory)
        yield* mustHoldLog(absolute)
        const { verifyDirectory } = yield* Effect.promise(() => import("../../backends/file/VerifyLog.ts"))
        const { nodeDisk } = yield* Effect.promise(() => import("../../backends/file/journal/NodeDisk.ts"))
        const report = yield* verifyDirectory(nodeDisk, absolute)
        const { damage, frames, jobs, leftovers, segments, tornTail } = report
        if (json) printJson({ sound: damage === undefined, directory: absolute, ...report })
        else {
          print(
            table(segments, [
              { title: "SEGMENT", value: (segment) => segment.name },
              { title: "FRAMES", value: (segment) => String(segment.frames), align: "right" },
              { title: "BYTES", value: (segment) => String(segment.bytes), align: "right" }
            ])
          )
          for (const leftover of leftovers) print(`leftover: ${leftover} (the next opening removes it)`)
          if (tornTail !== undefined) {
            print(
              `torn tail: ${tornTail.segment}+${tornTail.offset} (an interrupted write; the next opening cuts it off)`
            )
          }
          if (damage === undefined) {
            const held = Object.values(jobs).reduce((sum, each) => sum + each, 0)
            print(`sound: ${frames} frames in ${segments.length} segments, ${held} jobs`)
          } else print(`damaged: ${damage.segment}+${damage.offset}: ${damage.cause}`)
        }
        if (damage !== undefined) {
          return yield* new Unsuccessful({ detail: `${damage.segment}+${damage.offset}: ${damage.cause}` })
        }
      })
    )
).pipe(
  Command.withDescription("Checks every byte of a file log's directory, beside a live owner too, and changes nothing")
)
