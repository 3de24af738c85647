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
    from: "if at == '-' or tonumber(at) > N then return id, at, how end",
    to: "return id, at, how",
    law: "keyDeduplicates"
  },
  {
    name: "a key ends with its record",
    from: "if id == job.i and at == '-' then holdKey(q, job.K, id, text(job.f + job.W), how) end",
    to: "call('HDEL', B .. 'k:' .. q.name, job.K)",
    law: "retentionKeepsKeys"
  },
  {
    name: "an id that is known makes another job",
    from: "to_.suffix) == 1 then",
    to: "to_.suffix) >= 0 then",
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

/** Of these no law need take notice: each has a test of its own. */
export const others = {
  /** What nobody is told of is found by looking, only late. */
  noNews: {
    name: "no news",
    from: "redis.pcall('PUBLISH', B .. 'news', message)",
    to: ""
  },
  /** The laws' histories are too short for a policy to forget a part of what was completed together. */
  inexactCount: {
    name: "more forgotten than the policy says",
    from: "if at + q.rc > N then allowed = math.min(allowed, q.fn - q.rn) end",
    to: ""
  },
  /** A claim that waits, in a session that has many other calls meanwhile. */
  oldClaim: {
    name: "a claim that waited for long is refused as too old",
    from: "if letter ~= 'p' and letter ~= 'l' then",
    to: "if letter ~= 'l' then"
  },
  oldAnswer: {
    name: "the answer to a claim that waited for long goes at once",
    from: "if letter ~= 'p' and letter ~= 'l' then",
    to: "if letter ~= 'p' then"
  },
  keptAnswer: {
    name: "the answer to a claim that waited for long stays for ever",
    from: "for late in string.gmatch(found[2], '%d+') do going[#going + 1] = late end",
    to: ""
  },
  unwatched: {
    name: "a job that was granted to an old claim is kept for as long as that was new",
    from: "s.number = s.k\n",
    to: "s.number = tonumber(number)\n"
  },
  /** Hints that are missing, or that nobody needs. */
  untoldRest: {
    name: "what is left after all that waited were served is told to nobody",
    from: "  if q.w == 0 then q.news = q.sooner end",
    to: "  q.news = q.sooner"
  },
  toldAll: {
    name: "all that wait are told of each job",
    from: "        q.news = q.sooner\n        return",
    to: "        return"
  },
  untoldTime: {
    name: "those who wait are not told of a job that is due sooner",
    from: "== text(job.n) then q.sooner = true end",
    to: "== text(job.n) then q.sooner = nil end"
  },
  /** Who is granted what nobody looks for. */
  deaf: {
    name: "a claim whose process hears nothing is granted jobs",
    from: "return found.err ~= nil or found[2] > 0",
    to: "return true"
  },
  goneOn: {
    name: "a claim that nobody waits for is granted jobs",
    from: "  standDown(queue(words[3]), words[1], words[2])\n",
    to: ""
  },
  dead: {
    name: "a claim of a dead session is granted jobs",
    from: "local s = alive(session)\n    local open",
    to: "local s = { id = session, e = N, l = 1, k = tonumber(number), op = 1 }\n    local open"
  },
  /** Entries that nobody removes. */
  servedStays: {
    name: "a claim that was served stands in line",
    from: "        standDown(q, session, number)\n        remember(",
    to: "        remember("
  },
  deadStays: {
    name: "the claims of a dead session stand in line",
    from: "if no then standDown(queue(nameOf(no)), session, answers[i]) end",
    to: ""
  },
  /** The laws move the clock forward only. */
  headNotLookedFor: {
    name: "a group's head that is not visible any more, and is not looked at again",
    from: "else call('ZADD', B .. 'y:' .. q.name, job.v, head) end",
    to: "end"
  },
  deadUntilBack: {
    name: "sessions whose death is not written down",
    from: "call('HSET', B .. 'h:' .. session, 'e', '-1')\n      call('ZADD', B .. 'S', 0, session)",
    to: ""
  },
  /** Nor are their histories long enough for anything to pile up, or for a call to have too much to do. */
  fewGo: {
    name: "fewer that go than come",
    from: "bury(q, 40 + most)",
    to: "bury(q, 40)"
  },
  firstHoldsUp: {
    name: "a first that holds up the others",
    from: "local turns = math.min(8, floor(q.un / 64))",
    to: "local turns = 0"
  },
  endingsStay: {
    name: "endings of jobs that are gone",
    from: "if q.fn == 0 then call('DEL', B .. 'f:' .. q.name) end",
    to: ""
  },
  restingForgotten: {
    name: "sessions that hold nothing forgotten",
    from: "call('ZADD', B .. 'H', 'XX', '+inf', found[1])",
    to: "call('ZREM', B .. 'H', found[1])"
  },
  onlyFirstDead: {
    name: "no look at more dead sessions",
    from: "return taken, dead, #over == 64",
    to: "return taken, dead, false"
  },
  noBytes: {
    name: "no bound in bytes",
    from: "mostGrantedBytes = 64, 1000, 8388608",
    to: "mostGrantedBytes = 64, 1000, 1e12"
  },
  emptyAtOnce: {
    name: "too many frames without a job taken for none",
    from: "if #segments == 0 and halted then again = true end",
    to: ""
  },
  grantsInPass: {
    name: "grants before new terms are in effect",
    from: "if q.gp > 0 then return true end",
    to: ""
  }
} as const satisfies Readonly<Record<string, Omit<LuaMutant, "law">>>

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
