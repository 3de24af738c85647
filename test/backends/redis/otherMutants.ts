/** Functions of the library that are wrong in one place, and the tests that look for each by itself. */
import type { LuaMutant } from "./luaMutants.ts"

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
