/** Functions of the log that are wrong in one place, each with a law that has to notice. */
import { createHash } from "node:crypto"
import type { LawName } from "../../../properties/index.ts"
import { type Library, library } from "../../../src/backends/redis/Library.ts"

export interface LuaMutant {
  readonly name: string
  /** What of the library's source becomes what. */
  readonly from: string
  readonly to: string
  readonly law: LawName
}

export const luaMutants: ReadonlyArray<LuaMutant> = [
  {
    name: "completions of plain jobs have no fence",
    from: "if value == place .. mask then",
    to: "if true then",
    law: "staleTokenRefused"
  },
  {
    name: "all other settlements have no fence",
    from: "  local value = call('HGET', B .. 't:' .. session, token)\n  if not value then return end",
    to:
      "  local value = call('HGET', B .. 't:' .. session, token)\n" +
      "  if not value then local job = load(seq) if job and job.h then return queue(job.q), job end return end",
    law: "staleTokenRefused"
  },
  {
    name: "a token may come twice",
    from: "return math.max(last + 1, N * 1000)",
    to: "return N * 1000",
    law: "tokenMonotone"
  },
  {
    name: "a session whose lease has run out goes on",
    from: "if not e or e <= N then\n    -- once",
    to: "if not e or e == 0 then\n    -- once",
    law: "renewNeverRevives"
  },
  {
    name: "a closed session goes on",
    from:
      "  call('HSET', B .. 'h:' .. session, 'e', '0', 'x', 1)\n  call('ZADD', B .. 'S', 0, session)\n" +
      "  local _, all = eachHeld(session, tonumber(words[2]), function(q, job) giveBack(q, job, 0) end)\n" +
      "  if all then forget(session) end",
    to: "  local _, all = eachHeld(session, tonumber(words[2]), function(q, job) giveBack(q, job, 0) end)",
    law: "staleTokenRefused"
  },
  {
    name: "what a closed session held is nobody's",
    from: "local _, all = eachHeld(session, tonumber(words[2]), function(q, job) giveBack(q, job, 0) end)",
    to: "local all = true",
    law: "atLeastOnce"
  },
  {
    name: "answers are not remembered",
    from: "call('HSET', B .. 'c:' .. s.id, number, operation .. answer)",
    to: "",
    law: "numberedCallsRepeat"
  },
  {
    name: "of a claim nothing is remembered",
    from: "remember(s, number, 'c', cmsgpack.pack({ notes = noted(segments), now = N, nextAt = nextAt }))",
    to: "",
    law: "numberedCallsRepeat"
  },
  {
    name: "a plain job's payload goes with its record, though its claim may be sent again",
    from: "depart(q, prio, entry, watched)",
    to: "call('XDEL', stream(q.name, prio), entry)",
    law: "numberedCallsRepeat"
  },
  {
    name: "dead sessions keep what they hold",
    from: "call('ZRANGEBYSCORE', B .. 'S', '-inf', N, 'LIMIT', 0, 64)",
    to: "call('ZRANGEBYSCORE', B .. 'S', '-inf', 0, 'LIMIT', 0, 64)",
    law: "reclaimOnExpiry"
  },
  {
    name: "a lease that ran out counts as an attempt though nobody began",
    from: "job.u and job.a + 1 or job.a, expiredCause, job.u == true, expiredCause",
    to: "job.a + 1, expiredCause, true, expiredCause",
    law: "attemptsBounded"
  },
  {
    name: "one attempt too many",
    from: "if counted and attempts >= job.ma then",
    to: "if counted and attempts > job.ma then",
    law: "attemptsBounded"
  },
  {
    name: "deliveries have no bound",
    from: "if job.d >= job.md then",
    to: "if false then",
    law: "attemptsBounded"
  },
  {
    name: "a delay is over early",
    from: "call('ZRANGEBYSCORE', B .. 'y:' .. q.name, '-inf', N, 'LIMIT', 0, most)",
    to: "call('ZRANGEBYSCORE', B .. 'y:' .. q.name, '-inf', N + 50, 'LIMIT', 0, most)",
    law: "neverEarly"
  },
  {
    name: "a retry does not wait",
    from: "bounded(q, job, N + delay, job.a + 1, cause, true, cause)",
    to: "bounded(q, job, N, job.a + 1, cause, true, cause)",
    law: "backoffHonoured"
  },
  {
    name: "waiting jobs have no deadline",
    from: "call('ZRANGEBYSCORE', B .. 'x', '-inf', N, 'LIMIT', 0, most)",
    to: "call('ZRANGEBYSCORE', B .. 'x', '-inf', 0, 'LIMIT', 0, most)",
    law: "deadLettersConserved"
  },
  {
    name: "the last priority first",
    from: "for _, prio in ipairs(call('ZRANGE', B .. 'p:' .. q.name, 0, -1)) do",
    to: "for _, prio in ipairs(call('ZREVRANGE', B .. 'p:' .. q.name, 0, -1)) do",
    law: "priorityOrder"
  },
  {
    name: "the last priority first, of jobs that are more than an entry",
    from: "return text((job.p + 1000) * 4398046511104 + job.n)",
    to: "return text((1000 - job.p) * 4398046511104 + job.n)",
    law: "priorityOrder"
  },
  {
    name: "a group's permit is not taken",
    from: "if job.G then call('HINCRBY', B .. 'gf:' .. q.name, job.G, 1) end",
    to: "",
    law: "groupFifo"
  },
  {
    name: "a group's permit is never free again",
    from: "local flying = call('HINCRBY', B .. 'gf:' .. q.name, job.G, -1)",
    to: "local flying = 1",
    law: "groupFifo"
  },
  {
    name: "a group's last is its head",
    from: "local head = call('ZRANGE', gm, 0, 0)[1]",
    to: "local head = call('ZREVRANGE', gm, 0, 0)[1]",
    law: "groupFifo"
  },
  {
    name: "a job that waits holds no key",
    from: "if job.s == 'W' or job.s == 'L' then holdKey(q, job.K, job.i, '-', '-')",
    to: "if job.s == 'W' or job.s == 'L' then return",
    law: "keyDeduplicates"
  },
  {
    name: "a key is free again as soon as its job is done",
    from: "elseif id and job.s == 'C' then holdKey(q, job.K, job.i, text(job.f + job.W), 'C')",
    to: "elseif id and job.s == 'C' then holdKey(q, job.K, job.i, text(job.f), 'C')",
    law: "keyDeduplicates"
  },
  {
    name: "a key whose window is over is held on",
    from: "return at == '-' or tonumber(at) > N, id, at, how",
    to: "return true, id, at, how",
    law: "keyDeduplicates"
  },
  {
    name: "a key ends with its record",
    from: "if id == job.i and at == '-' then holdKey(q, job.K, id, text(job.f + job.W), how) end",
    to: "call('HDEL', B .. 'k:' .. q.name, job.K)",
    law: "retentionKeepsKeys"
  },
  {
    name: "the key of a job in a frame is not looked for",
    from: "local held_, id = keptFor(q, field)",
    to: "local held_, id",
    law: "keyDeduplicates"
  },
  {
    name: "the keys of the frame that is being filled are not looked at",
    from: "if isHeld[field] then return true end",
    to: "",
    law: "keyDeduplicates"
  },
  {
    name: "the key of a job in a frame is held for ever",
    from: "completeKeys(q, prio, entry, from, mask) end",
    to: "end",
    law: "retentionKeepsKeys"
  },
  {
    name: "a job that was in a frame forgets its key",
    from: "K = key, W = window,",
    to: "",
    law: "keyDeduplicates"
  },
  {
    name: "an id that is known makes another job",
    from: "into.suffix) == 1 then",
    to: "into.suffix) >= 0 then",
    law: "enqueueIdempotent"
  },
  {
    name: "the backlog has no bound",
    from: "if q.w + added[name] > q.mb then return q end",
    to: "",
    law: "durabilityNamed"
  },
  {
    name: "an operator may remove a job that waits",
    from: "if job.s == 'W' then return 'notTerminal' end",
    to: "",
    law: "readsAgree"
  },
  {
    name: "what is done goes at once",
    from: "q.rc = tonumber(v[6] or 3600000)",
    to: "q.rc = 0",
    law: "completedStaysCompleted"
  },
  {
    name: "the holder of a cancelled job is not told",
    from: "if job.h then call('SADD', B .. 'z:' .. job.h, text(job.t)) else",
    to: "if not job.h then",
    law: "cancelIsTerminal"
  },
  {
    name: "a cancelled job completes",
    from: "if job and job.s == 'X' and letter ~= 'l' then refused = 'cancelled' end",
    to: "",
    law: "cancelIsTerminal"
  },
  {
    name: "a paused queue grants",
    from: "if not q.pz then segments, _, halted = grantReady(s, q, most) end",
    to: "segments, _, halted = grantReady(s, q, most)",
    law: "pauseHolds"
  },
  {
    name: "follow-ups come before the fence",
    from: "    local jobs = tonumber(words[at])\n",
    to:
      "    local jobs = tonumber(words[at])\n" +
      "    if refused then enqueueAll(queues, words, at + 1, at + 2 * jobs) end\n",
    law: "followUpsAtomic"
  },
  {
    name: "follow-ups are dropped",
    from: "local answers = enqueueAll(queues, words, at + 1, at + 2 * jobs)",
    to: "local answers = {}",
    law: "followUpsAtomic"
  },
  {
    name: "what a claim that waited was granted is not remembered",
    from: "remember(s, number, 'c', cmsgpack.pack({ notes = noted(segments), now = N }))",
    to: "",
    law: "noLostWakeUp"
  },
  {
    name: "a claim that waits is taken for answered",
    from: "if s.open ~= waits then call('HSET', B .. 'c:' .. s.id, number, waits) end",
    to: "call('HSET', B .. 'c:' .. s.id, number, 'c' .. cmsgpack.pack({ notes = {}, now = N }))",
    law: "noLostWakeUp"
  },
  {
    name: "a dead letter is not counted",
    from: "q.C, q.D, q.X, oldest or false }",
    to: "q.C, 0, q.X, oldest or false }",
    law: "readsAgree"
  }
]

/** The library with a mutant under a name of its own. */
export const mutated = ({ from, to }: Omit<LuaMutant, "law">, base = library()): Library => {
  const { functions, name, script } = base
  const parts = functions.split(from).length
  if (parts !== 2) throw new Error(`is there ${parts - 1} times: ${from}`)
  const own = `${name}_${createHash("sha1")
    .update(from + to)
    .digest("hex")
    .slice(0, 6)}`
  return {
    name: own,
    functions: functions.replaceAll(name, own).replace(from, () => to),
    script: (operation) => script(operation).replace(from, () => to)
  }
}
