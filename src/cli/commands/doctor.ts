/**
 * `leasehold doctor`
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { loadPostgres, loadRedis } from "../../ConfiguredLog.ts"
import { postgresPlace, redisPlace, type ServerGiven, serverFlags, serverKind } from "../Access.ts"
import { answering } from "../Answer.ts"
import { Unsuccessful } from "../Failure.ts"
import { json, print, printJson } from "../Output.ts"
import { pairs, table } from "../Table.ts"

/** What was found, and the name of what was examined. */
const examine = Effect.fnUntraced(function* (given: ServerGiven) {
  if ((yield* serverKind(given)) === "postgres") {
    const place = yield* postgresPlace(given)
    const { connectAsService } = yield* loadPostgres(() => import("../PostgresAccess.ts"))
    const { diagnose } = yield* loadPostgres(() => import("../../backends/postgres/Doctor.ts"))
    const { findings, level } = yield* diagnose(yield* connectAsService(place), place.schema)
    return { of: { schema: place.schema }, findings, level }
  }
  const place = yield* redisPlace(given)
  const { connect } = yield* loadRedis(() => import("../RedisAccess.ts"))
  const { diagnose } = yield* loadRedis(() => import("../../backends/redis/Doctor.ts"))
  const { findings, level } = yield* diagnose(yield* connect(place), place.name)
  return { of: { name: place.name }, findings, level }
})

/**
 * @since 0.1.0
 * @category commands
 * @stability unstable
 */
export const doctor = Command.make(
  "doctor",
  {
    log: Flag.Literals("log", ["postgres", "redis"]).pipe(
      Flag.withDescription(
        "Which server's log; default what the other flags say, LEASEHOLD_LOG, or the URL that is set"
      ),
      Flag.optional
    ),
    ...serverFlags,
    json
  },
  ({ json, ...given }) =>
    answering(
      json,
      Effect.gen(function* () {
        const { findings, level, of } = yield* examine(given)
        if (json) printJson({ ...of, level, findings })
        else {
          print(
            table<(typeof findings)[number]>(findings, [
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
).pipe(
  Command.withDescription(
    "Examines the server of a Postgres or Redis log and what the log needs of it, and says what to do"
  )
)
