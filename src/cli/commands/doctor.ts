/**
 * `leasehold doctor`
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import { loadPostgres } from "../../ConfiguredLog.ts"
import { postgresFlags, postgresPlace } from "../Access.ts"
import { answering } from "../Answer.ts"
import { Unsuccessful } from "../Failure.ts"
import { json, print, printJson } from "../Output.ts"
import { pairs, table } from "../Table.ts"

/**
 * @since 0.1.0
 * @category commands
 * @stability unstable
 */
export const doctor = Command.make("doctor", { ...postgresFlags, json }, ({ json, ...given }) =>
  answering(
    json,
    Effect.gen(function* () {
      const place = yield* postgresPlace(given)
      const { connectAsService } = yield* loadPostgres(() => import("../PostgresAccess.ts"))
      const { diagnose } = yield* loadPostgres(() => import("../../backends/postgres/Doctor.ts"))
      const report = yield* diagnose(yield* connectAsService(place), place.schema)
      const { findings, level } = report
      if (json) printJson({ schema: place.schema, level, findings })
      else {
        print(
          table(findings, [
            { title: "CHECK", value: (finding) => finding.check },
            { title: "LEVEL", value: (finding) => finding.level },
            { title: "FOUND", value: (finding) => finding.found }
          ])
        )
        for (const { check, level, meaning, remedy } of findings) {
          if (level === "ok") continue
          print("")
          print(
            pairs([
              [`${level}: ${check}`, meaning],
              ["  what helps", remedy]
            ])
          )
        }
      }
      const failed = findings.filter((finding) => finding.level === "fail").map((finding) => finding.check)
      if (failed.length > 0)
        return yield* new Unsuccessful({ detail: `the log cannot be relied on: ${failed.join(", ")}` })
    })
  )
).pipe(Command.withDescription("Examines the server and the schema of a Postgres log, and says what to do"))
