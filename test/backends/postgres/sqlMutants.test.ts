import * as Effect from "effect/Effect"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { laws } from "../../../properties/index.ts"
import { postgresHarness, quiet, type PostgresHarness } from "../../properties/postgresHarness.ts"
import { isDue } from "../../support/mutantsDue.ts"
import { Postgres } from "../../support/servers/Postgres.ts"
import { type SqlMutant, sqlMutants } from "./sqlMutants.ts"

let server: Postgres
let harness: PostgresHarness
beforeAll(async () => {
  server = await Postgres.start({ settings: quiet })
  harness = postgresHarness({ name: "postgres", server, schema: "mutants", killEvery: 1000 })
})
afterAll(async () => {
  await Effect.runPromise(harness.close)
  await server.close()
})

const literal = (text: string): string => `$text$${text}$text$`

/** Replaces a piece of a function's text, which has to be there once. */
const replaced = (name: string, from: string, to: string): string => `DO $change$
DECLARE
  v_text text := pg_get_functiondef('mutants.${name}'::regproc);
BEGIN
  PERFORM set_config('search_path', 'mutants', true), set_config('check_function_bodies', 'off', true);
  IF (length(v_text) - length(replace(v_text, ${literal(from)}, ''))) <> length(${literal(from)}) THEN
    RAISE EXCEPTION 'it is not there once: %', ${literal(from)};
  END IF;
  EXECUTE replace(v_text, ${literal(from)}, ${literal(to)});
END $change$`

/** The function as it was, word by word. */
const original = async ({ in: name }: SqlMutant): Promise<string> => {
  await Effect.runPromise(
    harness.change(`CREATE TABLE IF NOT EXISTS public.original (name text PRIMARY KEY, text text)`)
  )
  await Effect.runPromise(
    harness.change(
      `INSERT INTO public.original VALUES ('${name}', pg_get_functiondef('mutants.${name}'::regproc)) ON CONFLICT DO NOTHING`
    )
  )
  return `DO $$ BEGIN PERFORM set_config('check_function_bodies', 'off', true); EXECUTE (SELECT text FROM public.original WHERE name = '${name}'); END $$`
}

/** Histories in which a mutant has to be found. */
const runs = 60

describe("a function of the schema that is wrong in one place dies", () => {
  test.for(sqlMutants.filter((_, place) => isDue(place)))("$name ($in): $law", { timeout: 120_000 }, async (mutant) => {
    const back = await original(mutant)
    await Effect.runPromise(harness.change(replaced(mutant.in, mutant.from, mutant.to)))
    try {
      const result = await Effect.runPromise(laws[mutant.law].check(harness, { seed: 1, runs, shrink: false }))
      expect(result.outcome, `${mutant.law} after ${result.runs} histories`).toBe("broken")
    } finally {
      await Effect.runPromise(harness.change(back))
    }
  })
})
