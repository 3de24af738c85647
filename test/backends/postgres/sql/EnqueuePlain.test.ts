/** What is answered as inserted was inserted, also where the sequence of jobs cannot be asked. */
import * as Effect from "effect/Effect"
import { expect, it } from "vitest"
import { id } from "../../../cli/harness.ts"
import { makeSql } from "./sql.ts"

const { owner, withLog, withModestLog } = makeSql()

const request = (number: number) => ({ id: id(number), queue: "q", name: "send", version: 1, payload: "{}" })

const present = async () => (await owner("SELECT id FROM leasehold.jobs ORDER BY id")).map(({ id }) => id)

it("jobs are added where the sequence has not been drawn from", async () => {
  await withLog((log) => log.enqueue([request(1)]))
  // it tells no last value now, as it tells none from version 18 on without a right to it
  await owner("SELECT setval('leasehold.job_sequence', last_value + 1, false) FROM leasehold.job_sequence")
  const answers = await withLog((log) => log.enqueue([request(2), request(3)]))
  expect(answers.map(({ _tag }) => _tag)).toEqual(["Inserted", "Inserted"])
  expect(await present()).toEqual(expect.arrayContaining([id(1), id(2), id(3)]))
})

it("what has not been drawn is not taken for settled", async () => {
  await owner("SELECT setval('leasehold.job_sequence', last_value + 1, false) FROM leasehold.job_sequence")
  const [settled] = await owner(
    "SELECT s.last_value > l.settled AS behind FROM leasehold.job_sequence s, leasehold.settled_sequence() AS l(settled)"
  )
  expect(settled).toEqual({ behind: true })
})

it("a role without a right to the sequence is refused", async () => {
  await withLog((log) => log.enqueue([request(4)]))
  await owner("GRANT USAGE ON SCHEMA leasehold TO modest")
  await owner("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA leasehold TO modest")
  const refused = await withModestLog((log) => Effect.flip(log.enqueue([request(5)])))
  expect(refused.outcome).toBe("refused")
  expect(await present()).not.toContain(id(5))
})
