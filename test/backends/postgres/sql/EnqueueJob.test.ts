/** The function with which other languages enqueue holds them to the port, whatever they pass and whoever they are. */
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { decode } from "../../../../src/backends/postgres/NewsMessage.ts"
import { Limits } from "../../../../src/model/Limits.ts"
import { makeSql } from "./sql.ts"

const sql = makeSql()
const { modest, owner, withLog } = sql

const read = (id: unknown) =>
  withLog((log) =>
    Effect.map(log.read({ _tag: "Job", id: String(id) }), (answer) => (answer._tag === "Job" ? answer.job : undefined))
  )

const enqueue = async (rest: string): Promise<string> => {
  const [row] = await owner(`SELECT leasehold.enqueue_job(${rest}) AS id`)
  return String(row?.["id"])
}

let counter = 0
const newId = (): string => `10000000-0000-4000-8000-${String(++counter).padStart(12, "0")}`

describe("enqueue_job", () => {
  it("makes a job with the defaults of the port", async () => {
    const id = await enqueue(`'plain', 'send', '{"n": 1}'`)
    expect(await read(id)).toMatchObject({
      id,
      queue: "plain",
      name: "send",
      version: 1,
      payload: '{"n": 1}',
      state: "Ready",
      priority: 0,
      maxAttempts: 10,
      maxDeliveries: 23
    })
  })

  it("takes everything that a job may have", async () => {
    const id = newId()
    await enqueue(`'full', 'send', '[]', version => 3, priority => -5, delay => '90 seconds', deadline => '2200-01-01Z',
      timeout => '1.5 seconds', max_attempts => 4, max_deliveries => 7, key => E'k\\x01', key_window => '2 hours',
      group_key => 'g', metadata => '{"tenant": "a"}', id => '${id}'`)
    const job = await read(id)
    expect(job).toMatchObject({
      version: 3,
      priority: -5,
      state: "Scheduled",
      deadline: 7_258_118_400_000,
      timeout: 1_500,
      maxAttempts: 4,
      maxDeliveries: 7,
      key: "k\u0001",
      group: "g",
      metadata: { tenant: "a" }
    })
    expect(Number(job?.visibleAt) - Number(job?.enqueuedAt)).toBe(90_000)
    const at = await enqueue(`'full', 'send', '{}', at => '2100-01-01 00:00:00.5Z'`)
    expect(await read(at)).toMatchObject({ visibleAt: 4_102_444_800_500 })
  })

  it("answers the holder of a key, which a library sees as well", async () => {
    const first = await enqueue(`'keys', 'send', '{}', key => 'k'`)
    expect(await enqueue(`'keys', 'send', '{"other": 1}', key => 'k'`)).toBe(first)
    const again = await withLog((log) =>
      log.enqueue([
        { id: newId(), queue: "keys", name: "send", version: 1, payload: "{}", key: { value: "k", window: 0 } }
      ])
    )
    expect(again).toEqual([{ _tag: "Duplicate", id: first, state: "Ready" }])
    expect(await enqueue(`'keys', 'send', '{"new": 1}', key => 'k', key_replaces => true`)).toBe(first)
    expect(await read(first)).toMatchObject({ payload: '{"new": 1}', generation: 2 })
  })

  it("knows a request that is sent again, by its id", async () => {
    const id = newId()
    const request = (payload: string, deadline: string) =>
      `'again', 'send', '${payload}', delay => '1 hour', metadata => '{"a": "b"}', deadline => '${deadline}', id => '${id}'`
    expect(await enqueue(request("{}", "2100-01-01Z"))).toBe(id)
    expect(await enqueue(request("{}", "2101-01-01Z"))).toBe(id)
    await expect(enqueue(request('{"n": 2}', "2100-01-01Z"))).rejects.toMatchObject({
      reason: { cause: { code: "23505", message: `there is another job with the id ${id}` } }
    })
    const count = await owner("SELECT count(*)::int FROM leasehold.jobs WHERE queue = 'again'")
    expect(count).toEqual([{ count: 1 }])
    const library = await withLog((log) =>
      log.enqueue([
        {
          id,
          queue: "again",
          name: "send",
          version: 1,
          payload: "{}",
          delay: 3_600_000,
          metadata: { a: "b" },
          deadline: 5_000_000_000_000
        }
      ])
    )
    expect(library).toEqual([{ _tag: "Inserted", id }])
  })

  it("exists if and only if the caller's transaction commits", async () => {
    const id = newId()
    await expect(
      owner(`DO $$ BEGIN PERFORM leasehold.enqueue_job('undone', 'send', '{}', id => '${id}'); RAISE 'no'; END $$`)
    ).rejects.toMatchObject({ reason: { cause: { message: "no" } } })
    expect(await read(id)).toBeUndefined()
  })

  it("keeps to the backlog of the queue", async () => {
    await withLog((log) => log.control([{ _tag: "Configure", queue: "small", policy: { maxBacklog: 1 } }]))
    await enqueue(`'small', 'send', '{}'`)
    await expect(enqueue(`'small', 'send', '{}'`)).rejects.toMatchObject({ reason: { cause: { code: "LH001" } } })
  })

  it("needs EXECUTE on it and USAGE of the schema, and nothing else", async () => {
    const call = "SELECT leasehold.enqueue_job('granted', 'send', '{}') IS NOT NULL AS made"
    expect(await modest(call)).toMatchObject({ code: "42501" })
    await owner("GRANT USAGE ON SCHEMA leasehold TO modest")
    expect(await modest(call)).toMatchObject({ code: "42501", message: "permission denied for function enqueue_job" })
    await owner("GRANT EXECUTE ON FUNCTION leasehold.enqueue_job TO modest")
    expect(await modest(call)).toEqual([{ made: true }])
    expect(await modest("SELECT * FROM leasehold.job")).toMatchObject({ code: "42501" })
    expect(await modest("DELETE FROM leasehold.job")).toMatchObject({ code: "42501" })
    // what the caller has in its own search path is not what the function finds
    const shadowed = `DO $$ BEGIN
      CREATE TEMP TABLE job (id int);
      CREATE FUNCTION pg_temp.enqueue(uuid[]) RETURNS int LANGUAGE sql AS 'SELECT 1 / 0';
      PERFORM leasehold.enqueue_job('granted', 'send', '{}');
    END $$`
    expect(await modest(shadowed)).toEqual([])
    expect(await owner("SELECT count(*)::int FROM leasehold.jobs WHERE queue = 'granted'")).toEqual([{ count: 2 }])
  })

  const many = (bytes: number) => `repeat('x', ${bytes})`
  it.each([
    [`'a b', 'send', '{}'`, /^queue must begin with a letter or digit/],
    [`${many(Limits.nameBytes + 1)}, 'send', '{}'`, /^queue must begin/],
    [`NULL, 'send', '{}'`, /^queue must begin/],
    [`'q', E'send\\n', '{}'`, /^name must begin/],
    [`'q', 'sénd', '{}'`, /^name must begin/],
    [`'q', 'send', NULL`, /^payload must not be null; a job without one has the payload \{\}$/],
    [`'q', 'send', '{'`, /^invalid input syntax for type json/],
    [`'q', 'send', to_json(${many(Limits.payloadBytes)})`, /^payload has 1048578 bytes, the limit is 1048576/],
    [`'q', 'send', '{}', version => -1`, /^version must be a whole number from 0 to 2147483647$/],
    [`'q', 'send', '{}', priority => 1001`, /^priority must be a whole number from -1000 to 1000$/],
    [`'q', 'send', '{}', priority => NULL`, /^priority must be/],
    [`'q', 'send', '{}', max_attempts => 0`, /^max_attempts must be a whole number from 1 to 10000$/],
    [`'q', 'send', '{}', max_deliveries => 10001`, /^max_deliveries must be a whole number from 1 to 10000$/],
    [`'q', 'send', '{}', delay => '1 hour', at => now()`, /^at excludes delay; give one of them$/],
    [`'q', 'send', '{}', delay => '-1 ms'`, /^delay must be an interval from 0 ms to ten years$/],
    [`'q', 'send', '{}', delay => '11 years'`, /^delay must be an interval/],
    [`'q', 'send', '{}', timeout => '0'`, /^timeout must be an interval from 1 ms to ten years$/],
    [`'q', 'send', '{}', at => 'infinity'`, /^at must be an instant from 1970 on$/],
    [`'q', 'send', '{}', at => '1960-01-01Z'`, /^at must be an instant/],
    [`'q', 'send', '{}', deadline => '-infinity'`, /^deadline must be an instant/],
    [`'q', 'send', '{}', key => ''`, /^key must not be empty; leave it out instead$/],
    [`'q', 'send', '{}', key => ${many(Limits.keyBytes + 1)}`, /^key has 513 bytes, the limit is 512/],
    [
      `'q', 'send', '{}', key => 'k', key_window => NULL`,
      /^key_window and key_replaces must not be null beside a key$/
    ],
    [`'q', 'send', '{}', key => 'k', key_window => '20 years'`, /^key_window must be an interval/],
    [`'q', 'send', '{}', group_key => ''`, /^group_key must not be empty/],
    [`'q', 'send', '{}', group_key => repeat('é', 257)`, /^group_key has 514 bytes, the limit is 512/],
    [`'q', 'send', '{}', metadata => '[]'`, /^metadata must be an object of strings$/],
    [`'q', 'send', '{}', metadata => '{"a": 1}'`, /^metadata must be an object of strings, none under an empty name$/],
    [`'q', 'send', '{}', metadata => '{"": "a"}'`, /^metadata must be an object of strings, none/],
    [`'q', 'send', '{}', metadata => json_build_object('a', ${many(8192)})`, /^metadata has 8193 bytes of names and/],
    [`'q', 'send', '{}', id => NULL`, /^id must not be null; leave it out to have one made$/]
  ])("refuses %s", async (call, message) => {
    await expect(enqueue(call)).rejects.toMatchObject({
      reason: { cause: { message: expect.stringMatching(message) } }
    })
    expect(await owner("SELECT count(*)::int FROM leasehold.jobs WHERE queue = 'q'")).toEqual([{ count: 0 }])
  })

  it("takes what is just within the limits", async () => {
    const id = await enqueue(`${many(Limits.nameBytes)}, '0:/._-', to_json(${many(Limits.payloadBytes - 2)}),
      version => 2147483647, priority => 1000, max_attempts => 10000, delay => '3650 days', key => ${many(512)},
      key_window => '0', group_key => ${many(512)}, metadata => json_build_object('a', ${many(8191)})`)
    expect(await read(id)).toMatchObject({ maxAttempts: 10_000, maxDeliveries: 20_003, priority: 1_000 })
  })

  it("wakes those who wait, unless it is told not to", async () => {
    const heard = await sql.heard("leasehold_leasehold", [
      "SELECT leasehold.enqueue_job('quiet', 'send', '{}', notify => false)",
      "SELECT leasehold.enqueue_job('loud', 'send', '{}')"
    ])
    expect(decode(heard)).toMatchObject({ queues: ["loud"], jobs: [] })
  })
})
