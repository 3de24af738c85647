/**
 * `leasehold migrate plan`, `up` and `status`
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import { loadPostgres } from "../../ConfiguredLog.ts"
import { postgresFlags, postgresPlace } from "../Access.ts"
import { answering } from "../Answer.ts"
import { Unsuccessful } from "../Failure.ts"
import { json, note, print, printJson } from "../Output.ts"
import { table } from "../Table.ts"
import { instant } from "../Time.ts"

const load = Effect.all({
  Migrations: loadPostgres(() => import("../../backends/postgres/Migrations.ts")),
  Access: loadPostgres(() => import("../PostgresAccess.ts"))
})

const plan = Command.make("plan", { ...postgresFlags, json }, ({ json, ...given }) =>
  answering(
    json,
    Effect.gen(function* () {
      const place = yield* postgresPlace(given)
      const { Access, Migrations } = yield* load
      const status = yield* Migrations.status(yield* Access.connect(place), place.schema)
      const sql = Migrations.plan(status)
      const missing = status.missing.map(({ name, version }) => ({ version, name }))
      if (json) return printJson({ schema: place.schema, missing, sql })
      if (sql === "") note(`nothing to do: schema ${place.schema} has all migrations`)
      else print(sql)
    })
  )
).pipe(Command.withDescription("The SQL that `migrate up` would run, without running it"))

const up = Command.make("up", { ...postgresFlags, json }, ({ json, ...given }) =>
  answering(
    json,
    Effect.gen(function* () {
      const place = yield* postgresPlace(given)
      const { Access, Migrations } = yield* load
      const done = yield* Migrations.up(yield* Access.connect(place), place.schema)
      const applied = done.map(({ name, version }) => ({ version, name }))
      if (json) return printJson({ schema: place.schema, applied })
      for (const { name, version } of applied) print(`schema ${place.schema} has version ${version} now: ${name}`)
      if (applied.length === 0) print(`nothing to do: schema ${place.schema} has all migrations`)
    })
  )
).pipe(Command.withDescription("Applies what is missing, all or nothing, one process at a time"))

const status = Command.make("status", { ...postgresFlags, json }, ({ json, ...given }) =>
  answering(
    json,
    Effect.gen(function* () {
      const place = yield* postgresPlace(given)
      const { Access, Migrations } = yield* load
      const { applied, missing } = yield* Migrations.status(yield* Access.connect(place), place.schema)
      const newer = Migrations.newerThanThis(applied)
      const lacking = missing.map(({ name, readableBy, version }) => ({ version, name, readableBy }))
      if (json) {
        printJson({
          schema: place.schema,
          usable: newer === undefined && lacking.length === 0,
          applied,
          missing: lacking
        })
      } else {
        const rows = [
          ...applied.map((each) => [each, instant(each.appliedAt)] as const),
          ...lacking.map((each) => [each, "missing"] as const)
        ]
        print(
          table(rows, [
            { title: "VERSION", value: ([each]) => String(each.version), align: "right" },
            { title: "READABLE BY", value: ([each]) => String(each.readableBy), align: "right" },
            { title: "APPLIED", value: ([, applied]) => applied },
            { title: "NAME", value: ([each]) => each.name }
          ])
        )
      }
      if (newer !== undefined) {
        const detail = `schema ${place.schema} is of version ${newer.version}, which needs a newer release than this`
        return yield* new Unsuccessful({ detail })
      }
      if (lacking.length > 0) {
        const detail = `schema ${place.schema} lacks ${lacking.length} of its migrations; run leasehold migrate up`
        return yield* new Unsuccessful({ detail })
      }
    })
  )
).pipe(Command.withDescription("The migrations that a schema has and lacks; exit code 1 if this release cannot use it"))

/**
 * @since 0.1.0
 * @category commands
 * @stability unstable
 */
export const migrate = Command.make("migrate").pipe(
  Command.withDescription("Make or upgrade the schema of a Postgres log"),
  Command.withSubcommands([plan, up, status])
)
